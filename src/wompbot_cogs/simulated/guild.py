"""A simulated guild: people who talk, use commands and react, and a bot that believes it is on Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import discord
from discord.ext import commands
from simcord import ChannelHandle, MemberActor, SetupError

from wompbot_cogs import _dpy
from wompbot_cogs.simulated.said import Said, SentFile
from wompbot_cogs.simulated.work import Work, counted_tasks
from wompbot_cogs.simulated.world import World, member_id
from wompcore.clock import Clock, SystemClock
from wompcore.errors import WompError

GUILD_ID = 4_194_304_000_000_000_001
_CHANNEL_ID = 4_194_304_000_000_100_000
_SETTLE_S = 15.0
_POLL_S = 0.01


class CommandRefused(WompError):
    """Discord does not take this slash command."""


class SimulatedGuild:
    """A guild in this process. Made by :meth:`open`.

    Everything a person does here returns once the tasks it started have ended, so the bot's answer is
    there: call :meth:`said`.
    """

    def __init__(self, world: World, channels: Mapping[str, int], owner: str) -> None:
        self._world = world
        self._handle = world.guild
        self._commanding = asyncio.Lock()
        self._channels: dict[str, ChannelHandle] = {}
        self._members = {owner: MemberActor(world, world.guild, world.guild.owner)}
        self.owner = owner
        for name, channel_id in channels.items():
            self.add_channel(name, channel_id)
        self.main_channel = next(iter(channels))

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        bot: commands.AutoShardedBot,
        *,
        clock: Clock | None = None,
        run: int = 0,
        guild_id: int = GUILD_ID,
        channels: Iterable[str] | Mapping[str, int] = ("general",),
        bot_name: str = "WompBot",
        owner: str = "olivia",
    ) -> AsyncIterator[SimulatedGuild]:
        """Put a bot into a guild of its own; it is logged in and ready when the context begins.

        Args:
            bot: A bot made with ``shard_count=1`` that is not logged in. Closing it stays its owner's.
            clock: Tells the time there; the system's when left out.
            run: Tells runs on one database apart; goes into the ids of what the bot says.
            guild_id: The guild's id.
            channels: Names of text channels, or their ids by name; not empty.
            bot_name: The bot's user name.
            owner: Name of the member who owns the guild.
        """
        world = World(bot, clock or SystemClock(), run)
        world.backend.bot_user.name = bot_name
        with world.giving_id(member_id(owner)):
            user = world.create_user(owner)
        world.create_guild("Simulated Guild", id=guild_id, owner=user)
        if not isinstance(channels, Mapping):
            channels = {name: _CHANNEL_ID + number for number, name in enumerate(channels)}
        guild = cls(world, channels, owner)
        with counted_tasks(asyncio.get_running_loop()):
            await world.start()
            try:
                await bot.wait_until_ready()
                yield guild
            finally:
                await world.shutdown()

    # -- the place -------------------------------------------------------------------------------

    @property
    def id(self) -> int:
        """The guild's id."""
        return self._handle.id

    @property
    def bot_id(self) -> int:
        """The bot's user id."""
        return self._world.backend.bot_user.id

    @property
    def errors(self) -> list[BaseException]:
        """Errors of the bot's commands and listeners, also those it answered in a friendly way."""
        return self._world.errors

    def add_channel(self, name: str, channel_id: int) -> None:
        """Add a text channel, unless there is one of this name."""
        if name not in self._channels:
            with self._world.giving_id(channel_id):
                self._channels[name] = self._handle.create_text_channel(name)
            self._world.bound_channel(channel_id)

    def channel_id(self, channel: str | None = None) -> int:
        """Return the id of a channel; of the first one when left out."""
        return self._channels[channel or self.main_channel].id

    def member(self, name: str) -> MemberActor:
        """Return a member, who joins if they are new."""
        if name not in self._members:
            with self._world.giving_id(member_id(name)):
                user = self._world.create_user(name)
            self._members[name] = self._handle.add_member(user)
        return self._members[name]

    def name_of(self, id_: int) -> str:
        """Return the name of a person or channel; the id if nobody here has it."""
        if user := self._world.backend.users.get(id_):
            return user.name
        return next((name for name, channel in self._channels.items() if channel.id == id_), str(id_))

    # -- what people do --------------------------------------------------------------------------

    async def say(
        self, name: str, text: str, *, channel: str | None = None, reply_to: int | None = None
    ) -> int:
        """Post a message as a member; a new name joins first. Returns its id."""
        async with self._settled():
            return self.post(name, text, channel=channel, reply_to=reply_to)

    def post(self, name: str, text: str, *, channel: str | None = None, reply_to: int | None = None) -> int:
        """Post a message without waiting for what it leads to."""
        channel_id, member = self.channel_id(channel), self.member(name)
        reference = {"message_id": str(reply_to), "channel_id": str(channel_id)} if reply_to else None
        return self._world.backend.create_message(channel_id, member.id, text, reference=reference).id

    async def edit(self, message_id: int, text: str, *, channel: str | None = None) -> None:
        """Change a message."""
        async with self._settled():
            self._world.backend.edit_message(self.channel_id(channel), message_id, {"content": text})

    async def delete(self, message_id: int, *, channel: str | None = None) -> None:
        """Remove a message."""
        async with self._settled():
            self._world.backend.delete_message(self.channel_id(channel), message_id)

    async def react(
        self, name: str, message_id: int, emoji: str, *, channel: str | None = None, take_back: bool = False
    ) -> None:
        """React to a message as a member, or take that back."""
        member = self.member(name)
        async with self._settled():
            self._world.backend.set_reaction(
                self.channel_id(channel), message_id, emoji, member.id, not take_back
            )

    async def click(self, name: str, message_id: int, label: str, *, channel: str | None = None) -> None:
        """Press a button of a message as a member."""
        member = self.member(name)
        place: Any = self._world.bot.get_channel(self.channel_id(channel))
        async with self._settled():
            await member.click(await place.fetch_message(message_id), label=label)

    async def slash(
        self, name: str, command: str, /, *, in_channel: str | None = None, **options: Any
    ) -> list[Said]:
        """Use a slash command as a member.

        Args:
            name: The member.
            command: The command, subcommands after a space.
            in_channel: Where; the first channel when left out.
            options: The command's options; see :meth:`member` for those that ask for a person.

        Returns:
            The bot's answers, those that only this member sees included.

        Raises:
            TimeoutError: The bot registers no such command.
            CommandRefused: Discord would not let this member do that.
        """
        channel, member = self._channels[in_channel or self.main_channel], self.member(name)
        return await self._command(
            command.split()[0],
            discord.AppCommandType.chat_input,
            lambda: member.slash(channel, command, **options),
        )

    async def menu(
        self, name: str, command: str, message_id: int, *, channel: str | None = None
    ) -> list[Said]:
        """Use a command in the menu of a message as a member; see :meth:`slash`."""
        place, member = self._channels[channel or self.main_channel], self.member(name)
        shown: Any = self._world.bot.get_channel(place.id)

        async def use() -> Any:
            return await member.context_menu(place, command, await shown.fetch_message(message_id))

        return await self._command(command, discord.AppCommandType.message, use)

    async def _command(
        self, root: str, kind: discord.AppCommandType, use: Callable[[], Awaitable[Any]]
    ) -> list[Said]:
        find = partial(self._world.backend.find_command, root, self.id, kind.value)
        async with asyncio.timeout(_SETTLE_S):
            while find() is None:  # noqa: ASYNC110 # nothing tells
                await asyncio.sleep(_POLL_S)
        async with self._settled(), self._commanding:
            try:
                result = await use()
            except SetupError as error:
                raise CommandRefused(str(error)) from error
        answers = [result.response, *result.followups]
        return [self._shown(self._message(answer.channel_id, answer.id)) for answer in answers if answer]

    def commands(self, name: str) -> tuple[str, ...]:
        """Return the slash commands that a member is offered."""
        return self.member(name).available_commands(self._channels[self.main_channel])

    # -- what the bot hears and says ---------------------------------------------------------------

    def said(self, channel: str | None = None) -> list[Said]:
        """Return a channel's last 1,000 messages that went through this guild, the oldest first."""
        messages = self._world.backend.messages[self.channel_id(channel)].values()
        return [self._shown(message) for message in messages]

    def answers(self, channel: str | None = None) -> list[Said]:
        """Return what the bot said among them."""
        return [message for message in self.said(channel) if message.is_own]

    def feed(self, payload: dict[str, Any]) -> None:
        """Hand the bot a message that only the gateway knows of; cheap, for messages by the thousand.

        Args:
            payload: See :func:`wompbot_cogs.simulated.message_create`.
        """
        _dpy.feed(self._world.bot, "MESSAGE_CREATE", payload)

    @contextmanager
    def feeding(self) -> Iterator[Work]:
        """Make the context in which :meth:`feed` must be called; yields what feeding leads to."""
        work = Work()
        with self._world.time_context(), work.caused_here():
            yield work

    def listen(self, callback: Callable[[Said, bool], None]) -> None:
        """Call back with each message of the bot, and whether it is new; else it was edited."""

        def hear(event: str, payload: Mapping[str, Any]) -> None:
            if event in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and int(payload["author"]["id"]) == self.bot_id:
                message = self._message(int(payload["channel_id"]), int(payload["id"]))
                callback(self._shown(message), event == "MESSAGE_CREATE")

        self._world.backend.subscribers.append(hear)

    @asynccontextmanager
    async def _settled(self) -> AsyncIterator[None]:
        work = Work()
        with work.caused_here():
            yield
        await work.ended(_SETTLE_S)

    def _message(self, channel_id: int, message_id: int) -> Any:
        return self._world.backend.get_message(channel_id, message_id)

    def _shown(self, message: Any) -> Said:
        backend = self._world.backend
        reference = message.reference or {}
        return Said(
            id=message.id,
            author=self.name_of(message.author_id),
            text=message.content,
            is_own=message.author_id == backend.bot_user.id,
            embeds=tuple(discord.Embed.from_dict(embed) for embed in message.embeds),
            reply_to_id=int(reference["message_id"]) if "message_id" in reference else None,
            ephemeral=message.is_ephemeral,
            files=tuple(
                SentFile(file["filename"], file["description"] or "", backend.cdn.get(file["url"]) or b"")
                for file in message.attachments
            ),
        )
