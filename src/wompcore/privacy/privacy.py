"""Export and erasure of a person, over the catalogue of holders.

The catalogue is in the database, so both reach plugins that are unloaded or uninstalled.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from wompcore.clock import Clock
from wompcore.consent import Gate
from wompcore.errors import ErasureIncomplete
from wompcore.holders import Holder
from wompcore.jobs import Jobs
from wompcore.repos.holders import CORE_HOLDERS, HolderRepository
from wompcore.repos.personal_data import PersonalDataRepository

_log = logging.getLogger(__name__)

_JOB = "privacy.erase"
_RETRIES = 10

More = Callable[[int], Awaitable[object]]
"""Erases what a program keeps elsewhere about a person; may be called again for the same one."""

Also = Callable[[int], Awaitable[Mapping[str, object]]]
"""Returns what a program keeps elsewhere about a person, by owner, as JSON can hold it."""


@dataclass(slots=True)
class Erasure:
    """What an erasure did.

    Args:
        rows: Rows touched, by table and column.
        failed: What could not be erased, and why.
    """

    rows: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Privacy:
    """Exports and erases people.

    Args:
        data: Their rows.
        catalogue: Where those are.
        consent: Stops the collecting before the erasing.
        jobs: Finishes an erasure that was cut off.
        clock: Times the record.
    """

    def __init__(
        self,
        data: PersonalDataRepository,
        catalogue: HolderRepository,
        consent: Gate,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._data = data
        self._catalogue = catalogue
        self._consent = consent
        self._jobs = jobs
        self._clock = clock
        self._more: list[More] = []
        self._also: list[Also] = []
        jobs.register(_JOB, self._erase_later, retry=_RETRIES)

    def also_erase(self, more: More) -> Callable[[], None]:
        """Erase what is kept outside of the catalogue as well; returns what takes that back."""
        self._more.append(more)
        return lambda: self._more.remove(more)

    def also_export(self, also: Also) -> Callable[[], None]:
        """Export what is kept outside of the catalogue as well; returns what takes that back."""
        self._also.append(also)
        return lambda: self._also.remove(also)

    async def export(self, person_id: int, *, by_id: int) -> AsyncGenerator[str, None]:
        """Give everything that is kept about a person as lines of JSON, in bounded memory.

        The first line says whose data it is; each other one is a row, with the table it is in and what
        that keeps, or what somebody keeps elsewhere, or that a plugin's table could not be read; the last one
        counts the rows, so a file without it is not whole.

        Args:
            person_id: Who.
            by_id: Who asked.
        """
        at = self._clock.now()
        await self._data.note("data_export_started", person_id, by_id=by_id, at=at)
        yield _line(person_id=str(person_id), exported_at=at.isoformat(), format="wompcore-export-1")
        count = 0
        for holder in await self._holders():
            if not holder.export:
                continue
            head = json.dumps({"owner": holder.owner, "table": holder.table, "holds": holder.holds})
            try:
                async with self._data.rows(holder, person_id) as rows:
                    async for row in rows:
                        count += 1
                        yield f'{head[:-1]}, "row": {row}}}\n'
            except Exception as error:  # whatever a plugin's table does must not keep the rest
                if holder.owner == "core":
                    raise
                _log.error("%s could not be exported: %s", holder.table, error)
                yield f'{head[:-1]}, "missing": "not all of it could be read"}}\n'
        for also in self._also:
            for owner, kept in (await also(person_id)).items():
                yield _line(owner=owner, elsewhere=kept)
        await self._data.note("data_export_completed", person_id, by_id=by_id, at=at, rows=count)
        yield _line(rows=count)

    async def request_erasure(self, person_id: int, *, by_id: int) -> None:
        """Collect nothing more about a person from this moment, and erase what is kept as soon as may be.

        It goes on after a crash, until everything is erased.

        Args:
            person_id: Who.
            by_id: Who asked.

        Raises:
            DatabaseError: The database is away; nothing was begun.
        """
        await self._consent.withdraw(person_id, method="erasure")
        at = self._clock.now()
        await self._data.note("data_deletion_started", person_id, by_id=by_id, at=at)
        await self._jobs.defer(_JOB, str(person_id), person_id=person_id, by_id=by_id)

    async def erase(self, person_id: int, *, by_id: int) -> Erasure:
        """Erase a person: one transaction per table, so a second call goes on where the first ended.

        What the law wants kept stays: consent, and the record of what was done with their data.

        Args:
            person_id: Who.
            by_id: Who asked.

        Raises:
            ErasureIncomplete: Some tables could not be erased; all others were.
        """
        await self._consent.withdraw(person_id, method="erasure")
        erasure = Erasure()
        for holder in await self._holders():
            place = f"{holder.table}.{holder.person_column}"
            try:
                erasure.rows[place] = await self._data.erase(holder, person_id)
            except Exception as error:  # whatever a plugin's table does must not keep the rest
                _log.error("%s could not be erased: %s", place, error)
                erasure.failed[place] = str(error)
        for more in self._more:
            try:
                await more(person_id)
            except Exception as error:
                _log.error("an erasure outside of the catalogue failed: %s", error)
                erasure.failed["elsewhere"] = str(error)
        if erasure.failed:
            raise ErasureIncomplete(tuple(erasure.failed))
        total = sum(erasure.rows.values())
        at = self._clock.now()
        await self._data.note("data_deletion_completed", person_id, by_id=by_id, at=at, rows=total)
        return erasure

    async def _erase_later(self, person_id: int, by_id: int) -> None:
        await self.erase(person_id, by_id=by_id)

    async def _holders(self) -> list[Holder]:
        """Return every holder; what the library itself declares goes by its code."""
        others: Iterable[Holder] = await self._catalogue.all()
        return [*CORE_HOLDERS, *(holder for holder in others if holder.owner != "core")]


def _line(**values: object) -> str:
    return json.dumps(values) + "\n"
