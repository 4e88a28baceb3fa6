"""Hot takes: lit by people or found among claims, ranked and ruled on."""

# mypy: disable-error-code="arg-type"
# It cannot infer the type variables of discord.py's hybrid decorators.

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import Context, Level, PageButton, Turn, Way, hookimpl, page_buttons, requires
from wompbot_cogs.cogs.hottakes import texts
from wompcore.claims import FIRE, FoundClaim
from wompcore.events import ChatMessage, ReactionChanged
from wompcore.ids import MAX_ID
from wompcore.repos.hot_take_boards import BOARDS, Board, Outcome

_DONE = "\N{WHITE HEAVY CHECK MARK}"

_PAGE = 10
_LIT_BY = 25  # people that are asked for

_log = logging.getLogger(__name__)


class PlaceButton(PageButton, template=PageButton.ids("hottakes")):
    """Leads to other places of a leaderboard."""

    list_name, cog_name = "hottakes", "Hot takes"
    labels: ClassVar[dict[Way, str]] = {"older": "Next", "newer": "Back"}


class HotTakesCog(commands.Cog, name="Hot takes"):
    """What people argue about here, and how it aged."""

    def __init__(self, context: Context) -> None:
        self._takes = context.hot_takes
        self._tracked = context.hot_takes.tracked
        self._fires = context.hot_takes.fires
        self._consent = context.consent
        self._guilds = context.guilds
        self._messages = context.messages
        self._spawn = context.spawn
        context.add_buttons(PlaceButton)
        context.messages.watch_reactions(self._reacted, emoji=FIRE, messages=self._tracked)

    @commands.hybrid_command(aliases=["ht"])
    @app_commands.describe(board="What they are ranked by.", days="Of how many days; 30 when left out.")
    @commands.guild_only()
    async def hottakes(
        self,
        context: commands.Context[Any],
        board: Board = "controversial",
        days: commands.Range[int, 1, 365] = 30,
    ) -> None:
        """Show the hottest takes of this server."""
        assert context.guild is not None  # guild_only
        embed, view = await self._board(context.guild.id, board, days, context.message.created_at)
        if embed is None:
            await context.send(texts.none(board, days))
        elif view:
            await context.send(embed=embed, view=view)
        else:
            await context.send(embed=embed)

    async def turn(self, interaction: discord.Interaction[Any], turn: Turn) -> None:
        """Show other places of a leaderboard in place of those whose button was pressed."""
        named, _, days = turn.about.partition(":")
        board = next(each for each in BOARDS if each == named)
        guild_id, at = interaction.guild_id or 0, interaction.created_at
        embed, view = await self._board(guild_id, board, int(days), at, skip=turn.start)
        if embed is None:  # they went meanwhile
            embed, view = await self._board(guild_id, board, int(days), at)
        content = None if embed else texts.none(board, int(days))
        await interaction.response.edit_message(content=content, embed=embed, view=view)

    @commands.hybrid_command()
    @commands.guild_only()
    async def myht(self, context: commands.Context[Any]) -> None:
        """Show how your hot takes do here."""
        assert context.guild is not None  # guild_only
        own = await self._takes.boards.of_person(context.guild.id, context.author.id)
        if own is None:
            await context.send(texts.NONE_OWN)
            return
        await context.send(embed=discord.Embed(title=texts.OWN_TITLE, description=texts.own(own)))

    @commands.hybrid_command()
    @app_commands.describe(take="Its #number.", outcome="What became of it.", notes="Why.")
    @commands.guild_only()
    @requires(Level.BOT_ADMIN)
    async def vindicate(
        self, context: commands.Context[Any], take: str, outcome: Outcome, *, notes: str = ""
    ) -> None:
        """Say what became of a hot take that somebody else had."""
        assert context.guild is not None  # guild_only
        ruled = await self._takes.boards.rule(
            context.guild.id,
            _number(take),
            outcome,
            by_id=context.author.id,
            at=context.message.created_at,
            notes=notes,
        )
        await context.send(texts.ruled(ruled))

    @hookimpl
    async def claims_found(self, claims: Sequence[FoundClaim]) -> None:
        """Make hot takes of those claims that sound like it."""
        for claim in claims:
            if self._wanted(claim.message.guild_id) and await self._takes.consider(claim):
                self._spawn(self._recount(claim.message))

    async def _board(
        self, guild_id: int, board: Board, days: int, at: datetime, *, skip: int = 0
    ) -> tuple[discord.Embed | None, discord.ui.View | None]:
        """Return ten places of a leaderboard, and the buttons that lead to others."""
        since = at - timedelta(days=days)
        top = await self._takes.boards.top(guild_id, board, since=since, limit=_PAGE + 1, skip=skip)
        if not top:
            return None, None
        embed = discord.Embed(
            title=texts.TITLES[board], description=texts.ranking(top[:_PAGE], board, after=skip)
        )
        embed.set_footer(text=texts.PERIOD.format(days=days))
        about = f"{board}:{days}"
        higher = Turn(about, "newer", max(0, skip - _PAGE)) if skip else None
        lower = Turn(about, "older", skip + _PAGE) if len(top) > _PAGE else None
        return embed, page_buttons(PlaceButton, higher, lower)

    def _wanted(self, guild_id: int | None) -> bool:
        return bool(self._guilds.setting(guild_id, "hot_takes"))

    def _reacted(
        self, reaction: ReactionChanged, message: discord.PartialMessage
    ) -> Coroutine[Any, Any, None] | None:
        message_id, person_id = reaction.message_id, reaction.person_id
        if message_id in self._tracked:
            self._takes.reacted(reaction)
            return None
        if reaction.change != "added" or person_id is None or reaction.by_bot:
            return None
        if not (self._wanted(reaction.guild_id) and self._fires.light(message_id, person_id)):
            return None
        return self._make(message)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Take note that a new session with Discord began: what happened before it was not heard."""
        self._takes.missed_reactions()

    async def _make(self, message: discord.PartialMessage) -> None:
        """Make a message a hot take if enough people other than its author want that."""
        source = await _fetched(message)
        lit_by = await self._lit_by(source) if source else None
        if source is None or lit_by is None:
            return
        if not await self._takes.make(self._messages.read(source), _counts(source), lit_by=lit_by):
            return
        with suppress(discord.HTTPException):  # it counts without the mark, too
            await source.add_reaction(_DONE)

    async def _lit_by(self, source: discord.Message) -> set[int] | None:
        """Return who lit a message, the first of many; ``None`` when that cannot be told."""
        fire = discord.utils.find(lambda each: str(each.emoji) == FIRE, source.reactions)
        try:
            people = [person async for person in fire.users(limit=_LIT_BY)] if fire else []
        except discord.HTTPException as error:
            _log.info("who lit message %d cannot be told: %s", source.id, error)
            return None
        return {each.id for each in people if not each.bot and self._consent.allows(each.id)}

    async def _recount(self, said: ChatMessage) -> None:
        """Count the reactions that came before the message was known as a hot take."""
        source = await _fetched(self._messages.at(said))
        if source is not None and source.reactions:
            self._takes.recount(said.id, _counts(source))


async def _fetched(message: discord.PartialMessage) -> discord.Message | None:
    try:
        return await message.fetch()
    except discord.HTTPException as error:
        _log.info("message %d cannot be fetched: %s", message.id, error)
        return None


def _counts(message: discord.Message) -> dict[str, int]:
    """Return how many reactions a message has by emoji, without the bot's own."""
    return {str(reaction.emoji): reaction.count - reaction.me for reaction in message.reactions}


def _number(take: str) -> int:
    """Return the number of a hot take, written as it is shown (``#12``) or bare."""
    digits = take.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_ID):
        raise commands.BadArgument(texts.NOT_A_NUMBER.format(word=take))
    return int(digits)
