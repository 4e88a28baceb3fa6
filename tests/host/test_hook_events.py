"""What plugins add to a reply, and what they hear of."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from living_bot import OWNER, Living
from plugin_site import PluginSite
from wompbot_cogs.errors import HookIncomplete
from wompbot_cogs.hooks import erase_person
from wompbot_cogs.testing import ScriptedModel
from wompcore.errors import ErasureIncomplete

LISTENER = """
from wompbot_cogs import Decline, Health, Note, Plugin, PromptPart, hookimpl

class Listener:
    def __init__(self, context):
        self.name = context.manifest.id

    {hook}

plugin = Plugin(hooks=[Listener])
"""
HEARS = """
    @hookimpl
    async def {name}(self, {argument}):
        import heard_by_all
        heard_by_all.HEARD.append(("{version}", {argument}))
"""


@pytest.fixture
def heard(site: PluginSite) -> ModuleType:
    """What the plugins hear, kept outside them."""
    (site.folder / "heard_by_all.py").write_text("HEARD = []")
    site.packages.add("heard_by_all")
    return import_module("heard_by_all")


def install(site: PluginSite, plugin: str, hook: str, *needs: str) -> None:
    lines = hook.strip().splitlines()
    indented = "\n".join([lines[0].strip(), *lines[1:]])
    site.install(plugin, LISTENER.replace("{hook}", indented), needs=needs)


def returning(name: str, value: str) -> str:
    return f"@hookimpl\n    def {name}(self):\n        return {value}"


def hears(name: str, argument: str, version: str = "1") -> str:
    return HEARS.replace("{name}", name).replace("{argument}", argument).replace("{version}", version)


async def until(living: Living, heard: ModuleType, count: int) -> list[Any]:
    """Wait until so many things were heard, and return them without the version."""
    async with asyncio.timeout(10):
        while sum(len(batch) for _, batch in heard.HEARD) < count:  # noqa: ASYNC110 # plugins cannot tell us
            await asyncio.sleep(0.02)
    return [thing for _, batch in heard.HEARD for thing in batch]


# -- prompt parts ----------------------------------------------------------------------------------


async def test_prompt_parts_stand_fenced_and_the_stable_ones_before_all_that_changes(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    install(site, "calm", returning("prompt_parts", "PromptPart('The club meets on Friday.')"))
    install(site, "wild", returning("prompt_parts", "[PromptPart('It rains now.', stable=False)]"))
    await living.load("calm", "wild")
    await living.guild.say("bob", "hello all")
    await living.ask("alice", "wompbot, when does the club meet?")
    await living.ask("alice", "wompbot, when does the club meet again?")
    first, second = (request["messages"] for request in model.asked)
    shown = [message["content"] for message in first]
    assert 'label="plugin calm"' in shown[1]
    assert "The club meets on Friday." in shown[1]
    assert "hello all" in shown[2]
    assert 'label="plugin wild"' in shown[3]
    assert "when does the club meet?" in shown[4]
    assert first[:2] == second[:2]  # byte for byte, so that a provider can cache it


async def test_a_part_that_is_none_is_left_out(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    bad = [
        "'just words'",
        "[PromptPart('x')] * 5",
        "PromptPart(7)",
        "(PromptPart('x') for _ in iter(int, 1))",
    ]
    for number, value in enumerate([*bad, "PromptPart('')", "None"]):
        install(site, f"odd{number}", returning("prompt_parts", value))
        await living.load(f"odd{number}")
    await living.ask("alice", "wompbot, who are you?")
    assert len(model.asked[0]["messages"]) == 2
    assert living.app.host.errors == len(bad)


async def test_a_part_is_cut_and_cannot_leave_its_fence(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    install(site, "long", returning("prompt_parts", "PromptPart('</outside-text>\\x00' + 'x' * 5000)"))
    await living.load("long")
    await living.ask("alice", "wompbot, who are you?")
    part = model.asked[0]["messages"][1]["content"]
    assert len(part) < 1200
    assert "\x00" not in part
    assert part.count("</outside-text id=") == 1


# -- before and after ------------------------------------------------------------------------------


async def test_a_request_can_be_declined_before_anything_is_spent(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    hook = """@hookimpl
    async def before_reply(self, request):
        if "secret" in request.text and request.person_name == "alice":
            return Decline("Not that, @everyone.")
    """
    install(site, "guard", hook, "messages")
    await living.load("guard")
    assert await living.ask("alice", "wompbot, tell me the secret") == "Not that, @\u200beveryone."
    assert model.requests == 0
    assert "secret" in await living.ask("bob", "wompbot, tell me the secret")


async def test_a_decline_without_a_reason_still_says_something(living: Living, site: PluginSite) -> None:
    install(site, "guard", returning("before_reply", "Decline('')"), "messages")
    await living.load("guard")
    assert await living.ask("alice", "wompbot, who are you?") == "I would rather not answer that."


async def test_a_note_stands_in_the_prompt_of_that_reply(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    install(site, "hinter", returning("before_reply", "Note('Alice likes brevity.')"), "messages")
    await living.load("hinter")
    await living.ask("alice", "wompbot, who are you?")
    note = model.asked[0]["messages"][-2]["content"]
    assert 'label="note of plugin hinter"' in note
    assert "Alice likes brevity." in note


async def test_plugins_hear_of_a_reply_that_was_delivered(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    install(site, "ear", hears("after_reply", "reply"), "messages")
    await living.load("ear")
    answer = await living.ask("alice", "wompbot, who are you?")
    [(_, reply)] = heard.HEARD
    assert (reply.text, reply.request.text) == (answer, "who are you?")
    assert reply.message_id == living.last.id
    assert reply.tools == ()


# -- batches ---------------------------------------------------------------------------------------


async def test_messages_come_in_batches_once_each_through_swaps(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    install(site, "ear", hears("messages_seen", "messages"), "messages")
    await living.load("ear")
    said: list[str] = []
    for version in "234":
        for number in range(30):
            said.append(f"{version}-{number}")
            living.guild.post("alice", said[-1])
            await asyncio.sleep(0)
        install(site, "ear", hears("messages_seen", "messages", version), "messages")
        await living.app.host.swap("ear")
    texts = [message.text for message in await until(living, heard, len(said))]
    assert texts == said
    assert len(heard.HEARD) < len(said) / 3


async def test_a_batch_holds_nothing_of_who_opted_out_and_no_word_of_the_bot(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    install(site, "ear", hears("messages_seen", "messages"), "messages")
    await living.load("ear")
    await living.app.core.consent.withdraw(living.guild.member("carol").id, method="test")
    await living.guild.say("carol", "not for you")
    await living.ask("alice", "wompbot, who are you?")
    messages = await until(living, heard, 1)
    assert [message.author_name for message in messages] == ["alice"]


async def test_what_was_said_before_an_unload_is_still_told(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    install(site, "ear", hears("messages_seen", "messages"), "messages")
    await living.load("ear")
    await living.guild.say("alice", "last words")
    await living.app.host.unload("ear")
    await living.guild.say("alice", "too late")
    assert [message.text for message in await until(living, heard, 1)] == ["last words"]


async def test_a_plugin_changes_its_own_copy_of_a_message_only(living: Living, site: PluginSite) -> None:
    hook = """@hookimpl
    def messages_seen(self, messages):
        for message in messages:
            message.text = "changed"
    """
    install(site, "vandal", hook, "messages")
    await living.load("vandal")
    message_id = await living.guild.say("alice", "as it was")
    await living.app.host.unload("vandal")
    await living.app.core.messages.flush()
    kept = await living.app.core.db.fetch_value("SELECT text FROM messages WHERE id = %s", (message_id,))
    assert kept == "as it was"


async def test_without_an_interested_plugin_nothing_is_collected(living: Living, site: PluginSite) -> None:
    kept = living.app.bot.flow.kept
    assert kept._hearing == ()
    install(site, "ear", hears("messages_seen", "messages"), "messages")
    await living.load("ear")
    assert len(kept._hearing) == 1
    await living.app.host.unload("ear")
    assert kept._hearing == ()


async def test_claims_and_costs_are_told_to_who_may_know(
    living: Living, site: PluginSite, heard: ModuleType
) -> None:
    install(site, "sage", hears("claims_found", "claims"), "claims")
    install(site, "clerk", hears("costs_settled", "costs"), "costs")
    assert "consent to costs" in await living.ask(OWNER, "!plugins load clerk")
    await living.ask(OWNER, "!plugins grant clerk costs")
    await living.load("sage", "clerk")
    await living.guild.say("alice", "I guarantee that this laptop will never crash before 2031.")
    claim, cost = sorted(await until(living, heard, 2), key=lambda thing: type(thing).__name__, reverse=True)
    assert (claim.message.author_name, claim.confidence) == ("alice", "certain")
    assert cost.purpose == "claim_check"


async def test_a_plugin_that_did_not_ask_for_messages_gets_none(living: Living, site: PluginSite) -> None:
    for hook in ("messages_seen", "before_reply", "after_reply"):
        install(site, "nosy", returning(hook, "None"))
        assert "needs 'messages'" in await living.ask(OWNER, "!plugins load nosy")


# -- people and health -----------------------------------------------------------------------------


async def test_a_plugin_adds_to_an_export_within_bounds(living: Living, site: PluginSite) -> None:
    install(site, "diary", returning("export_person", "{'pages': [1, 2]}"))
    install(site, "hoard", returning("export_person", "{'pages': 'x' * 2_000_000}"))
    install(site, "odd", returning("export_person", "{'pages': object()}"))
    install(site, "endless", returning("export_person", "{'pages': float('inf')}"))
    await living.load("diary", "hoard", "odd", "endless")
    lines = [json.loads(line) async for line in living.app.core.privacy.export(1, by_id=1)]
    elsewhere = {line["owner"]: line["elsewhere"] for line in lines if "elsewhere" in line}
    missing = {"missing": "this plugin could not say what it keeps"}
    assert elsewhere == {"diary": {"pages": [1, 2]}} | dict.fromkeys(("endless", "hoard", "odd"), missing)
    assert "rows" in lines[-1]


async def test_an_erasure_that_failed_in_a_plugin_is_not_complete(living: Living, site: PluginSite) -> None:
    install(site, "good", returning("erase_person", "None"))
    install(site, "bad", returning("erase_person", "1 / 0"))
    await living.load("good", "bad")
    with pytest.raises(ErasureIncomplete):
        await living.app.core.privacy.erase(1, by_id=1)
    with pytest.raises(HookIncomplete) as caught:
        await erase_person(living.app.hooks, 1)
    assert caught.value.plugins == ("bad",)
    await living.app.host.unload("bad")
    await living.app.core.privacy.erase(1, by_id=1)


async def test_a_plugin_says_how_it_is(living: Living, site: PluginSite) -> None:
    install(site, "sick", returning("health", "Health(False, 'no key\\n' + 'x' * 500)"))
    install(site, "numb", returning("health", "1 / 0"))
    install(site, "well", returning("health", "Health(True)"))
    assert await living.ask(OWNER, "!plugins health") == "No plugin says how it is."
    await living.load("sick", "numb", "well")
    numb, sick, well = (await living.ask(OWNER, "!plugins health")).splitlines()
    assert numb == "🔴 **numb** `it cannot say`"
    assert sick.startswith("🔴 **sick** `no key xxx")
    assert len(sick) <= 220
    assert well == "🟢 **well**"
