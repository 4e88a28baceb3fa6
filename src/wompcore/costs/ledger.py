"""The ledger: a call is reserved before it starts and settled once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from wompcore.clock import Clock
from wompcore.costs.call import Call, Reservation
from wompcore.costs.closings import Closings
from wompcore.costs.entries import Entries, Outcome
from wompcore.costs.gather import Gather
from wompcore.costs.prices import PriceBook
from wompcore.errors import BudgetExceeded, DatabaseError, DatabaseUnavailable, RowsRefused
from wompcore.events import Observers
from wompcore.ids import EntryIds
from wompcore.money import Usd
from wompcore.repos.costs import CostRepository, Scope
from wompcore.repos.costs_ledger import CostEntry, PassedLimit, ReservationRow
from wompcore.usage import Usage

UNSAVED_MAX = 10_000
"""Entries kept while the database is away; with as many waiting no further call may start."""

SWEEP_AFTER_S = 900.0
"""Seconds after which a call that was neither settled nor released counts as lost; no call lasts as long."""

_GROUPS = 200

_log = logging.getLogger(__name__)


class Ledger:
    """Admits calls that the budgets allow, and records each once.

    Each of :meth:`reserve`, :meth:`settle` and :meth:`release` is one round trip, which callers at the
    same time share. Settling never fails and never loses an entry: while the database is away entries
    wait here, and a task stores them when it is back. Entries are idempotent by id, so a write whose
    answer was lost is simply repeated.

    Args:
        repository: Where entries go.
        prices: What tokens cost.
        ids: Makes the entries' ids.
        clock: Tells the time of a call.
        may_name: Whether a person may stand in an entry; everybody when left out. Asked when a call
            is reserved and again when it is settled.
        sweep_after_s: Seconds after which an open reservation counts as lost.

    Attributes:
        settled: Hears of every call that this process settles, once.
    """

    def __init__(
        self,
        repository: CostRepository,
        prices: PriceBook,
        ids: EntryIds,
        clock: Clock,
        *,
        may_name: Callable[[int], bool] = lambda person_id: True,
        sweep_after_s: float = SWEEP_AFTER_S,
    ) -> None:
        self._repository = repository
        self._entries = Entries(prices, ids, may_name, timedelta(seconds=sweep_after_s))
        self._clock = clock
        self.settled: Observers[CostEntry] = Observers()
        self._open: set[int] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        self._reserving = Gather(self._reserve, most=_GROUPS)
        self._closings = Closings(self._save)
        self._hard: bool | None = None  # whether a budget refuses calls, as the database last said

    @property
    def open_calls(self) -> int:
        """Calls that were reserved and neither settled nor released yet."""
        return len(self._open)

    @property
    def unsaved(self) -> int:
        """Entries that wait for the database."""
        return self._closings.unsaved

    async def reserve(self, calls: Sequence[Call]) -> list[Reservation]:
        """Admit calls before they are made: all of them, or none.

        Raises:
            BudgetExceeded: A budget does not allow them; says which and when it resets.
            UnknownPrice: A model has no price; nothing is reserved.
            RowsRefused: A call's data cannot be kept.
            DatabaseUnavailable: The database is away, and a budget that refuses calls exists or may
                exist; or it has been away for so long that the cost of another call could not be kept.
        """
        if self.unsaved >= UNSAVED_MAX:
            raise DatabaseUnavailable(f"{self.unsaved} costs wait for the database, no call may be added")
        now = self._clock.now()
        wanted = [self._entries.wanted(call, now) for call in calls]
        passed: Sequence[PassedLimit] | None = ()
        if wanted:
            away = self._closings.away and self._hard is False
            passed = None if away else await self._admitted([row for _, row in wanted])
        self._open.update(reservation.id for reservation, _ in wanted)
        if passed is None:
            return [reservation.unnamed() for reservation, _ in wanted]
        return [replace(reservation, passed=tuple(passed)) for reservation, _ in wanted]

    async def settle(
        self,
        pairs: Sequence[tuple[Reservation, Usage]],
        outcome: Outcome = "ok",
        *,
        within_s: float | None = None,
    ) -> list[Usd]:
        """Record what calls really used and return what each cost, in one statement for all.

        Once begun it is finished, even when the caller is cancelled. Settling a reservation again
        changes nothing.

        Args:
            pairs: Each reservation with its usage; a failed or cancelled call's is what was received.
            outcome: How the calls ended.
            within_s: Seconds to wait for the database at most; then it is finished in the background.
        """
        entries = [self._entries.settled(reservation, usage, outcome) for reservation, usage in pairs]
        for entry in entries:
            if entry.id in self._open:
                self._open.remove(entry.id)
                self.settled.tell(entry if entry.payer_id is None else replace(entry, payer_id=None))
                if entry.above_reserved:
                    _log.warning(
                        "%s cost more for %s than it was allowed: $%s of $%s",
                        entry.provider, entry.model, entry.cost_usd, entry.reserved_usd,
                    )  # fmt: skip
        await self._closings.add(entries, within_s)
        return [entry.cost_usd for entry in entries]

    async def release(self, reservations: Sequence[Reservation], *, within_s: float | None = None) -> None:
        """Give back reservations of calls that were never sent; finished and repeated like a settle."""
        ids = [reservation.id for reservation in reservations]
        self._open.difference_update(ids)
        await self._closings.add(ids, within_s)

    async def sweep(self) -> int:
        """Book every reservation whose time is over, of any process, at its worst case; return how many."""
        swept = 0
        while count := await self._repository.sweep(self._clock.now()):
            swept += count
        if swept:
            _log.warning("%d calls were never settled; they are booked at their worst case", swept)
        return swept

    async def month_total(self, scope: Scope = "all", key: str = "", guild_id: int = 0) -> Usd:
        """Return what was spent in the current UTC month, from the running total.

        Args:
            scope: What to sum over.
            key: The scope's id or name; empty for everything.
            guild_id: Only inside this guild; 0 for everywhere.
        """
        return (await self._repository.month_total(self._clock.now(), scope, key, guild_id)).cost_usd

    async def close(self) -> None:
        """Finish what was begun and store what waits; what cannot be stored goes to the log."""
        if self._open:
            _log.warning("%d calls were neither settled nor released", len(self._open))
        await asyncio.gather(*self._abandoned)
        await self._closings.close()

    async def _admitted(self, wanted: Sequence[ReservationRow]) -> Sequence[PassedLimit] | None:
        """Return the limits that are passed; ``None`` when no budget could be asked and none refuses."""
        reserving = self._reserving.put(wanted)
        try:
            passed = await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._keep(self._give_back(reserving, wanted))
            raise
        except RowsRefused:
            raise
        except DatabaseError as error:
            if self._hard is False:
                _log.warning("a call is admitted without the database: %s", error.message)
                return None
            self._closings.put([row.entry.id for row in wanted])  # it may be there, with its answer lost
            raise DatabaseUnavailable(f"no budget can be asked: {error.message}", hint=error.hint) from error
        for limit in passed:
            if limit.action == "refuse":
                raise _exceeded(limit)
        return passed

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)

    async def _give_back(self, reserving: asyncio.Future[Any], wanted: Sequence[ReservationRow]) -> None:
        await asyncio.wait([reserving])
        if not reserving.cancelled() and reserving.exception() is not None:
            _log.info("a call that nobody waits for any more was not admitted: %s", reserving.exception())
        self._closings.put([row.entry.id for row in wanted])

    async def _reserve(self, groups: Sequence[Sequence[ReservationRow]]) -> list[list[PassedLimit]]:
        admission = await self._repository.reserve(groups)
        self._hard = admission.hard
        return [[limit for limit in admission.passed if limit.group == n] for n in range(len(groups))]

    async def _save(self, entries: Sequence[CostEntry], released: Sequence[int]) -> None:
        self._hard = await self._repository.settle(entries, released, self._clock.now())


def _exceeded(limit: PassedLimit) -> BudgetExceeded:
    return BudgetExceeded(
        limit.scope,
        limit.key,
        period=limit.period,
        unit=limit.unit,
        limit=limit.limit,
        spent=limit.spent,
        needed=limit.needed,
        resets_at=limit.resets_at,
        barred=limit.barred,
    )
