"""After an erasure no table holds a word of what somebody claimed, quoted or asked, nor their id."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from living_bot import OWNER, Living, Opener
from wompbot_cogs.settings import BotSettings
from wompcore.config import SearchSettings
from wompcore.search import SearchResult
from wompcore.search.offline import offline_search
from wompcore.testing.model import ScriptedModel

CLAIM = "Hot take: I guarantee that zanzibarian cheese will never be cheap again before 2031"
KEPT_BY_LAW = {"public.audit_log", "public.consents", "public.people"}
PAGES = (
    SearchResult("One", "https://one.example.org/a", "zanzibarian cheese"),
    SearchResult("Two", "https://two.example.com/a", "zanzibarian cheese"),
)


@pytest.fixture
async def checking(open_bot: Opener, bot_settings: BotSettings) -> AsyncIterator[Living]:
    async with offline_search(PAGES) as engine:
        search = SearchSettings(provider="searxng", base_url=engine.base_url)
        yield await open_bot(bot_settings.model_copy(update={"search": search}))


async def holding(living: Living, *needles: str) -> dict[str, list[str]]:
    """Return the rows of every table, whoever made it, in which one of the needles stands."""
    db = living.app.core.db
    tables = await db.fetch_all(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    found: dict[str, list[str]] = {}
    for (table,) in tables:
        rows = await db.fetch_all(f"SELECT row_to_json(t)::text FROM {table} t")
        hits = [row for (row,) in rows if any(needle in row.lower() for needle in needles)]
        if hits:
            found[table] = hits
    return found


async def claimed(living: Living, model: ScriptedModel, name: str, text: str, **more: object) -> int:
    """Have somebody claim something that the model takes for a claim."""
    answer = {"claim_text": text, "claim_type": "guarantee", "confidence_level": "certain", **more}
    model.says(json.dumps({"is_trackable": True, "reasoning": "firm", **answer}))
    message_id = await living.guild.say(name, text)
    await living.app.core.claims.settled()
    return message_id


async def live(living: Living, model: ScriptedModel) -> None:
    """Have bob do everything that leaves a trace of what was claimed or quoted."""
    await living.ask(OWNER, "!settings set contradictions on")
    await living.ask("bob", "!tell_contradictions on")
    said = await claimed(living, model, "bob", CLAIM, time_horizon="before the zanzibarian year 2031")
    other = await claimed(living, model, "carol", "I guarantee that all bread will be free before 2031")
    await living.guild.edit(said, f"{CLAIM}, and zanzibarian beer too")
    for person in ("alice", "carol"):
        await living.guild.react(person, said, "\N{FIRE}")
    await living.guild.react("carol", said, "\N{CLOUD}")
    await living.guild.react("bob", other, "\N{CLOUD}")
    await living.guild.react("bob", other, "\N{FIRE}")
    for asker, message_id in (("alice", said), ("bob", other)):
        model.says(json.dumps({"verdict": "false", "analysis": "No zanzibarian cheese.", "sources": [1, 2]}))
        await living.guild.react(asker, message_id, "\N{WARNING SIGN}")
    core = living.app.core
    await core.hot_takes.settled()
    await core.quotes.settled()
    await core.claims.settled()
    await core.messages.flush()
    await core.claims.learning.learn()


async def test_after_an_erasure_nothing_of_the_person_is_left(checking: Living, model: ScriptedModel) -> None:
    await live(checking, model)
    core, bob = checking.app.core, checking.guild.member("bob").id
    needles = (str(bob), "zanzibar")
    traces = await holding(checking, *needles)
    assert {
        "public.claims",
        "public.claim_checks",
        "public.claim_cooldowns",
        "public.claim_lessons",
        "public.contradiction_listeners",
        "public.hot_takes",
        "public.quotes",
        "public.quote_savers",
        "plugin_facts.checks",
        "plugin_facts.requesters",
    } <= traces.keys()
    await core.privacy.erase(bob, by_id=bob)
    left = await holding(checking, *needles)
    assert {table: rows for table, rows in left.items() if table not in KEPT_BY_LAW} == {}
    assert "zanzibar" not in json.dumps(left)


async def test_after_an_opt_out_only_hidden_claims_keep_words(checking: Living, model: ScriptedModel) -> None:
    await live(checking, model)
    await checking.ask("bob", "!optout")
    assert {table for table in await holding(checking, "zanzibar")} == {"public.claims"}
    for command in ("!receipts", "!hottakes community", "!quotes", "!qotd", "!receipts #1"):
        await checking.ask("alice", command)
        shown = [checking.last.text, *(embed.description or "" for embed in checking.last.embeds)]
        assert "zanzibar" not in " ".join(shown)
