"""The examples of the plugin book are plugins that load and work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from living_bot import OWNER, Living
from plugin_site import PluginSite
from wompbot_cogs import PER_GUILD
from wompbot_cogs.hooks import HookSpecs
from wompbot_cogs.hooks.marks import rules_of
from wompbot_cogs.testing import ScriptedModel

BOOK = Path(__file__).parents[2] / "docs/plugins"
PAGE = (BOOK / "hooks.md").read_text(encoding="utf-8")
RULES = rules_of(HookSpecs)


def example(hook: str) -> str:
    section = PAGE.split(f"\n## `{hook}`\n")[1].split("\n## ")[0]
    return code_in(section)


def code_in(section: str) -> str:
    [code] = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    return str(code)


async def test_the_examples_of_all_hooks_run_side_by_side(
    living: Living, site: PluginSite, model: ScriptedModel
) -> None:
    for hook, rules in RULES.items():
        site.install(f"book_{hook}", example(hook), needs=[rules.needs] if rules.needs else [])
        await living.ask(OWNER, f"!plugins grant book_{hook} costs") if rules.needs == "costs" else None
        await living.load(f"book_{hook}")
    hooks = living.app.hooks
    assert all(f"book_{hook}" in hooks.implementers(hook) for hook in RULES)
    model.calls("club_rules")
    assert "be kind" in await living.ask("alice", "wompbot, how shall I behave?")
    shown = " ".join(message["content"] or "" for message in model.asked[-1]["messages"])
    for said in ("every Friday at eight", "3 guests right now", "alice is a guest of the club"):
        assert said in shown
    await living.guild.say("alice", "I guarantee that this laptop will never crash before 2031.")
    await living.app.core.claims.settled()
    [export] = await hooks.ask("export_person", person_id=1)
    assert export.value == {"pages": []}
    assert [each.failed for each in await hooks.outcomes("erase_person", person_id=1)] == [False]
    [health] = await hooks.ask("health")
    assert (health.value.well, health.value.text) == (False, "no key is set")
    await see_stars(living, site)
    for hook in RULES:
        await living.app.host.unload(f"book_{hook}")
    assert living.app.host.errors == 0


async def see_stars(living: Living, site: PluginSite) -> None:
    """Use the example of what is watched."""
    section = PAGE.split("\n## Messages, reactions and menus\n")[1].split("\n## ")[0]
    site.install("book_stars", code_in(section), needs=["messages"])
    await living.load("book_stars")
    message_id = await living.guild.say("alice", "look at this")
    [shown] = await living.guild.menu("bob", "Count stars", message_id)
    assert shown.text == "It has no star."
    await living.guild.react("bob", message_id, "⭐")
    [shown] = await living.guild.menu("bob", "Count stars", message_id)
    assert shown.text == "It has a star."
    assert await living.ask("alice", "how many stars?") == "Messages with a star: 1"
    await living.app.host.unload("book_stars")


def test_the_example_of_settings_leaves_one_to_each_server() -> None:
    section = (BOOK / "data.md").read_text(encoding="utf-8").split("\n## Settings\n")[1].split("\n## ")[0]
    names: dict[str, Any] = {}
    exec(compile(code_in(section), "data.md", "exec", dont_inherit=True), names)
    settings = names["TallySettings"]
    assert settings().per_person == 100
    assert PER_GUILD in settings.model_fields["per_person"].metadata
