"""The simulated guild, with a plain discord.py bot in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import discord
import pytest
from discord import app_commands
from discord.ext import commands

from wompbot_cogs.simulated import SimulatedGuild, member_id, message_create
from wompbot_cogs.simulated.payloads import author, member
from wompcore.clock import SteppedClock
from wompcore.ids import snowflake_at, snowflake_time

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Parrot(commands.AutoShardedBot):
    """Repeats what starts with 'say', slowly; counts everything; has one slash command."""

    def __init__(self) -> None:
        super().__init__(command_prefix="!", intents=discord.Intents.all(), shard_count=1)
        self.heard: list[discord.Message] = []
        self.edited: list[tuple[int, str]] = []
        self.deleted: list[int] = []
        self.reactions: list[tuple[int, str]] = []

    async def setup_hook(self) -> None:
        @self.tree.command(description="Greet somebody.")
        @app_commands.describe(who="Whom")
        async def greet(interaction: discord.Interaction, who: discord.Member) -> None:
            await interaction.response.defer(ephemeral=True)
            await asyncio.sleep(0.01)
            await interaction.followup.send(f"hello {who.display_name}", ephemeral=True)

        await self.tree.sync()
        self.pump = asyncio.create_task(asyncio.Event().wait())  # runs for as long as the bot does

    async def close(self) -> None:
        self.pump.cancel()
        await super().close()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)
        if message.content.startswith("say ") and not message.author.bot:
            await asyncio.sleep(0.05)
            answer = await message.reply("…")
            await answer.edit(content=message.content.removeprefix("say "))

    async def on_message_edit(self, _before: discord.Message, after: discord.Message) -> None:
        self.edited.append((after.id, after.content))

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.deleted.append(event.message_id)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.reactions.append((event.message_id, str(event.emoji)))


@asynccontextmanager
async def parrot_in_guild(**options) -> AsyncIterator[tuple[Parrot, SimulatedGuild]]:
    async with Parrot() as bot, SimulatedGuild.open(bot, **options) as guild:
        yield bot, guild


async def test_a_member_speaks_and_the_answer_is_there_when_it_returns():
    async with parrot_in_guild() as (bot, guild):
        asked = await guild.say("ann", "say hi")
        answer = guild.said()[-1]
    assert (answer.text, answer.author, answer.is_own, answer.reply_to_id) == ("hi", "WompBot", True, asked)
    assert bot.heard[0].author.id == member_id("ann")
    assert bot.heard[0].author.display_name == "ann"


async def test_members_answer_edit_delete_and_react():
    async with parrot_in_guild(channels=("general", "off-topic")) as (bot, guild):
        first = await guild.say("ann", "one", channel="off-topic")
        second = await guild.say("bob", "two", channel="off-topic", reply_to=first)
        await guild.edit(first, "uno", channel="off-topic")
        await guild.react("bob", first, "👍", channel="off-topic")
        await guild.delete(second, channel="off-topic")
    assert bot.heard[1].reference.message_id == first
    assert bot.edited == [(first, "uno")]
    assert bot.reactions == [(first, "👍")]
    assert bot.deleted == [second]


async def test_a_slash_command_gives_its_answers_also_those_only_the_member_sees():
    async with parrot_in_guild() as (_, guild):
        (answer,) = await guild.slash("ann", "greet", who=guild.member("bob"))
    assert (answer.text, answer.ephemeral) == ("hello bob", True)


async def test_the_owner_owns_the_guild():
    async with parrot_in_guild(owner="olga") as (bot, guild):
        await guild.say("olga", "here I am")
        assert bot.get_guild(guild.id).owner_id == bot.heard[0].author.id == member_id("olga")


async def test_ids_are_made_by_the_clock_and_differ_between_runs():
    def world(run: int):
        return parrot_in_guild(clock=SteppedClock(NOON), run=run)

    async with world(1) as (_, one), world_of_another_loop() as other:
        first = await one.say("ann", "say hi")
        assert snowflake_time(first) == NOON
        ids = {message.id for message in one.said()}
        assert not ids & other
        assert one.channel_id() == 4_194_304_000_000_100_000


@asynccontextmanager
async def world_of_another_loop() -> AsyncIterator[set[int]]:
    """What a second run at the same moment says; a loop holds one world at a time."""

    async def run() -> set[int]:
        async with parrot_in_guild(clock=SteppedClock(NOON), run=2) as (_, guild):
            await guild.say("ann", "say hi")
            return {message.id for message in guild.said()}

    yield await asyncio.to_thread(asyncio.run, run())


async def test_what_is_fed_comes_out_of_discords_own_parser():
    async with parrot_in_guild(channels={"general": 77}) as (bot, guild):
        with guild.feeding() as work:
            for n in range(3):
                payload = message_create(
                    snowflake_at(NOON, n),
                    "77",
                    str(guild.id),
                    author(42 + n, "ann", is_bot=n == 1),
                    member(NOON),
                    f"line {n}",
                    NOON,
                    reply_to=5 if n == 2 else None,
                )
                guild.feed(payload)
        assert await work.ended(5)
    first, second, third = bot.heard
    assert isinstance(first.author, discord.Member)
    assert (first.content, first.author.display_name, first.created_at) == ("line 0", "ann", NOON)
    assert first.channel.name == "general"
    assert (first.author.bot, second.author.bot) == (False, True)
    assert third.reference.message_id == 5


async def test_the_bot_may_answer_what_was_fed():
    async with parrot_in_guild() as (_, guild):
        channel, asked = str(guild.channel_id()), snowflake_at(NOON)
        payload = message_create(
            asked, channel, str(guild.id), author(42, "ann"), member(NOON), "say hi", NOON
        )
        with guild.feeding() as work:
            guild.feed(payload)
        assert await work.ended(5)
        (answer,) = guild.answers()
    assert (answer.text, answer.reply_to_id) == ("hi", asked)


async def test_a_new_channel_is_known_to_the_bot_at_once():
    async with parrot_in_guild() as (bot, guild):
        guild.add_channel("later", 99)
        await guild.say("ann", "say hi", channel="later")
        assert [said.text for said in guild.said("later")] == ["say hi", "hi"]
        assert bot.get_channel(99).name == "later"


async def test_work_is_what_something_led_to_and_nothing_else():
    async def lead_to(inner: asyncio.Event) -> None:
        asyncio.get_running_loop().call_later(0.01, lambda: asyncio.create_task(inner.wait()))

    async with parrot_in_guild() as (_, guild):
        inner, other = asyncio.Event(), asyncio.create_task(asyncio.Event().wait())
        with guild.feeding() as work:
            asyncio.create_task(lead_to(inner))  # noqa: RUF006 - the work holds it
        unrelated = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0.05)
        assert len(work.tasks) == 1
        assert not await work.ended(0.01)
        inner.set()
        assert await work.ended(5)
        assert not other.done()
        for task in (other, unrelated):
            task.cancel()


async def test_a_command_nobody_registered_times_out():
    async with parrot_in_guild() as (_, guild):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await guild.slash("ann", "nonsense")


async def test_long_talks_do_not_grow_the_guild():
    async with parrot_in_guild() as (_, guild):
        with guild.feeding() as work:
            for n in range(1100):
                guild._world.backend.create_message(guild.channel_id(), guild.bot_id, f"{n}")
        await work.ended(5)
        assert len(guild.said()) == len(guild._world.backend.transcript) == 1000
        assert guild.said()[-1].text == "1099"


async def test_services_beside_the_bot_keep_the_loop_as_it_was():
    loop = asyncio.get_running_loop()
    async with parrot_in_guild():
        assert loop.create_task.__func__ is asyncio.BaseEventLoop.create_task
    assert loop.get_task_factory() is None
