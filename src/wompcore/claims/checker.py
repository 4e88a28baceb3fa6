"""One claim check from end to end: note it, ask the model, store what it finds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from wompcore.claims.recall import RecentMessages
from wompcore.claims.verify import ClaimAnswer, ClaimPrompt, context_line, read_answer
from wompcore.errors import (
    BudgetExceeded,
    DatabaseUnavailable,
    ModelError,
    PoolExhausted,
    UnknownPrice,
    WompError,
)
from wompcore.events import ChatMessage, MessageEdited, Observers
from wompcore.llm import ChatRequest, Reply

if TYPE_CHECKING:
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


@dataclass(slots=True)
class ClaimCounts:
    """What was done since the watcher was opened.

    Args:
        screened: Messages judged by the screen.
        fires: Of these, messages that may hold a claim.
        held_back: Fires not checked: the person's cooldown or the guild's daily cap.
        dropped: Fires not checked: too many were waiting, or the watcher was closing.
        repeated: Fires not paid for: checked before, the same text was, or the author withdrew.
        llm_calls: Messages put to the model.
        unpaid: Messages that no budget was left for.
        failed: Checks that ended in an error.
        stored: Claims stored.
    """

    screened: int = 0
    fires: int = 0
    held_back: int = 0
    dropped: int = 0
    repeated: int = 0
    llm_calls: int = 0
    unpaid: int = 0
    failed: int = 0
    stored: int = 0


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


@dataclass(slots=True, eq=False)
class Check:
    """A message that is being checked, and what became of it meanwhile.

    Args:
        message: The message.
        before: What was said before it in the channel, oldest first.
        edit: The newest edit since.
        deleted: It was deleted since.
    """

    message: ChatMessage
    before: tuple[ChatMessage, ...]
    edit: MessageEdited | None = None
    deleted: bool = False


class ClaimChecker:
    """Checks messages.

    Args:
        book: Where checks and claims are kept.
        model: Who is asked.
        consent: Asked before the model is, and again before anything is stored.
        prompt: How the model is asked.
        recent: Knows what became of the messages before.

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
    ) -> None:
        self.counts = ClaimCounts()
        self.found: Observers[FoundClaim] = Observers()
        self._book = book
        self._model = model
        self._consent = consent
        self._prompt = prompt
        self._recent = recent

    async def check(self, check: Check) -> bool:
        """Check a message; an error is logged, without the text, and counted.

        Returns:
            Whether a claim was stored.
        """
        try:
            return await self._check(check)
        except BudgetExceeded as error:
            self.counts.unpaid += 1
            _log.info("message %d is not checked: %s", check.message.id, error)
            return False
        except WompError as error:
            _log.warning("the claim check of message %d failed: %s", check.message.id, error)
        except Exception:
            _log.exception("the claim check of message %d failed", check.message.id)
        self.counts.failed += 1
        return False

    async def _check(self, check: Check) -> bool:
        message = check.message
        if not self._wanted(check):
            return False
        if not await when_up(partial(self._book.begin_check, message)):
            self.counts.repeated += 1
            return False
        try:
            found = await self._ask(check)
        except (ModelError, UnknownPrice, BudgetExceeded):  # nothing was paid, so another try may be made
            await self._end(message, "failed")
            raise
        if isinstance(found, str):
            await self._end(message, found)
            return False
        text = found.claim_text or message.text
        stored = await when_up(
            partial(
                self._book.store,
                message,
                text=text,
                kind=found.claim_type,
                confidence=found.confidence_level,
                context=self._context(check),
            )
        )
        self.counts.stored += stored
        if stored and self._wanted(check):
            self.found.tell(FoundClaim(message, text, found.claim_type, found.confidence_level))
        return stored

    async def _ask(self, check: Check) -> ClaimAnswer | str:
        """Return the claim, or why there is none."""
        if not self._wanted(check):
            return "refused"
        self.counts.llm_calls += 1
        reply = await self._model.complete(self._prompt.request(check.message, self._context(check)))
        answer = read_answer(reply.text)
        if answer is None:
            return "invalid"
        if not answer.is_trackable:
            return "no claim"
        return answer if self._wanted(check) else "refused"

    def _context(self, check: Check) -> str:
        """Return what was said before, as far as it still stands and may be used."""
        said = self._recent.as_they_are(check.before)
        return "\n".join(context_line(each) for each in said if self._consent.allows(each.author_id))

    def _wanted(self, check: Check) -> bool:
        return not check.deleted and self._consent.allows(check.message.author_id)

    async def _end(self, message: ChatMessage, outcome: str) -> None:
        await when_up(partial(self._book.end_check, message.id, outcome))


async def when_up(operation: Callable[[], Awaitable[_T]]) -> _T:
    """Await an operation; while the database is away, try again with growing pauses."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await operation()
        except (DatabaseUnavailable, PoolExhausted):
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
