"""The ledger: a call is reserved before it starts and settled once."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Literal

from wompcore.clock import Clock
from wompcore.costs.prices import PriceBook, PriceSource
from wompcore.errors import DatabaseError, DatabaseUnavailable, RowsRefused
from wompcore.ids import EntryIds
from wompcore.money import Usd
from wompcore.repos.costs import CostEntry, CostRepository, Scope
from wompcore.usage import Attribution, Usage

Outcome = Literal["ok", "failed", "cancelled"]

UNSAVED_MAX = 10_000
"""Entries kept while the database is away; with as many waiting no further call may start."""

CLOSE_WITHIN_S = 10.0
"""Seconds that closing waits for the database to take what is still unsaved."""

_BATCH = 500
_RETRY_S = (0.1, 2.0)  # first and longest wait between tries
_TOKENS_MAX = 2**31 - 1  # a PostgreSQL integer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One call to a paid service, before it is made.

    Args:
        provider: Who is asked.
        model: The model's exact id.
        attribution: Who and what it is for.
        max_output_tokens: The answer's length at most, tokens.
        input_bytes: The size of what is sent, bytes; bounds the input tokens.
        fixed_cost: What it costs whatever it uses, where the operator said so: a search.
    """

    provider: str
    model: str
    attribution: Attribution
    max_output_tokens: int = 0
    input_bytes: int = 0
    fixed_cost: Usd | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that may start.

    Args:
        id: The id its entry will have; carries the time.
        call: The call.
        at: When it was reserved; decides the month it counts to.
    """

    id: int
    call: Call
    at: datetime


class Ledger:
    """Records each call once, and the running totals with it.

    Settling never fails and never loses an entry: while the database is away entries wait here, and
    a task stores them when it is back. Entries are idempotent by id, so a write whose answer was lost
    is simply repeated.

    Args:
        repository: Where entries go.
        prices: What tokens cost.
        ids: Makes the entries' ids.
        clock: Tells the time of a call.
        may_name: Whether a person may stand in an entry; everybody when left out. Asked when a call
            is settled.
    """

    def __init__(
        self,
        repository: CostRepository,
        prices: PriceBook,
        ids: EntryIds,
        clock: Clock,
        *,
        may_name: Callable[[int], bool] = lambda person_id: True,
    ) -> None:
        self._repository = repository
        self._prices = prices
        self._ids = ids
        self._clock = clock
        self._may_name = may_name
        self._open: set[int] = set()
        self._writes: set[asyncio.Task[None]] = set()
        self._unsaved: deque[CostEntry] = deque()
        self._flusher: asyncio.Task[None] | None = None

    @property
    def open_calls(self) -> int:
        """Calls that were reserved and neither settled nor released yet."""
        return len(self._open)

    @property
    def unsaved(self) -> int:
        """Entries that wait for the database."""
        return len(self._unsaved)

    async def reserve(self, calls: Sequence[Call]) -> list[Reservation]:
        """Admit calls before they are made.

        Raises:
            UnknownPrice: A model has no price; nothing is reserved.
            DatabaseUnavailable: The database has been away for so long that the cost of another call
                could not be kept.
        """
        if len(self._unsaved) >= UNSAVED_MAX:
            raise DatabaseUnavailable(
                f"{len(self._unsaved)} costs wait for the database, no call may be added"
            )
        for call in calls:
            if call.fixed_cost is None:
                self._prices.look_up(call.provider, call.model)
        now = self._clock.now()
        reservations = [Reservation(self._ids.next(now), call, now) for call in calls]
        self._open.update(reservation.id for reservation in reservations)
        return reservations

    async def settle(self, pairs: Sequence[tuple[Reservation, Usage]], outcome: Outcome = "ok") -> list[Usd]:
        """Record what calls really used and return what each cost, in one statement for all.

        Once begun it is finished, even when the caller is cancelled. Settling a reservation again
        changes nothing.

        Args:
            pairs: Each reservation with its usage; a failed or cancelled call's is what was received.
            outcome: How the calls ended.
        """
        entries = [self._entry(reservation, usage, outcome) for reservation, usage in pairs]
        self._open.difference_update(entry.id for entry in entries)
        write = asyncio.create_task(self._write(entries))
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        await asyncio.shield(write)
        return [entry.cost_usd for entry in entries]

    async def release(self, reservations: Sequence[Reservation]) -> None:
        """Give back reservations of calls that were never sent."""
        self._open.difference_update(reservation.id for reservation in reservations)

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
        await asyncio.gather(*self._writes)
        if self._flusher is None:
            return
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._flusher
        except TimeoutError:
            for entry in self._unsaved:
                _log.error("the database did not come back; not recorded: %s", entry)

    def _entry(self, reservation: Reservation, usage: Usage, outcome: Outcome) -> CostEntry:
        call, what_for = reservation.call, reservation.call.attribution
        usage = _plausible(usage)
        cost, source = self._price(call, usage)
        named = what_for.person_id is None or self._may_name(what_for.person_id)
        return CostEntry(
            id=reservation.id,
            provider=call.provider,
            model=call.model,
            purpose=what_for.purpose,
            plugin=what_for.plugin,
            guild_id=what_for.guild_id,
            channel_id=what_for.channel_id,
            person_id=what_for.person_id if named else None,
            message_id=what_for.message_id,
            input_tokens=usage.input,
            output_tokens=usage.output,
            cached_tokens=usage.cached_input,
            cost_usd=cost,
            price_source=source,
            estimated=usage.estimated,
            outcome=outcome,
        )

    def _price(self, call: Call, usage: Usage) -> tuple[Usd, PriceSource]:
        if call.fixed_cost is not None:
            return call.fixed_cost, "settings"
        return self._prices.price(call.provider, call.model, usage)

    async def _write(self, entries: list[CostEntry]) -> None:
        # While entries wait, later ones queue up behind them instead of each waiting for a connection.
        if not self._unsaved:
            try:
                return await self._save(entries)
            except DatabaseError as error:
                _log.warning("costs are kept until the database is back: %s", error.message)
        self._unsaved.extend(entries)
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        wait_s, longest_s = _RETRY_S
        while self._unsaved:
            batch = list(islice(self._unsaved, _BATCH))
            try:
                await self._save(batch)
            except DatabaseError:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, longest_s)
            else:
                for _ in batch:  # entries are only ever appended meanwhile
                    self._unsaved.popleft()

    async def _save(self, entries: list[CostEntry]) -> None:
        try:
            await self._repository.record(entries)
        except RowsRefused as error:
            if len(entries) == 1:
                _log.error("a cost was refused and is not recorded: %s: %s", error.message, entries[0])
                return
            for entry in entries:
                await self._save([entry])


def _plausible(usage: Usage) -> Usage:
    """Return the usage without what no provider can mean: negative or endless numbers."""
    cost = usage.cost
    return replace(
        usage,
        input=min(max(usage.input, 0), _TOKENS_MAX),
        output=min(max(usage.output, 0), _TOKENS_MAX),
        cached_input=min(max(usage.cached_input, 0), _TOKENS_MAX),
        cache_write=min(max(usage.cache_write, 0), _TOKENS_MAX),
        cost=cost if cost is not None and cost.is_finite() and cost >= 0 else None,
    )
