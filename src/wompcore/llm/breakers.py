"""Every breaker of a process, and what processes tell each other about theirs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from wompcore.clock import Clock, SystemClock
from wompcore.errors import BreakerOpen, DatabaseError, ModelError, ModelUnavailable, StreamBroken
from wompcore.llm.breaker import Breaker, BreakerState
from wompcore.observe import Labels

if TYPE_CHECKING:
    from wompcore.db import Listener

Endpoint: TypeAlias = tuple[str, str]
"""A provider's address and a model: what a breaker guards."""

FAIR_TRIAL_S = 5.0
"""A shorter silence is the caller's hurry, not the endpoint's fault."""

_STATES: Mapping[BreakerState, int] = {"closed": 0, "half_open": 1, "open": 2}
_ASK_AGAIN_S = 1.0
_CLAIM_WITHIN_S = 1.0
_log = logging.getLogger(__name__)


def read_states(states: Mapping[Endpoint, BreakerState]) -> Iterator[tuple[Labels, float]]:
    """Tell a meter the states of breakers: 0 closed, 1 waiting for a probe, 2 open."""
    for (address, model), state in states.items():
        yield {"address": address, "model": model}, _STATES[state]


class BreakerStore(Protocol):
    """What is needed of ``wompcore.repos.breakers``."""

    async def open(self, address: str, model: str, open_s: float) -> None:
        """Open it for everybody, for so many seconds."""
        ...

    async def close(self, address: str, model: str) -> None:
        """Close it for everybody."""
        ...

    async def claim_probe(self, address: str, model: str, hold_s: float) -> bool:
        """Return whether the caller may send a request; nobody else may for ``hold_s`` seconds."""
        ...

    async def give_back(self, address: str, model: str) -> None:
        """End a probe that showed nothing."""
        ...

    async def not_closed(self) -> list[tuple[str, str, float]]:
        """Return address, model and seconds left of each; 0 for one that waits for its probe."""
        ...


class Breakers:
    """One breaker per address and model. Without the database each process has its own.

    While the database is away, processes go on by what they know themselves.

    Args:
        clock: Real time.
        store: Where processes meet; ``None`` for none. See :meth:`shared`.
        fair_trial_s: Seconds after which silence counts as a failure when a caller gives up.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        store: BreakerStore | None = None,
        *,
        fair_trial_s: float = FAIR_TRIAL_S,
    ) -> None:
        self._monotonic = (clock or SystemClock()).monotonic
        self._store = store
        self._fair_trial_s = fair_trial_s
        self._breakers: dict[Endpoint, Breaker] = {}
        self._telling: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def shared(
        cls, store: BreakerStore, listener: Listener, channel: str, *, fair_trial_s: float = FAIR_TRIAL_S
    ) -> AsyncIterator[Self]:
        """Open breakers that other processes know of.

        Args:
            store: Where processes meet.
            listener: Brings what they tell.
            channel: Where they tell it.
            fair_trial_s: See the class.
        """
        breakers = cls(None, store, fair_trial_s=fair_trial_s)
        listener.on(channel, breakers.hear)
        listener.on_reconnect(breakers.read)
        await listener.listening()  # news may not fall between what is read and what is heard
        await breakers.read()
        try:
            yield breakers
        finally:
            await asyncio.gather(*breakers._telling)

    def states(self) -> Mapping[Endpoint, BreakerState]:
        """Return the state of each that was needed so far."""
        now = self._monotonic()
        return {endpoint: breaker.state(now) for endpoint, breaker in self._breakers.items()}

    def refuse_while_open(self, endpoint: Endpoint) -> None:
        """Do nothing if a request may go out.

        Raises:
            BreakerOpen: It may not; says when to ask again.
        """
        breaker = self._of(endpoint)
        wait_s = breaker.wait_s(self._monotonic())
        if wait_s is not None:
            raise BreakerOpen(
                f"{endpoint[0]} failed {breaker.failures} times with {endpoint[1]} and is left alone "
                f"for another {wait_s:.0f} s",
                retry_after_s=wait_s,
            )

    async def admit(self, endpoint: Endpoint) -> int:
        """Let a request through and return its permit, for :meth:`report`.

        Raises:
            BreakerOpen: It may not pass; a shared breaker's probe may be another process's.
        """
        self.refuse_while_open(endpoint)
        breaker = self._of(endpoint)
        permit = breaker.admit(self._monotonic())
        if breaker.probing and self._store is not None and not await self._claim(endpoint, breaker, permit):
            breaker.abandoned(permit)
            breaker.trip(self._monotonic(), _ASK_AGAIN_S)
            self.refuse_while_open(endpoint)
        return permit

    def report(self, endpoint: Endpoint, permit: int, error: BaseException | None, took_s: float) -> None:
        """Say how a request ended.

        Args:
            endpoint: Who was asked.
            permit: What :meth:`admit` returned.
            error: ``None`` for an answer.
            took_s: Seconds since it was admitted.
        """
        breaker = self._of(endpoint)
        before, counts = breaker.state(self._monotonic()), breaker.counts(permit)
        match error:
            case ModelUnavailable() | StreamBroken():
                breaker.failed(permit, self._monotonic())
            case TimeoutError() if took_s >= self._fair_trial_s:
                breaker.failed(permit, self._monotonic())
            case None | ModelError():
                breaker.succeeded(permit)  # it answered, if only to refuse
            case _:
                breaker.abandoned(permit)
        if self._store is not None and counts:
            self._tell(endpoint, breaker, before)

    def hear(self, payload: str) -> None:
        """Take what a process tells: JSON of address, model and seconds, ``null`` for closed."""
        address, model, open_s = json.loads(payload)
        breaker = self._of((address, model))
        if open_s is None:
            breaker.reset()
        else:
            breaker.trip(self._monotonic(), open_s)

    async def read(self) -> None:
        """Take over what is in the database: at the start, and after news may have been missed."""
        assert self._store is not None
        for address, model, open_s in await self._store.not_closed():
            self._of((address, model)).trip(self._monotonic(), open_s)

    def _of(self, endpoint: Endpoint) -> Breaker:
        return self._breakers.get(endpoint) or self._breakers.setdefault(endpoint, Breaker())

    async def _claim(self, endpoint: Endpoint, breaker: Breaker, permit: int) -> bool:
        assert self._store is not None
        try:
            async with asyncio.timeout(_CLAIM_WITHIN_S):
                return await self._store.claim_probe(*endpoint, breaker.open_s)
        except (DatabaseError, TimeoutError) as error:
            _log.warning("the probe of %s is this process's own decision: %s", endpoint, error)
            return True
        except BaseException:
            breaker.abandoned(permit)
            raise

    def _tell(self, endpoint: Endpoint, breaker: Breaker, before: BreakerState) -> None:
        store, now = self._store, self._monotonic()
        assert store is not None
        match before, breaker.state(now):
            case (("closed" | "half_open"), "open"):
                self._in_background(store.open(*endpoint, breaker.open_s))
            case "half_open", "closed":
                self._in_background(store.close(*endpoint))
            case "half_open", "half_open":
                self._in_background(store.give_back(*endpoint))

    def _in_background(self, telling: Coroutine[Any, Any, None]) -> None:
        """The database may be slow, and whoever waits for a model has waited enough."""

        async def tell() -> None:
            try:
                await telling
            except DatabaseError as error:
                _log.warning("other processes do not hear of a breaker: %s", error.message)

        task = asyncio.create_task(tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
