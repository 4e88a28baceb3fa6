"""What each server learned, known in every process, and what it learns next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, Protocol

from wompcore.claims.learner import learn
from wompcore.claims.screen import Screen
from wompcore.claims.worth import Worth, worth
from wompcore.errors import DatabaseError
from wompcore.events import ChatMessage
from wompcore.ids import snowflake_at

if TYPE_CHECKING:
    from wompcore.clock import Clock
    from wompcore.config import ClaimSettings
    from wompcore.repos.claims import ClaimRepository

_ALL: Final = 2.0**64

_log = logging.getLogger(__name__)


class Link(Protocol):
    """How news of other processes arrive."""

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with every payload of a channel."""
        ...

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await the callback whenever the link is up again."""
        ...


class Learning:
    """Learns from the model's verdicts, and picks messages that show what is missed.

    Args:
        book: Where lessons are kept.
        settings: How much is picked, and how long lessons are kept.
        clock: Tells how old a lesson is.
    """

    def __init__(self, book: ClaimRepository, settings: ClaimSettings, clock: Clock) -> None:
        self._lessons = book.lessons
        self._told_on = book.channel
        self._settings = settings
        self._clock = clock
        self._shipped = Screen.shipped()
        self._screens: dict[int, Screen] = {}
        self._reloads: set[asyncio.Task[None]] = set()

    def listen(self, link: Link) -> None:
        """Follow what other processes learn."""
        link.on(self._lessons.channel, self._heard)
        link.on_reconnect(self.reload)

    async def close(self) -> None:
        """End what is being read."""
        for task in self._reloads:
            task.cancel()
        await asyncio.gather(*self._reloads, return_exceptions=True)

    def screen(self, guild_id: int | None, *, learns: bool = True) -> Screen:
        """Return the screen of a guild: with what it learned if it wants that, or else the shipped one."""
        return self._screens.get(guild_id or 0, self._shipped) if learns else self._shipped

    def live(self, guild_id: int) -> bool:
        """Return whether something that the guild learned is in use."""
        return guild_id in self._screens

    def picks(self, message_id: int) -> bool:
        """Return whether a message that did not fire is to be checked too.

        As random as a hash is, and always the same for a message: each is picked with the probability
        ``claims.explore_share``, in whichever process and however often it comes.
        """
        digest = blake2b(message_id.to_bytes(8, "big", signed=True), digest_size=8, person=b"explore")
        return int.from_bytes(digest.digest(), "big") < self._settings.explore_share * _ALL

    async def teach(self, message: ChatMessage, *, fired: bool, is_claim: bool) -> bool:
        """Keep what the model said about a message: numbers, no text; returns whether it was kept."""
        return await self._lessons.add(
            message.id,
            message.author_id,
            features=self._shipped.features(message.text),
            score=self._shipped.judge(message.text).score,
            fired=fired,
            share=self._settings.explore_share,
            is_claim=is_claim,
            told_on=self._told_on,
        )

    async def learn(self) -> int:
        """Forget lessons that are too old, and learn anew wherever lessons came or went.

        Returns:
            How many guilds learned.
        """
        since = snowflake_at(self._clock.now() - timedelta(days=self._settings.keep_lessons_days))
        await self._lessons.forget(before_id=since)
        stale = await self._lessons.stale()
        for guild_id, revision in stale:
            lessons = await self._lessons.of(guild_id)
            weights = await asyncio.to_thread(learn, lessons, self._shipped.vocabulary)
            await self._lessons.learned(guild_id, revision, weights)
        return len(stale)

    async def worth(self, guild_id: int) -> Worth:
        """Return what the filter is worth in a guild, as far as its lessons tell."""
        return worth(await self._lessons.tally(guild_id))

    async def reset(self, guild_id: int) -> int:
        """Forget a guild's lessons and what it learned, in all processes; return how many there were."""
        count = await self._lessons.reset(guild_id)
        await self.reload(guild_id)
        return count

    async def reload(self, guild_id: int | None = None) -> None:
        """Read what one guild learned, or all."""
        learned = await self._lessons.weights(guild_id)
        screens = {guild: self._shipped.with_delta(weights) for guild, weights in learned.items()}
        if guild_id is None:
            self._screens = screens
        else:
            self._screens.pop(guild_id, None)
            self._screens |= screens

    def _heard(self, payload: str) -> None:
        task = asyncio.create_task(self._reload_heard(int(payload)), name="claim learning")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_heard(self, guild_id: int) -> None:
        try:
            await self.reload(guild_id)
        except DatabaseError as error:
            _log.warning("what guild %d learned is read again on reconnect: %s", guild_id, error)
