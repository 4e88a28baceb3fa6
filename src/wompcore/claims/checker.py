"""One claim check from end to end: note it, ask the model, store what it finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from wompcore.claims.check import Check, ClaimCounts
from wompcore.claims.recall import RecentMessages
from wompcore.claims.verify import ClaimAnswer, ClaimPrompt, Shown, claim_of, read_answer, read_answers
from wompcore.errors import (
    BudgetExceeded,
    DatabaseUnavailable,
    LimitReached,
    ModelError,
    PoolExhausted,
    UnknownPrice,
    WompError,
)
from wompcore.events import ChatMessage, Observers
from wompcore.llm import ChatRequest, Reply

if TYPE_CHECKING:
    from wompcore.config import ClaimSettings
    from wompcore.repos.claims import ClaimRepository

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Model(Protocol):
    """Who is asked."""

    async def complete(self, request: ChatRequest) -> Reply:
        """Answer a request."""
        ...

    async def ask(self, request: ChatRequest, shape: type[_T]) -> _T:
        """Answer a request in a given shape."""
        ...


class Consent(Protocol):
    """May we?"""

    def allows(self, person_id: int) -> bool:
        """Return whether what this person writes may be analysed and kept."""
        ...


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """A claim that was just stored.

    Args:
        message: The message that holds it.
        text: What is claimed.
        kind: ``prediction``, ``fact``, ``opinion`` or ``guarantee``.
        confidence: ``certain``, ``probable`` or ``uncertain``, as it was said.
    """

    message: ChatMessage
    text: str
    kind: str
    confidence: str


class Teacher(Protocol):
    """Who learns from verdicts."""

    async def teach(self, message: ChatMessage, *, fired: bool, is_claim: bool) -> bool:
        """Keep what the model said; returns whether it was kept."""
        ...


class ClaimChecker:
    """Checks messages.

    Args:
        book: Where checks and claims are kept.
        model: Who is asked.
        consent: Asked before the model is, and again before anything is stored.
        prompt: How the model is asked.
        recent: Knows what became of the messages before.
        teacher: Learns from the verdicts.
        settings: Cooldown and caps.

    Attributes:
        counts: What was done so far.
        found: Hears of every claim that is stored.
    """

    def __init__(
        self,
        book: ClaimRepository,
        model: Model,
        consent: Consent,
        prompt: ClaimPrompt,
        recent: RecentMessages,
        teacher: Teacher,
        settings: ClaimSettings,
    ) -> None:
        self.counts = ClaimCounts()
        self.found: Observers[FoundClaim] = Observers()
        self._book = book
        self._model = model
        self._consent = consent
        self._prompt = prompt
        self._recent = recent
        self._teacher = teacher
        self._settings = settings

    async def check(self, checks: Sequence[Check]) -> None:
        """Check messages of one guild, together when they are several; one by one if that fails.

        Errors are logged, without the texts, and counted.

        Args:
            checks: The messages, those to be paid for first at the beginning.
        """
        begun = []
        for check in checks:
            async with self._accounting(check):
                if await self._begin(check):
                    begun.append(check)
        wanted = await self._still_wanted(begun)
        if len(wanted) > 1:
            together, wanted = wanted, []
            async with self._accounting(*together):
                wanted = await self._check_together(together)
        for check in wanted:
            async with self._accounting(check):
                await self._check_alone(check)

    @asynccontextmanager
    async def _accounting(self, *checks: Check) -> AsyncIterator[None]:
        try:
            yield
        except BudgetExceeded as error:
            self.counts.unpaid += len(checks)
            _log.info("message %d is not checked: %s", checks[0].message.id, error)
        except WompError as error:
            self.counts.failed += len(checks)
            _log.warning("the claim check of message %d failed: %s", checks[0].message.id, error)
        except Exception:
            self.counts.failed += len(checks)
            _log.exception("the claim check of message %d failed", checks[0].message.id)

    async def _begin(self, check: Check) -> bool:
        if not self._wanted(check):
            return False
        begin = partial(
            self._book.begin_check,
            check.message,
            explored=not check.fired,
            cooldown_s=self._settings.person_cooldown_s,
            daily_cap=self._settings.guild_daily_cap,
            explore_cap=self._settings.explore_daily_cap,
        )
        try:
            begun = await when_up(begin)
        except LimitReached:
            self.counts.held_back += 1
            return False
        self.counts.repeated += not begun
        return begun

    async def _still_wanted(self, begun: Sequence[Check]) -> list[Check]:
        wanted = [check for check in begun if self._wanted(check)]
        for check in begun:
            if check not in wanted:
                await self._end(check, "refused")
        return wanted

    async def _check_together(self, checks: list[Check]) -> list[Check]:
        """Ask about several messages at once; returns those that have to be asked about one by one."""
        shown = [self._shown(check) for check in checks]
        self.counts.checked += len(checks)
        answers = read_answers(await self._ask(self._prompt.batch(shown), checks), shown)
        if answers is None:
            self.counts.checked -= len(checks)
            return await self._still_wanted(checks)
        for check, answer in zip(checks, answers, strict=True):
            async with self._accounting(check):
                await self._conclude(check, answer)
        return []

    async def _check_alone(self, check: Check) -> None:
        self.counts.checked += 1
        reply = await self._ask(self._prompt.request(self._shown(check)), [check])
        await self._conclude(check, read_answer(reply))

    async def _ask(self, request: ChatRequest, checks: Sequence[Check]) -> str:
        self.counts.llm_calls += 1
        try:
            return (await self._model.complete(request)).text
        except (ModelError, UnknownPrice, BudgetExceeded):  # nothing was paid, so another try may be made
            for check in checks:
                await self._end(check, "failed")
            raise

    async def _conclude(self, check: Check, answer: ClaimAnswer | None) -> None:
        if answer is None or not self._wanted(check):
            await self._end(check, "refused" if answer else "invalid")
            return
        if answer.is_trackable:
            await self._store(check, answer)
        else:
            await self._end(check, "no claim")
        if check.learns and self._wanted(check):
            teach = partial(
                self._teacher.teach, check.message, fired=check.fired, is_claim=answer.is_trackable
            )
            taught = await when_up(teach)
            self.counts.lessons += taught
            check.kept |= taught

    async def _store(self, check: Check, answer: ClaimAnswer) -> None:
        message, shown = check.message, self._shown(check)
        text = claim_of(answer, message.text)
        stored = await when_up(
            partial(
                self._book.store,
                message,
                text=text,
                kind=answer.claim_type,
                confidence=answer.confidence_level,
                context_ids=[each.id for each in shown.before],
                horizon=answer.time_horizon,
                due_on=answer.due_on(shown.said_on),
            )
        )
        self.counts.stored += stored
        check.kept |= stored
        if stored and self._wanted(check):
            self.found.tell(FoundClaim(message, text, answer.claim_type, answer.confidence_level))

    def _shown(self, check: Check) -> Shown:
        """Return the message, and what was said before as far as it still stands and may be used."""
        said = self._recent.as_they_are(check.before)
        before = [each for each in said if self._consent.allows(each.author_id)]
        return Shown(check.message, before, check.message.at.astimezone(check.zone).date())

    def _wanted(self, check: Check) -> bool:
        return not check.deleted and self._consent.allows(check.message.author_id)

    async def _end(self, check: Check, outcome: str) -> None:
        await when_up(partial(self._book.end_check, check.message.id, outcome))


async def when_up(operation: Callable[[], Awaitable[_T]]) -> _T:
    """Await an operation; while the database is away, try again with growing pauses."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await operation()
        except (DatabaseUnavailable, PoolExhausted):
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
