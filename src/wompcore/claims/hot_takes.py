"""Hot takes: claims that a server argues about, found by patterns or lit by hand, and counted.

Three stages: what the patterns say of a stored claim, what the server makes of it, and, once it is
argued about, what a model says. A reaction to any other message costs a look-up in memory.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from wompcore.claims.checker import FoundClaim, when_up
from wompcore.claims.fires import ENOUGH, Fires
from wompcore.claims.heat import heat_of
from wompcore.claims.rating import Rater
from wompcore.clock import Clock
from wompcore.config import ClaimSettings
from wompcore.events import ChatMessage, ReactionChanged, ReactionTally
from wompcore.ids import snowflake_at
from wompcore.text import bound, clean

if TYPE_CHECKING:
    from wompcore.db import KnownIds, Listener
    from wompcore.repos.hot_take_boards import HotTakeBoards
    from wompcore.repos.hot_takes import HotTakeRepository

FIRE: Final = "\N{FIRE}"
"""The reaction that makes any message a hot take, once enough people give it."""

_TEXT_CHARS: Final = 2000
_EMOJI_CHARS: Final = 100
_WAITING: Final = 10_000
_CLOSE_WITHIN_S: Final = 10.0

_log = logging.getLogger(__name__)


class HotTakes:
    """Finds, counts and rates hot takes. Made by :meth:`open`.

    Attributes:
        boards: Ranks them and takes rulings.
        tracked: The messages that are hot takes.
        fires: Who lit other messages; tells when :meth:`make` may be called.
        lost: Changes of reactions that were not counted: too many messages waited.
    """

    def __init__(
        self,
        book: HotTakeRepository,
        rater: Rater,
        tracked: KnownIds,
        clock: Clock,
        track_claim: Callable[[int], None],
        pause_s: float,
    ) -> None:
        self.boards: HotTakeBoards = book.boards
        self.lost = 0
        self._book = book
        self._rater = rater
        self.tracked = tracked
        self._clock = clock
        self._track_claim = track_claim
        self._pause_s = pause_s
        self.fires = Fires(snowflake_at(clock.now()))
        self._changes: dict[int, tuple[float, ReactionTally]] = {}  # with the second when it is due
        self._some = asyncio.Event()
        self._asking: asyncio.Queue[int] = asyncio.Queue(_WAITING)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        book: HotTakeRepository,
        rater: Rater,
        listener: Listener,
        clock: Clock,
        settings: ClaimSettings,
        track_claim: Callable[[int], None],
    ) -> AsyncIterator[HotTakes]:
        """Open with every hot take known; closing writes what was counted.

        Args:
            book: Where hot takes are kept.
            rater: Asks the model.
            listener: Tells of hot takes of other processes.
            clock: Tells when a hot take was made.
            settings: For how long reactions to a message are counted together.
            track_claim: Told of a message that became a claim with its hot take, before word of it comes.
        """
        tracked = await book.known(listener)
        takes = cls(book, rater, tracked, clock, track_claim, settings.reactions_pause_s)
        workers = [
            asyncio.create_task(takes._work_on_changes()),
            asyncio.create_task(takes._work_on_rating()),
        ]
        try:
            yield takes
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await takes.settled()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def consider(self, claim: FoundClaim) -> bool:
        """Make a claim a hot take if it sounds like one; returns whether it did."""
        heat = heat_of(claim.message.text)
        if not heat.is_hot:
            return False
        message_id = claim.message.id
        if made := await self._book.make(message_id, heat=heat.score, at=self._clock.now()):
            self.tracked.add(message_id)
        return made

    async def make(
        self, message: ChatMessage, reactions: Mapping[str, int], *, lit_by: AbstractSet[int]
    ) -> bool:
        """Make a message a hot take that people lit.

        Args:
            message: The message.
            reactions: How many it has, by emoji.
            lit_by: Who lit it, bots and people who withdrew left out.

        Returns:
            False when it is none: too few people other than the author lit it, a bot or somebody who
            withdrew wrote it, it has no text, it was said in private, or it is one already.
        """
        text = bound(message.text.strip(), _TEXT_CHARS)
        if message.is_bot or not message.allowed or not text or message.guild_id is None:
            return False
        self.fires.are_by(message.id, lit_by)
        if len(lit_by - {message.author_id}) < ENOUGH:
            return False
        made = await self._book.make_by_hand(
            message, text=text, heat=heat_of(text).score, reactions=_counts(reactions), at=self._clock.now()
        )
        if made:
            self.tracked.add(message.id)
            self._track_claim(message.id)
            self._changed(message.id)  # counts the replies, too
        return made

    def missed_reactions(self) -> None:
        """Take note that reactions may have been missed until now: the link to Discord was another one."""
        self.fires.missed(snowflake_at(self._clock.now()))

    def reacted(self, reaction: ReactionChanged) -> None:
        """Count a reaction; nothing is written for some seconds, then everything at once."""
        if reaction.message_id not in self.tracked:
            return
        if (tally := self._changed(reaction.message_id)) is None:
            return
        emoji = _key(reaction.emoji)
        if reaction.change != "cleared":
            tally.add(emoji, 1 if reaction.change == "added" else -1)
        elif emoji:
            tally.clear(emoji)
        else:
            tally.begin({})

    def recount(self, message_id: int, reactions: Mapping[str, int]) -> None:
        """Take a message's reactions, by emoji, in the place of what was counted so far."""
        if message_id in self.tracked and (tally := self._changed(message_id)) is not None:
            tally.begin(_counts(reactions))

    async def end_hours(self) -> None:
        """Count the replies of hot takes whose first hour is over; called every minute."""
        self._ask(await self._book.end_hours(self._clock.now()))

    async def settled(self) -> None:
        """Write what was counted without a pause, and wait until the model was asked."""
        await self._write(math.inf)
        await self._asking.join()

    def _changed(self, message_id: int) -> ReactionTally | None:
        """Return what waits to be written of a message; ``None`` when too many wait."""
        if message_id not in self._changes:
            if len(self._changes) >= _WAITING:
                self.lost += 1
                return None
            due = asyncio.get_running_loop().time() + self._pause_s
            self._changes[message_id] = due, ReactionTally()
            self._some.set()
        return self._changes[message_id][1]

    async def _work_on_changes(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            self._some.clear()
            while self._changes:
                due = next(iter(self._changes.values()))[0]
                if (left_s := due - loop.time()) > 0:
                    await asyncio.sleep(left_s)
                else:
                    await self._write(loop.time())

    async def _write(self, until: float) -> None:
        """Write what is due, in one statement."""
        due = {id_: change for id_, (at, change) in self._changes.items() if at <= until}
        if not due:
            return
        for message_id in due:
            del self._changes[message_id]
        try:
            self._ask(await when_up(partial(self._book.count, due)))
        except Exception:
            _log.exception("reactions to %d messages could not be counted", len(due))

    def _ask(self, message_ids: list[int]) -> None:
        for message_id in message_ids:
            with suppress(asyncio.QueueFull):  # the next reaction asks again
                self._asking.put_nowait(message_id)

    async def _work_on_rating(self) -> None:
        while True:
            message_id = await self._asking.get()
            try:
                await self._rater.rate(message_id)
            except Exception:
                _log.exception("the rating of hot take %d failed", message_id)
            finally:
                self._asking.task_done()


def _counts(reactions: Mapping[str, int]) -> dict[str, int]:
    return {_key(emoji): number for emoji, number in reactions.items() if number > 0}


def _key(emoji: str) -> str:
    return bound(clean(emoji), _EMOJI_CHARS)
