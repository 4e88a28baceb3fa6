"""The claim watcher: finds claims in what is said, and keeps them as their messages change.

What it does for an ordinary message, edit or deletion is synchronous and stays in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Protocol

from wompcore.claims.changes import Change, Changes
from wompcore.claims.check import Check
from wompcore.claims.checker import ClaimChecker, Consent, Model
from wompcore.claims.contradictions import Contradictions
from wompcore.claims.learning import Learning
from wompcore.claims.recall import RecentMessages
from wompcore.claims.screen import Threshold
from wompcore.claims.verify import ClaimPrompt
from wompcore.claims.waiting import WaitingChecks
from wompcore.clock import Clock
from wompcore.config import ClaimSettings
from wompcore.events import ChatMessage, MessageEdited
from wompcore.ids import SnowflakeSet, snowflake_at

if TYPE_CHECKING:
    from wompcore.repos.claims import ClaimRepository
    from wompcore.repos.due_claims import DueClaims
    from wompcore.repos.receipts import ReceiptBook

LONGER_THAN: Final = 20
"""Only messages with more characters are looked at (spec 04, section 1)."""

TRACKED_FOR: Final = timedelta(days=90)
"""How old a message may be for its edits and deletions to reach its claim after a restart."""

_TRACKED: Final = 100_000
_WORKERS: Final = 4
_WAITING: Final = 1000
_CLOSE_WITHIN_S: Final = 10.0


class Link(Protocol):
    """How news of other processes arrive."""

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with every payload of a channel."""
        ...

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await the callback whenever the link is up again."""
        ...

    async def listening(self) -> None:
        """Wait until nothing told from now on is missed."""
        ...


class ClaimWatcher:
    """Finds claims. Made by :meth:`open`.

    Attributes:
        counts: What was done so far.
        receipts: Finds claims and takes rulings.
        due: Finds claims whose day is over and that nobody ruled on.
        found: Hears of every claim that this process finds.
        contradictions: Compares claims with older ones of their author.
        learning: What servers learn from the verdicts.
        tracked: The messages that carry claims, whose edits and deletions are followed.
    """

    def __init__(
        self,
        book: ClaimRepository,
        checker: ClaimChecker,
        contradictions: Contradictions,
        learning: Learning,
        recent: RecentMessages,
        settings: ClaimSettings,
        clock: Clock,
        prefix: str,
    ) -> None:
        self.counts = checker.counts
        self.found = checker.found
        self.contradictions = contradictions
        self.receipts: ReceiptBook = book.receipts
        self.due: DueClaims = book.due
        self._book = book
        self._checker = checker
        self._enabled = settings.enabled
        self._clock = clock
        self._prefix = prefix
        self.learning = learning
        self._recent = recent
        self.tracked = SnowflakeSet(_TRACKED)
        self._open: dict[int, Check] = {}
        self._checks = WaitingChecks(_WAITING, settings.batch, settings.gather_s)
        self._changes = Changes("claim", self._keep)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        book: ClaimRepository,
        model: Model,
        consent: Consent,
        settings: ClaimSettings,
        clock: Clock,
        link: Link | None = None,
        *,
        model_name: str = "",
        command_prefix: str = "!",
    ) -> AsyncIterator[ClaimWatcher]:
        """Open the watcher; closing ends the checks that were begun.

        Args:
            book: Where claims are kept.
            model: Who is asked.
            consent: May we analyse and keep what a person writes?
            settings: Cooldown, caps and how much is picked to learn from.
            clock: Tells when a message was deleted, and how old a lesson is. The limits go by the
                messages' own time.
            link: Tells of claims of other processes; without it those are known after a restart only.
            model_name: The model to ask; empty for the configured chat model.
            command_prefix: Messages that start with it are commands and no claims.
        """
        recent = RecentMessages()
        learning = Learning(book, settings, clock)
        prompt = ClaimPrompt(model_name)
        checker = ClaimChecker(book, model, consent, prompt, recent, learning, settings)
        contradictions = Contradictions(book.contradictions, model, consent, clock, model_name=model_name)
        watcher = cls(book, checker, contradictions, learning, recent, settings, clock, command_prefix)
        if link is not None:
            link.on(book.channel, lambda message_id: watcher.tracked.add(int(message_id)))
            link.on_reconnect(watcher._load_tracked)
            learning.listen(link)
            await link.listening()  # first listen, then read: no claim falls between
        await watcher._load_tracked()
        await learning.reload()
        workers = [asyncio.create_task(watcher._work_on_checks()) for _ in range(_WORKERS)]
        workers.append(asyncio.create_task(watcher._changes.work()))
        try:
            yield watcher
        finally:
            await watcher._close()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await learning.close()

    @property
    def waiting(self) -> int:
        """Messages whose check has not ended."""
        return len(self._open)

    def offer(
        self,
        message: ChatMessage,
        *,
        threshold: Threshold = "standard",
        learns: bool = True,
        zone: tzinfo = UTC,
    ) -> bool:
        """Look at a message, and have it checked in the background when it may hold a claim.

        Args:
            message: Any message, in the order they come; those before it become its context. Commands are
                left out of both.
            threshold: How sure the screen must be.
            learns: Whether the guild learns from verdicts, and a small share of what does not fire is
                checked too.
            zone: Where the message was said, for days that it names.

        Returns:
            Whether the screen fired.
        """
        if not (self._enabled and message.allowed) or message.text.startswith(self._prefix):
            return False
        recent = self._recent.add(message)
        if not self._eligible(message):
            return False
        self.counts.screened += 1
        verdict = self.learning.screen(message.guild_id, learns=learns).judge(
            message.text, threshold=threshold
        )
        picked = not verdict.fires and learns and self.learning.picks(message.id)
        self.counts.fires += verdict.fires
        self.counts.explored += picked
        if verdict.fires or picked:
            before = tuple(recent)[:-1]
            self._queue(Check(message, before, verdict.score, verdict.fires, learns, zone))
        return verdict.fires

    def edited(self, edit: MessageEdited) -> None:
        """Take an edit in; costs a look-up when the message carries no claim."""
        self._recent.edited(edit)
        if check := self._open.get(edit.id):
            check.edit = edit
        elif edit.id in self.tracked:
            self._changes.put(edit)

    def deleted(self, message_ids: Iterable[int]) -> None:
        """Take deletions in; costs a look-up per message that carries no claim."""
        for message_id in message_ids:
            self._recent.deleted(message_id)
            if check := self._open.get(message_id):
                check.deleted = True
            elif message_id in self.tracked:
                self._changes.put(message_id)

    async def settled(self) -> None:
        """Wait until nothing is left to do."""
        await self._checks.settled()
        await self._changes.settled()

    async def forget_limits(self) -> None:
        """Forget checks that hold nobody back any more."""
        await self._book.forget_limits(self._clock.now())

    def _eligible(self, message: ChatMessage) -> bool:
        return (
            len(message.text) > LONGER_THAN
            and message.guild_id is not None
            and not (message.is_bot or message.is_own or message.addressed)
        )

    def _queue(self, check: Check) -> None:
        if check.message.id in self._open:
            self.counts.repeated += 1
            return
        self._open[check.message.id] = check
        if worst := self._checks.put(check):
            self._drop([worst])

    def _drop(self, checks: Iterable[Check]) -> None:
        for check in checks:
            del self._open[check.message.id]
            self.counts.dropped += 1

    async def _work_on_checks(self) -> None:
        while True:
            checks = await self._checks.take()
            try:
                await self._checker.check(checks)
            finally:
                for check in checks:
                    self._followed(check)
                self._checks.done(len(checks))

    def _followed(self, check: Check) -> None:
        """Follow a message from here on: what happened to it meanwhile is made up for.

        Without a suspension point, so that nothing falls between.
        """
        message_id = check.message.id
        del self._open[message_id]
        if check.kept:
            self.tracked.add(message_id)
            if check.deleted:
                self._changes.put(message_id)
            elif check.edit:
                self._changes.put(check.edit)

    async def _keep(self, change: Change) -> None:
        if isinstance(change, int):
            await self._book.delete([change], self._clock.now())
            self.tracked.discard(change)
        else:
            await self._book.edit(change)

    async def _load_tracked(self) -> None:
        since_id = snowflake_at(self._clock.now() - TRACKED_FOR)
        newest = await self._book.tracked(since_id=since_id, limit=_TRACKED)
        self.tracked.update(newest)

    async def _close(self) -> None:
        """Give up what waits, finish what was begun."""
        self._drop(self._checks.give_up())
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self.settled()
