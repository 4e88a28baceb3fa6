"""One paid call: reserved, sent, and settled or released exactly once, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from wompcore.errors import DatabaseUnavailable, ModelBusy, ModelError, ModelUnavailable, WompError
from wompcore.llm.deadline import Deadline
from wompcore.llm.estimate import TokenEstimate
from wompcore.llm.media import MediaProvider
from wompcore.llm.reply import Provider, ProviderAnswer, Reply
from wompcore.llm.request import Thoughts
from wompcore.llm.route import CheaperWanted, Choice
from wompcore.money import ZERO, Usd
from wompcore.observe import SILENT, Meter
from wompcore.usage import Attribution, Usage

if TYPE_CHECKING:
    from wompcore import costs

Outcome: TypeAlias = Literal["ok", "failed", "cancelled"]

_BOOKED_WITHIN_S = 2.0
"""Seconds that an answer waits for its entry; a database that takes longer gets it in the background."""
_AFTER_DEADLINE_S = 0.05
"""The same after the deadline."""
_TOKEN_KINDS = ("input", "output", "cached_input", "cache_write", "reasoning")


class Ledger(Protocol):
    """What the client needs of the ledger of ``wompcore.costs``."""

    async def reserve(self, calls: Sequence[costs.Call]) -> Sequence[costs.Reservation]:
        """Admit calls before they start; raises when one has no known price or no budget."""
        ...

    async def settle(
        self,
        pairs: Sequence[tuple[costs.Reservation, Usage]],
        outcome: Outcome = "ok",
        *,
        within_s: float | None = None,
    ) -> Sequence[Usd]:
        """Record calls that were made and return what each cost.

        Once begun it is finished: after ``within_s`` seconds in the background.
        """
        ...

    async def release(
        self, reservations: Sequence[costs.Reservation], *, within_s: float | None = None
    ) -> None:
        """Give back calls that used nothing; finished like a settle."""
        ...


class Call:
    """A call between its reservation and its end.

    Args:
        provider: Who is asked.
        model: Which of its models.
        attribution: Who and what it is for.
        most: Tokens it cannot exceed.
        likely: Tokens that it probably takes, and that an attempt which was cut off is taken to have read.
        deadline: When it has to be over, a failing database included.
        ledger: Where it is booked.
        meter: Is told how it went.
        cheaper: The model to ask instead when a budget advises it; empty for none.
    """

    def __init__(
        self,
        provider: Provider | MediaProvider,
        model: str,
        attribution: Attribution,
        most: TokenEstimate,
        likely: Callable[[], TokenEstimate],
        deadline: Deadline,
        ledger: Ledger,
        meter: Meter,
        cheaper: str = "",
    ) -> None:
        self.deadline = deadline
        self.endpoint = provider.address, model
        self._provider = provider.name
        self._model = model
        self._attribution = attribution
        self._most = most
        self._likely = likely
        self._ledger = ledger
        self._meter = meter
        self._cheaper = cheaper
        self._labels = {"provider": provider.name, "model": model}
        self._began = time.perf_counter()
        self._reservation: costs.Reservation | None = None
        self._attempts = 0
        self._spent: Usage | None = None
        self._paid = ZERO  # for attempts that were booked by themselves
        self._ended = False

    async def reserve(self) -> None:
        """Have the ledger admit one attempt.

        Raises:
            WompError: The ledger refuses.
            CheaperWanted: A budget advises another model.
        """
        from wompcore.costs import Call  # here, so that importing this room loads no database driver

        likely = self._likely()
        booked = Call(
            self._provider,
            self._model,
            self._attribution,
            max_output_tokens=self._most.output,
            max_input_tokens=self._most.input,
            max_audio_s=self._most.audio_s,
            images=self._most.images,
            expected=Usage(likely.input, likely.output, audio_s=likely.audio_s, images=likely.images),
        )
        [self._reservation] = await self._ledger.reserve([booked])
        if self._cheaper and self._reservation.advice == "fall_back":
            raise CheaperWanted(Choice(self._cheaper), self._attempts)

    async def renew(self) -> None:
        """Book an attempt that was charged, so that the next one is admitted by itself.

        A reservation covers one attempt: several on one could cost more than was reserved, and would
        close a budget that refuses.

        Raises:
            WompError: The ledger refuses.
            CheaperWanted: A budget advises another model.
        """
        if self._spent is None:
            return
        (booked, self._reservation), (spent, self._spent) = (self._reservation, None), (self._spent, None)
        assert booked is not None  # nothing is spent before it
        self._count(spent)
        [cost] = await self._ledger.settle([(booked, spent)], "failed")
        self._paid += cost
        await self.reserve()

    def attempt_begins(self, queued_s: float) -> None:
        """Note that it is sent, after so many seconds in the queue."""
        self._attempts += 1
        self._measure("queue", queued_s)

    def attempt_ended(self, error: BaseException | None, took_s: float) -> None:
        """Note what an attempt used that brought no answer; ``None`` when it brought one."""
        self._measure("attempt", took_s)
        if isinstance(error, ModelError):
            self._add(error.usage)
        elif isinstance(error, asyncio.CancelledError):  # it was being worked on
            likely = self._likely()
            self._add(Usage(input=likely.input, audio_s=likely.audio_s, estimated=True))

    def too_late(self) -> WompError:
        """Return the error of a call that was not answered before its deadline."""
        if self._reservation is None:
            return DatabaseUnavailable("the ledger did not admit the call before its deadline")
        if not self._attempts:
            return ModelBusy(f"no call in flight at {self._provider} ended before the deadline")
        late = ModelUnavailable(f"{self._provider} gave no answer before the deadline")
        late.attempts = self._attempts
        return late

    async def settle(self, usage: Usage, outcome: Outcome = "ok") -> Usd:
        """Record it and return what it cost, failed attempts included."""
        self._add(usage)
        return await self._record(outcome)

    async def give_up(self, error: BaseException) -> None:
        """End it without an answer: what it used is recorded, if anything was."""
        outcome: Outcome = "failed" if isinstance(error, Exception) else "cancelled"
        if self._spent is not None:
            await self._record(outcome)
            return
        self._end(outcome)
        if self._reservation is not None:
            await self._ledger.release([self._reservation], within_s=self._booking_s())

    async def reply(self, answer: ProviderAnswer, attempts: int) -> Reply:
        """Record the answer and return it with its cost."""
        cost = await self.settle(answer.usage)
        thoughts = Thoughts(*self.endpoint, answer.thoughts, answer.usage.output) if answer.thoughts else None
        return Reply(
            text=answer.text,
            tool_calls=answer.tool_calls,
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            model=answer.model or self._model,
            provider=self._provider,
            request_id=answer.request_id,
            attempts=attempts,
            cost=cost,
            thoughts=thoughts,
        )

    def _add(self, usage: Usage | None) -> None:
        if usage is not None:
            if self._most.images:  # no provider reports how many it was shown
                usage = replace(usage, images=self._most.images)
            self._spent = usage if self._spent is None else self._spent + usage

    async def _record(self, outcome: Outcome) -> Usd:
        self._end(outcome)
        assert self._reservation is not None
        assert self._spent is not None
        pair = self._reservation, self._spent
        [cost] = await self._ledger.settle([pair], outcome, within_s=self._booking_s())
        return self._paid + cost

    def _booking_s(self) -> float:
        return max(_AFTER_DEADLINE_S, min(_BOOKED_WITHIN_S, self.deadline.left_s()))

    def _end(self, outcome: Outcome) -> None:
        assert not self._ended, "a call ends once"
        self._ended = True
        if self._meter is not SILENT:
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self._meter.count("llm_calls", {**self._labels, "outcome": outcome})
        self._measure("whole", time.perf_counter() - self._began)
        if self._attempts > 1:
            self._meter.count("llm_retries", self._labels, self._attempts - 1)
        if self._spent is not None:
            self._count(self._spent)

    def _count(self, usage: Usage) -> None:
        for kind in _TOKEN_KINDS:
            if tokens := getattr(usage, kind):
                self._meter.count("llm_tokens", {**self._labels, "kind": kind}, tokens)

    def _measure(self, stage: str, seconds: float) -> None:
        if self._meter is not SILENT:
            self._meter.observe("llm_seconds", {**self._labels, "stage": stage}, seconds)
