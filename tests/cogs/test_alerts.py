"""Thresholds reach the owner, once each, whatever process is up when."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import discord
import pytest

from living_bot import OWNER, Living, Opener
from wompbot_cogs.alerts import words
from wompbot_cogs.app import open_app
from wompbot_cogs.budgets import Known, refusal
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated.guild import Said
from wompbot_cogs.simulated.world import member_id
from wompcore.config import CostSettings, Price
from wompcore.core import Core
from wompcore.costs import Budget, Call, Crossing
from wompcore.errors import BudgetExceeded
from wompcore.money import Usd
from wompcore.usage import Attribution, Purpose, Usage

CHANNEL = 4_194_304_000_000_100_000  # of every simulated guild, its first
SENT = "SELECT count(*) FROM deliveries WHERE state = 'sent'"
KNOWN = Known(lambda person: False, {7: "Here"}.get)
FOR_OWNER = "SELECT count(*) FROM deliveries WHERE person_id = 9 AND text = 'Plugin x is out.'"
TEN = Budget("all", amount=Decimal(10))


async def spend(core: Core, usd: str, worst: str = "1000") -> None:
    """Make a call that costs this much."""
    call = Call("p", "m_1", Attribution(Purpose.CHAT), fixed_cost=Usd(worst))
    [reservation] = await core.ledger.reserve([call])
    await core.ledger.settle([(reservation, Usage(cost=Usd(usd)))])


def overheard(living: Living) -> list[Said]:
    """Return a list that everything the bot says from now on is added to."""
    heard: list[Said] = []
    living.guild.listen(lambda said, new: heard.append(said) if new else None)
    return heard


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 # what is waited for happens in the database
            await asyncio.sleep(0.02)


async def test_a_threshold_is_told_to_the_owner_in_private(living: Living) -> None:
    heard = overheard(living)
    await living.app.core.budgets.set(TEN)
    await spend(living.app.core, "5.50")
    await until(lambda: bool(heard))
    reached, models = heard[0].text.split("\n")
    assert reached == "**50 % spent: everything, per month.** $5.50 of $10.00."
    assert re.fullmatch(r"Models in \w+ \d{4} \(UTC\): m\\_1 \$5.50\.", models)
    assert living.guild.answers() == []  # not in public
    place = await living.app.bot.create_dm(discord.Object(living.guild.member(OWNER).id))
    assert [message.content async for message in place.history()] == [heard[0].text]


async def test_alerts_go_to_a_channel_where_one_is_set(open_bot: Opener, bot_settings: BotSettings) -> None:
    discord_settings = bot_settings.discord.model_copy(update={"alert_channel": CHANNEL})
    living = await open_bot(bot_settings.model_copy(update={"discord": discord_settings}))
    assert living.guild.channel_id() == CHANNEL
    await living.app.core.budgets.set(TEN)
    await spend(living.app.core, "8")
    await until(lambda: len(living.guild.answers()) == 2)
    assert sorted(said.text[:5] for said in living.guild.answers()) == ["**50 ", "**80 "]


@pytest.mark.parametrize("closed", [False, True])
async def test_where_the_channel_is_gone_or_closed_the_owner_is_told_in_private(
    open_bot: Opener, bot_settings: BotSettings, closed: bool
) -> None:
    discord_settings = bot_settings.discord.model_copy(update={"alert_channel": CHANNEL if closed else 4711})
    living = await open_bot(bot_settings.model_copy(update={"discord": discord_settings}))
    if closed:
        channel = living.app.bot.get_channel(CHANNEL)
        assert isinstance(channel, discord.TextChannel)
        await channel.set_permissions(channel.guild.me, send_messages=False)
    await living.app.core.budgets.set(TEN)
    await spend(living.app.core, "5")
    place = await living.app.bot.create_dm(discord.Object(living.guild.member(OWNER).id))
    async with asyncio.timeout(60):
        while not [message async for message in place.history()]:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)
    assert living.guild.answers() == []


async def test_what_reaches_nobody_is_shown_to_the_owner(open_bot: Opener, bot_settings: BotSettings) -> None:
    away = bot_settings.discord.model_copy(update={"owner_ids": frozenset({4711})})
    living = await open_bot(bot_settings.model_copy(update={"discord": away}))
    await living.app.core.budgets.set(TEN)
    await spend(living.app.core, "5")
    async with asyncio.timeout(60):
        while not await living.app.core.outbox.untold():  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)
    shown = [said.text for said in await living.guild.slash(OWNER, "spend month")]
    assert "An alert could not be delivered** (Unknown User)" in shown[0]
    assert "- **50 % spent: everything, per month.** $5.00 of $10.00." in shown[0]
    [to_member] = await living.guild.slash("alice", "spend month")
    assert "delivered" not in to_member.text


async def test_what_is_told_before_the_owners_are_known_reaches_them(bot_settings: BotSettings) -> None:
    async with open_app(bot_settings) as app:  # never logged in
        await app.alerts.tell("quarantine x", "Plugin x is out.")
        assert await app.core.db.fetch_value("SELECT count(*) FROM deliveries") == 0
        app.permissions.trust(frozenset({9}))
        await app.alerts.ready()
        async with asyncio.timeout(60):
            while not await app.core.db.fetch_value(FOR_OWNER):  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(0.02)


def test_an_alert_names_nobody_who_opted_out() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    crossing = Crossing(1, 2, "person", "9", "day", "usd", Decimal(5), at, 80, Decimal(4), Decimal("4.1"), at)
    assert words(crossing, replace(KNOWN, hides=lambda person: person == 9)) == (
        "**80 % spent: someone who opted out, per day.** $4.10 of $5.00."
    )
    assert "<@9>" in words(crossing, KNOWN)


async def test_what_was_crossed_while_no_bot_ran_is_told_at_the_next_start(
    open_bot: Opener, bot_settings: BotSettings
) -> None:
    async with Core.open(bot_settings) as core:
        await core.budgets.set(TEN)
        await spend(core, "10")
    owned = bot_settings.discord.model_copy(update={"owner_ids": frozenset({member_id(OWNER)})})
    living = await open_bot(bot_settings.model_copy(update={"discord": owned}))
    async with asyncio.timeout(60):
        while await living.app.core.db.fetch_value(SENT) < 3:  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)
    assert await living.app.core.db.fetch_value("SELECT count(*) FROM deliveries") == 3


async def test_a_provider_that_breaks_its_limits_is_told_of_until_it_is_lifted(living: Living) -> None:
    heard, core = overheard(living), living.app.core
    hard = await core.budgets.set(Budget("all", action="refuse", amount=Decimal(10), alert_percents=()))
    await spend(core, "0.30", worst="0.10")
    await until(lambda: len(heard) == 1)
    assert heard[0].text.startswith("**Budget closed: everything, per month.**")
    assert f"`/budget lift {hard.id}`" in heard[0].text
    assert await core.budgets.lift(hard.id)
    await spend(core, "0.30", worst="0.10")
    await until(lambda: len(heard) == 2)


def test_a_refusal_is_told_with_what_is_spent_or_held() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    crossing = Crossing(1, 2, "guild", "7", "day", "usd", Decimal(5), at, -2, Decimal(4), Decimal("3.9"), at)
    assert words(crossing, KNOWN) == (
        "**Background calls are refused: server Here, per day.** The next one might have gone beyond $4.00; "
        "$3.90 is spent or held by calls in progress."
    )


async def test_a_budget_that_is_used_up_is_said_kindly_and_without_figures(living: Living) -> None:
    await living.app.core.budgets.set(
        Budget("guild", "*", unit="tokens", action="refuse", amount=Decimal(13))
    )
    for name in ("bob", OWNER):
        answer = await living.ask(name, "wompbot, who are you?")
        assert answer.startswith(
            "There is not enough left for this in the budget of this server for a month."
        )
        assert answer.endswith("Only the bot's owner can change that.")  # no month has room for that
        assert not re.search(r"[0-9]", re.sub(r"<t:\d+:\w>", "", answer))


def test_it_is_said_when_there_is_room_again() -> None:
    error = BudgetExceeded(
        "person", "9", period="day", unit="usd", limit=Decimal(2), spent=Decimal(1),
        needed=Decimal(2), resets_at=datetime(2026, 11, 24, tzinfo=UTC),
    )  # fmt: skip
    assert refusal(error) == (
        "There is not enough left for this in your budget for a day. "
        "It has room again <t:1795478400:R> (<t:1795478400:f>)."
    )


async def test_a_claim_that_no_budget_is_left_for_is_no_error(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    core = living.app.core
    await core.budgets.set(
        Budget("all", unit="tokens", action="refuse", amount=Decimal(1_000_000), background_amount=Decimal(0))
    )
    await living.guild.say(
        "bob", "I guarantee that the new kernel will never crash on this laptop before 2031"
    )
    await core.claims.settled()
    assert (core.claims.counts.unpaid, core.claims.counts.failed) == (1, 0)
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
    assert "stand-in" in await living.ask("alice", "wompbot, who are you?")  # somebody waits for this one


async def test_a_reply_of_a_cheaper_model_says_so(open_bot: Opener, bot_settings: BotSettings) -> None:
    llm = bot_settings.llm.model_copy(update={"cheap_model": "offline-small"})
    costs = CostSettings(prices={"offline-small": Price(input=Decimal(0), output=Decimal(0))})
    living = await open_bot(bot_settings.model_copy(update={"llm": llm, "costs": costs}))
    await living.app.core.budgets.set(Budget("all", unit="tokens", action="fall_back", amount=Decimal(0)))
    answer = await living.ask("alice", "wompbot, who are you?")
    assert "stand-in" in answer
    assert answer.splitlines()[-1] == (
        "-# Answered by offline-1: the budget for dearer models is used up."  # as the endpoint names it
    )
    assert await living.app.core.db.fetch_all("SELECT model FROM cost_entries") == [("offline-small",)]
