"""The bot: discord.py's, with the services handed in and messages taken in synchronously."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from wompbot_cogs import _dpy
from wompbot_cogs.budgets import refusal
from wompbot_cogs.flow import MessageFlow
from wompbot_cogs.history import HistoryFiller
from wompbot_cogs.host.slash_sync import SlashSync
from wompbot_cogs.owning import OwningBot, OwningTree
from wompbot_cogs.permissions import LevelTooLow, Permissions
from wompbot_cogs.reactions import ReactionFlow
from wompbot_cogs.running import scope_running
from wompbot_cogs.settings import DiscordSettings
from wompbot_cogs.views import OwnedViews
from wompcore.errors import BudgetExceeded, DatabaseError, ModelError, NotOpen, TransportFailed, WompError
from wompcore.repos.guilds import GuildRepository
from wompcore.text import bound, defuse_mentions

_log = logging.getLogger(__name__)

# Nothing that the person who asked can mend.
_OURS = (DatabaseError, ModelError, NotOpen, TransportFailed)
_MISTAKE_CHARS = 300

UPDATING = "That is being updated. Please try again in a moment."
"""What a person reads who uses something of a plugin that is about to end, or to come."""

GONE = "That is no longer here: the feature it belongs to was changed or taken away."
"""What a person reads who uses something that no plugin knows."""

_LISTENERS_S = 1.5
"""Seconds for a plugin that listens to interactions to answer one; Discord waits for 3."""


class WompBot(OwningBot):
    """The Discord side of the house. Services are opened before it and handed to it.

    Args:
        settings: Who the bot is in Discord.
        flow: Takes messages in.
        reactions: Takes reactions in.
        filler: Fetches what was missed.
        permissions: Who may do what.
        guilds: Remembers the commands that were last registered.
        shard_count: Shards in all; ``None`` asks Discord.
    """

    def __init__(
        self,
        settings: DiscordSettings,
        *,
        flow: MessageFlow,
        reactions: ReactionFlow,
        filler: HistoryFiller,
        permissions: Permissions,
        guilds: GuildRepository,
        shard_count: int | None = None,
    ) -> None:
        intents = discord.Intents.default()
        intents.message_content = settings.message_content
        intents.members = settings.members
        super().__init__(
            command_prefix=settings.prefix,
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            help_command=commands.DefaultHelpCommand(),
            case_insensitive=True,
            max_messages=1000,
            chunk_guilds_at_startup=False,
            shard_count=shard_count,
            tree_cls=OwningTree,
        )
        self.settings = settings
        self.flow = flow
        self.flow.is_command = self._is_command
        reactions.message_at = self._message_at
        self._takes_in: dict[str, Callable[[Any], None]] = {
            "message": self._message,
            "raw_message_edit": flow.edited,
            "raw_message_delete": lambda event: flow.deleted((event.message_id,)),
            "raw_bulk_message_delete": lambda event: flow.deleted(event.message_ids),
            "raw_reaction_add": reactions.changed,
            "raw_reaction_remove": reactions.changed,
            "raw_reaction_clear": reactions.cleared,
            "raw_reaction_clear_emoji": reactions.cleared,
        }
        self.permissions = permissions
        self._filler = filler
        self.slash = SlashSync(self, guilds)
        self.was_here: Callable[[str], bool] = lambda word: False
        self.is_changing: Callable[[], bool] = lambda: False
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        self.tree.error(self.answer_failure)
        _dpy.use_views(self, OwnedViews(self, self.answer_failure, self._unanswered))

    # -- events ------------------------------------------------------------------------------

    @property
    def on_message(self) -> Any:
        """Absent, so that no task is made for each message; :meth:`dispatch` takes it in."""
        raise AttributeError("on_message")

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Take messages and what becomes of them in at once; pass everything on to listeners."""
        if take_in := self._takes_in.get(event_name):
            take_in(args[0])
        super().dispatch(event_name, *args, **kwargs)

    def _message_at(self, channel_id: int, guild_id: int | None, message_id: int) -> discord.PartialMessage:
        guild = self.get_guild(guild_id) if guild_id else None
        # A guild finds its channel at once, the bot only by asking every guild.
        channel = guild.get_channel_or_thread(channel_id) if guild else self.get_channel(channel_id)
        place: Any = channel or self.get_partial_messageable(channel_id, guild_id=guild_id)
        return discord.PartialMessage(channel=place, id=message_id)  # place: where there are messages

    def _message(self, message: discord.Message) -> None:
        try:
            taken = self.flow.take(message)
        except Exception:
            # One message that cannot be read must not end discord.py's loop.
            self.failures += 1
            _log.exception("message %d could not be taken in", message.id)
            return
        if taken is not None and not taken.is_bot and self._is_command(taken.text):
            message.content = taken.text  # cleaned: a command's arguments may go to the database
            self._start(self.process_commands(message))

    def _is_command(self, text: str) -> bool:
        """Return whether a text is a prefix command; such a text does not speak to the bot as well."""
        prefix = self.settings.prefix
        if not text.startswith(prefix) or text[len(prefix) :][:1].isspace():
            return False
        words = text[len(prefix) :].split(maxsplit=1)[:1]
        return any(self.get_command(word) or self.was_here(word) for word in words)

    async def setup_hook(self) -> None:
        """Learn who we are and who owns us; runs once, after login."""
        assert self.user is not None  # login has just set it
        self.flow.own_id = self.user.id
        self.flow.address.know(self.user.id)
        if self.application is not None:
            team = self.application.team
            owners = {member.id for member in team.members} if team else {self.application.owner.id}
            self.permissions.trust(frozenset(owners))

    async def on_ready(self) -> None:
        """Register commands if they changed."""
        self.sync_soon()

    async def finish(self) -> None:
        """End what the bot itself started."""
        await self.slash.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def guild_name(self, guild_id: int) -> str | None:
        """Return a server's name, if we are there."""
        guild = self.get_guild(guild_id)
        return guild.name if guild else None

    async def fill_gaps(self, began_at: datetime) -> int:
        """Fetch what was said before a session began; returns the number of messages taken."""
        return await self._filler.fill(self, began_at)

    # -- commands ----------------------------------------------------------------------------

    def sync_soon(self) -> None:
        """Register the slash commands shortly, once for many changes, if they really changed."""
        if self.is_ready():
            self.slash.soon()

    async def on_command_error(self, context: commands.Context[Any], error: commands.CommandError, /) -> None:
        """Answer a failed prefix command with one friendly line."""
        if isinstance(error, commands.CommandNotFound):
            if self.was_here(context.invoked_with or ""):
                await self._say(context.send(UPDATING))
            return  # any other unknown word after the prefix is small talk
        text = self._explain(error, context.command.qualified_name if context.command else "")
        await self._say(context.send(text, ephemeral=True))

    async def answer_failure(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Answer an interaction that failed with one friendly line."""
        text = self._explain(error, interaction.command.qualified_name if interaction.command else "")
        await self._answer(interaction, text)

    def _unanswered(self, interaction: discord.Interaction[Any]) -> None:
        """Answer what no view takes, unless somebody who listens does."""
        listens = "on_interaction" in self.extra_events or _dpy.is_awaited(self, "interaction")
        self._start(self._answer_late(interaction, _LISTENERS_S if listens else 0))

    async def _answer_late(self, interaction: discord.Interaction[Any], pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if not interaction.response.is_done():
            await self._answer(interaction, self._where_it_went())

    async def _answer(self, interaction: discord.Interaction[Any], text: str) -> None:
        if interaction.type is discord.InteractionType.autocomplete:  # which shows no text
            if not interaction.response.is_done():
                await self._say(interaction.response.autocomplete([]))
        elif interaction.response.is_done():
            await self._say(interaction.followup.send(text, ephemeral=True))
        else:
            await self._say(interaction.response.send_message(text, ephemeral=True))

    def _where_it_went(self) -> str:
        return UPDATING if self.is_changing() else GONE

    def _explain(self, error: Exception, command: str) -> str:
        """Return what a person is told; what they cannot mend is logged under a reference."""
        cause = error
        while isinstance(inner := getattr(cause, "original", None), Exception):
            cause = inner  # a hybrid command's error is wrapped twice
        if isinstance(cause, LevelTooLow):
            return f"That command is for a {cause.needed.title} or higher."
        if isinstance(cause, commands.NoPrivateMessage | app_commands.NoPrivateMessage):
            return "That command works in a server only."
        if isinstance(cause, commands.UserInputError):
            mistake = bound(_mistake(cause), _MISTAKE_CHARS)  # it quotes what was typed
            return f"{defuse_mentions(mistake)} Try `{self.settings.prefix}help {command}`."
        if isinstance(cause, commands.CheckFailure | app_commands.CheckFailure):
            return "You cannot use that command here."
        if isinstance(cause, BudgetExceeded):
            return refusal(cause)
        if isinstance(cause, app_commands.CommandNotFound):
            return self._where_it_went()
        if isinstance(cause, app_commands.CommandSignatureMismatch):
            return UPDATING
        if isinstance(cause, WompError) and not isinstance(cause, _OURS):
            return f"{cause.message}. {cause.hint}".replace("..", ".").strip()
        reference = secrets.token_hex(4)
        what = f"command {command}" if command else "a view"
        _log.warning("%s failed, reference %s", what, reference)
        self._fault(f"{what} failed", error)
        return f"Something went wrong on our side. Please try again later (reference {reference})."

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Take note of an error of a listener."""
        error = sys.exception()
        assert error is not None  # discord.py calls this while it handles one
        self._fault(f"listener {event_method} failed", error)

    def _fault(self, what: str, error: BaseException) -> None:
        """Tell the plugin whose code failed, or log what failed of the bot's own."""
        if (scope := scope_running()) is not None:
            scope.report(error)
            return
        self.failures += 1
        _log.error("%s", what, exc_info=error)

    async def _say(self, sending: Coroutine[Any, Any, Any]) -> None:
        try:
            await sending
        except discord.HTTPException as error:
            _log.warning("an answer could not be sent: %s", error)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            _log.error("a task of the bot failed", exc_info=error)


def _mistake(error: commands.UserInputError) -> str:
    """Return what is wrong with a command, as people read it."""
    if isinstance(error, commands.BadLiteralArgument):
        return f"'{error.argument}' is none of: {', '.join(map(str, error.literals))}."
    if isinstance(error, commands.MissingRequiredArgument):
        return f"Please say which {error.param.name.replace('_', ' ')}."
    return str(error)
