"""A call's place in the ledger: reserved once, then settled or released once, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from wompcore.errors import DatabaseUnavailable
from wompcore.money import Usd
from wompcore.observe import Meter
from wompcore.usage import Usage

if TYPE_CHECKING:
    from wompcore.costs import Call, Reservation

Outcome: TypeAlias = Literal["ok", "failed", "cancelled"]

_TOKEN_KINDS = ("input", "output", "cached_input", "cache_write", "reasoning")


class Ledger(Protocol):
    """What the client needs of the ledger of ``wompcore.costs``."""

    async def reserve(self, calls: Sequence[Call]) -> Sequence[Reservation]:
        """Admit calls before they start; raises when one has no known price or no budget."""
        ...

    async def settle(
        self, pairs: Sequence[tuple[Reservation, Usage]], outcome: Outcome = "ok"
    ) -> Sequence[Usd]:
        """Record calls that were made and return what each cost; once begun it is finished."""
        ...

    async def release(self, reservations: Sequence[Reservation]) -> None:
        """Give back calls that used nothing."""
        ...


class Booking:
    """One call between its reservation and its end. Made by :meth:`reserve`.

    Args:
        ledger: Where it is booked.
        reservation: What the ledger gave.
        meter: Is told how it ended.
    """

    def __init__(self, ledger: Ledger, reservation: Reservation, meter: Meter) -> None:
        self._ledger = ledger
        self._reservation = reservation
        self._meter = meter
        self._labels = {"provider": reservation.call.provider, "model": reservation.call.model}
        self._spent: Usage | None = None
        self._closed = False
        self._began = time.perf_counter()

    @classmethod
    async def reserve(cls, ledger: Ledger, call: Call, meter: Meter, *, within_s: float) -> Booking:
        """Book a call.

        Raises:
            WompError: The ledger refuses it, or does not answer in ``within_s`` seconds.
        """
        try:
            async with asyncio.timeout(within_s):
                [reservation] = await ledger.reserve([call])
        except TimeoutError as error:
            raise DatabaseUnavailable("the ledger did not admit the call before its deadline") from error
        return cls(ledger, reservation, meter)

    def add(self, usage: Usage | None) -> None:
        """Remember what an attempt used that brought no answer."""
        if usage is not None:
            self._spent = usage if self._spent is None else self._spent + usage

    async def settle(self, usage: Usage, outcome: Outcome = "ok") -> Usd:
        """Record the call, failed attempts included, and return what it cost."""
        self.add(usage)
        return await self._record(outcome)

    async def give_up(self, error: BaseException) -> None:
        """End a call that brought nothing: what it used is recorded, if anything was."""
        outcome: Outcome = "failed" if isinstance(error, Exception) else "cancelled"
        if self._spent is not None:
            await self._record(outcome)
            return
        self._close(Usage(), outcome)
        await self._ledger.release([self._reservation])

    def count(self, name: str, by: float, **labels: str) -> None:
        """Add to a counter of this model."""
        self._meter.count(name, {**self._labels, **labels}, by)

    def measure(self, stage: str, began: float) -> None:
        """Add the seconds since ``began``, by the performance counter, to a stage of this model's calls."""
        seconds = time.perf_counter() - began
        self._meter.observe("llm_seconds", {**self._labels, "stage": stage}, seconds)

    async def _record(self, outcome: Outcome) -> Usd:
        assert self._spent is not None
        self._close(self._spent, outcome)
        [cost] = await self._ledger.settle([(self._reservation, self._spent)], outcome)
        return cost

    def _close(self, usage: Usage, outcome: Outcome) -> None:
        assert not self._closed, "a call ends once"
        self._closed = True
        self.count("llm_calls", 1, outcome=outcome)
        self.measure("whole", self._began)
        for kind in _TOKEN_KINDS:
            if tokens := getattr(usage, kind):
                self.count("llm_tokens", tokens, kind=kind)
