"""The consent gate: a synchronous look-up that never keeps an old answer.

Memory holds the people who differ from the default. A change made here counts before it is written;
a change made elsewhere arrives by NOTIFY. Every change carries a revision drawn under the person's
row lock, so messages that overtake one another cannot bring an old answer back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from wompcore.clock import Clock

MESSAGES = "messages"
"""The purpose that covers storing and analysing what a person writes."""

POLICY = "1.0"
"""Version of the privacy policy that a decision refers to."""

_TRUST_S = 1.0
_SETTLE_S = 2.0
_log = logging.getLogger(__name__)


class ConsentBook(Protocol):
    """Where consent is kept."""

    async def changes(self, purpose: str) -> dict[int, tuple[int, bool]]:
        """Return everyone who ever decided: the revision, and whether they withdrew."""
        ...

    async def change(
        self, person_id: int, purpose: str, *, withdrawn: bool, policy: str, method: str, at: datetime
    ) -> int:
        """Record a change and return its revision."""
        ...


class Link(Protocol):
    """How changes made by other processes arrive."""

    down_since: float | None

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with every payload of a channel."""
        ...

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Await the callback whenever the link is up again, before it counts as up."""
        ...

    async def listening(self) -> None:
        """Wait until nothing told from now on is missed."""
        ...


class Gate:
    """Answers whether a person's messages may be kept. Made by :meth:`open`."""

    def __init__(self, book: ConsentBook, link: Link, clock: Clock, purpose: str) -> None:
        self._book = book
        self._link = link
        self._clock = clock
        self._purpose = purpose
        self._withdrawn: set[int] = set()
        self._leaving: set[int] = set()
        self._revisions: dict[int, int] = {}
        self._before_withdrawal: list[Callable[[], Awaitable[None]]] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls, book: ConsentBook, link: Link, clock: Clock, *, channel: str, purpose: str = MESSAGES
    ) -> AsyncIterator[Gate]:
        """Open the gate with everything known.

        Args:
            book: Where consent is kept.
            link: Brings changes of other processes.
            clock: Times the changes.
            channel: The NOTIFY channel the book tells changes on.
            purpose: What the gate is about.
        """
        gate = cls(book, link, clock, purpose)
        link.on(channel, gate._heard)
        link.on_reconnect(gate.reload)
        await link.listening()  # first listen, then read: no change falls between
        await gate.reload()
        yield gate

    def refuses(self, person_id: int) -> bool:
        """Return whether the person is known to have withdrawn."""
        return person_id in self._withdrawn or person_id in self._leaving

    def allows(self, person_id: int) -> bool:
        """Return whether the person's messages may be kept, for certain.

        False also while changes of other processes may have been missed for over a second.
        """
        if person_id in self._withdrawn or person_id in self._leaving:
            return False
        down_since = self._link.down_since
        return down_since is None or time.monotonic() - down_since <= _TRUST_S

    async def withdraw(self, person_id: int, *, method: str) -> bool:
        """Withdraw consent: refused from this moment, stored text blanked before it returns.

        Args:
            person_id: Who.
            method: How they said so, for the record: ``command``, ``role`` ...

        Returns:
            Whether anything changed; False if they had withdrawn already.

        Raises:
            DatabaseUnavailable: Nothing was changed.
        """
        if person_id in self._withdrawn:
            return False
        self._leaving.add(person_id)
        try:
            await self._settle()
            await self._change(person_id, withdrawn=True, method=method)
        finally:
            self._leaving.discard(person_id)
        return True

    async def grant(self, person_id: int, *, method: str) -> bool:
        """Give consent again; counts once it is written.

        Returns:
            Whether anything changed.
        """
        if person_id not in self._withdrawn:
            return False
        await self._change(person_id, withdrawn=False, method=method)
        return True

    async def reload(self) -> None:
        """Read everything anew. What was heard meanwhile has a higher revision and stays."""
        for person_id, (revision, withdrawn) in (await self._book.changes(self._purpose)).items():
            self._apply(person_id, revision, withdrawn=withdrawn)

    def before_withdrawal(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Await a callback once a withdrawal refuses everything new and before it blanks what is stored.

        The place for writing what was said of the person until then, so that it is blanked with the rest.
        """
        self._before_withdrawal.append(settle)

    async def _settle(self) -> None:
        for settle in self._before_withdrawal:
            try:
                async with asyncio.timeout(_SETTLE_S):
                    await settle()
            except TimeoutError:
                _log.warning("a withdrawal does not wait longer for what is still unwritten")

    async def _change(self, person_id: int, *, withdrawn: bool, method: str) -> None:
        revision = await self._book.change(
            person_id,
            self._purpose,
            withdrawn=withdrawn,
            policy=POLICY,
            method=method,
            at=self._clock.now(),
        )
        self._apply(person_id, revision, withdrawn=withdrawn)

    def _heard(self, payload: str) -> None:
        purpose, person_id, revision, withdrawn = payload.rsplit(":", 3)
        if purpose == self._purpose:
            self._apply(int(person_id), int(revision), withdrawn=withdrawn == "1")

    def _apply(self, person_id: int, revision: int, *, withdrawn: bool) -> None:
        if revision <= self._revisions.get(person_id, 0):
            return
        self._revisions[person_id] = revision
        if withdrawn:
            self._withdrawn.add(person_id)
        else:
            self._withdrawn.discard(person_id)
