"""Fact checks: by a warning sign below a message, or by the message's menu."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any

import discord
from discord.ext import commands

from wompbot_cogs import Context, refusal
from wompbot_cogs.cogs.facts import texts
from wompbot_cogs.cogs.facts.book import FactBook, Request
from wompbot_cogs.cogs.facts.judgement import FactAnswer, Judgement, judge, request
from wompbot_cogs.cogs.facts.settings import FactSettings
from wompbot_cogs.cogs.facts.sources import Domains
from wompcore.clock import SystemClock
from wompcore.errors import (
    BudgetExceeded,
    DatabaseError,
    LimitReached,
    ModelError,
    SearchFailed,
    UnknownPrice,
)
from wompcore.events import ChatMessage, MessageEdited, ReactionChanged
from wompcore.limits import Cooldown
from wompcore.usage import Attribution, Purpose

SIGNS = frozenset({"\N{WARNING SIGN}", "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}", "warning"})
"""The emoji that asks for a check, as people and custom emoji write it."""

_SHORTEST = 10  # characters; spec 04, section 6
_NOTICE_EVERY_S = 60.0
_NO_HISTORY = 160002  # Discord: cannot reply without permission to read message history


class FactsCog(commands.Cog, name="Facts"):
    """Is that so?"""

    def __init__(self, context: Context) -> None:
        settings: FactSettings = context.settings
        self._model_name = settings.model
        self._book = FactBook(context.db, settings)
        self._consent = context.consent
        self._llm = context.llm
        self._log = context.log
        self._messages = context.messages
        self._search = context.search
        self._spawn = context.spawn
        self._notices = Cooldown(_NOTICE_EVERY_S)
        self._shown = Cooldown(_NOTICE_EVERY_S)
        self._running: set[int] = set()
        self._kept: set[int] = set()
        self._domains: Domains | None = None
        context.messages.watch_reactions(self._reacted, emoji=SIGNS)
        context.messages.menu(texts.MENU, self._chosen)
        context.messages.watch_changes(_unchanged, self._deleted)
        context.jobs.register("sweep", self._sweep, cron="41 * * * *")

    async def cog_load(self) -> None:
        """Read which messages were checked."""
        self._kept.update(await self._book.ids())

    # -- who asks ----------------------------------------------------------------------------

    async def _reacted(self, reaction: ReactionChanged, message: discord.PartialMessage) -> None:
        if reaction.change != "added" or reaction.by_bot or reaction.person_id is None:
            return
        if not self._search.available:
            return
        with suppress(discord.NotFound, discord.Forbidden):
            whole = await message.fetch()
            problem = await self._check(whole, reaction.person_id)
            if problem and problem != texts.IN_PROGRESS and self._may_notice(reaction):
                await _reply(whole, content=f"<@{reaction.person_id}> {problem}")

    async def _chosen(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        problem = await self._check(message, interaction.user.id)
        await interaction.followup.send(problem or texts.CHECKED, ephemeral=True)

    def _may_notice(self, reaction: ReactionChanged) -> bool:
        """Return whether to say why there is no answer: everybody can react, all day."""
        now = SystemClock().now()
        ids = (reaction.message_id, reaction.person_id or 0)
        return all([self._notices.ready(each, now) for each in ids])

    # -- the check ---------------------------------------------------------------------------

    async def _check(self, source: discord.Message, person_id: int) -> str:
        """Check a message and answer below it; return what is to be told instead if there is no answer."""
        message = self._messages.read(source)
        withdrawn = not self._consent.allows(message.author_id)
        if not self._search.available:
            return texts.NO_SEARCH
        if withdrawn and message.author_id != person_id:
            return texts.WITHDRAWN
        if not (withdrawn or message.allowed):
            return texts.EXCLUDED
        if len(message.text.strip()) < _SHORTEST:
            return texts.TOO_SHORT
        if message.id in self._running:
            return texts.IN_PROGRESS
        self._running.add(message.id)
        try:
            return await self._check_once(source, message, person_id)
        except DatabaseError as error:
            self._log.warning("a fact check failed: %s", error)
            return texts.NO_ANSWER
        except discord.Forbidden:
            return texts.MAY_NOT_ANSWER
        finally:
            self._running.discard(message.id)

    async def _check_once(self, source: discord.Message, message: ChatMessage, person_id: int) -> str:
        now = SystemClock().now()
        if message.allowed and (found := await self._book.kept(message.id, message.text, now)):
            if not self._shown.ready(message.id, now):
                return texts.SHOWN
            return await self._answer(source, message, found, person_id)
        asked = Request(person_id, message.guild_id or 0, now)
        try:
            await self._book.begin(asked)
        except LimitReached as error:
            return error.message
        answered = False
        try:
            async with source.channel.typing():
                found = await self._judge(message, person_id)
            await self._keep(message, found, now)
            problem = await self._answer(source, message, found, person_id)
            answered = not problem
            self._shown.ready(message.id, SystemClock().now())
        except _Failed as error:
            problem = str(error)
        finally:
            await self._book.finish(asked, counts=answered)
        return problem

    async def _judge(self, message: ChatMessage, person_id: int) -> Judgement:
        why = Attribution(
            Purpose.FACT_CHECK,
            guild_id=message.guild_id,
            channel_id=message.channel_id,
            person_id=person_id,
            message_id=message.id,
        )
        try:
            found = (await self._search.find(message.text, why)).results
            if not found:
                raise _Failed(texts.NOTHING_FOUND)
            self._domains = self._domains or await Domains.open()  # at the first check: it is slow to read
            answer = await self._llm.ask(request(message.text, found, why, self._model_name), FactAnswer)
        except BudgetExceeded as error:
            raise _Failed(refusal(error)) from error
        except SearchFailed as error:
            self._log.warning("the search for a fact check failed: %s", error)
            raise _Failed(texts.SEARCH_FAILED) from error
        except (ModelError, UnknownPrice) as error:
            self._log.warning("a fact check failed: %s", error)
            raise _Failed(texts.NO_ANSWER) from error
        return judge(answer, found, self._domains.of)

    async def _keep(self, message: ChatMessage, found: Judgement, at: datetime) -> None:
        """Keep what was found, unless its author withdrew or the message is gone."""

        def may_stay() -> bool:
            return self._consent.allows(message.author_id) and message.id in self._running

        if message.allowed and may_stay():
            self._kept.add(message.id)
            await self._book.keep(message.id, message.author_id, message.text, found, at)
            if not may_stay():  # that happened while it was written
                await self._book.forget([message.id])

    async def _answer(
        self, source: discord.Message, message: ChatMessage, found: Judgement, person_id: int
    ) -> str:
        if message.id not in self._running:
            return texts.GONE
        embed = discord.Embed(
            title=texts.title(found), description=texts.answer(message.text, found, person_id)
        )
        try:
            await _reply(source, embed=embed)
        except discord.Forbidden:
            raise
        except discord.HTTPException as error:
            self._log.info("a fact check could not be answered: %s", error)
            return texts.GONE
        with suppress(discord.HTTPException):
            await source.add_reaction(texts.MARKS[found.verdict])
        return ""

    # -- what is kept ------------------------------------------------------------------------

    def _deleted(self, message_ids: Iterable[int]) -> None:
        """Let nothing stay of messages that are gone, nor be said of them."""
        gone = set(message_ids)
        self._running -= gone
        if kept := gone & self._kept:
            self._kept -= kept
            self._spawn(self._book.forget(kept))

    async def _sweep(self) -> None:
        await self._book.sweep(SystemClock().now())
        self._kept.intersection_update(await self._book.ids())


class _Failed(Exception):
    """There is no judgement; says why, to the person who asked."""


def _unchanged(edit: MessageEdited) -> None:
    """Take no note of an edit: what is kept is only shown while the message says the same."""


async def _reply(message: discord.Message, **what: Any) -> None:
    """Answer a message without a ping; beside it where the bot may not answer it."""
    nobody = discord.AllowedMentions.none()
    try:
        await message.reply(**what, mention_author=False, allowed_mentions=nobody)
    except discord.HTTPException as error:
        if error.code != _NO_HISTORY:
            raise
        await message.channel.send(**what, allowed_mentions=nobody)
