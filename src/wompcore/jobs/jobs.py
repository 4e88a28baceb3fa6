"""Durable jobs: work that survives the process that asked for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.retry import BaseRetryStrategy, RetryDecision

from wompcore.db import Database
from wompcore.jobs.connector import Connector, Link, plain_errors

CORE_QUEUE = "core"

CLOSE_WITHIN_S = 5.0
"""Seconds that running jobs get to end when the worker stops."""

POLL_S = 10.0
"""Seconds until the worker looks for jobs unasked: those that became due, or whose news was lost."""

_CANCEL_WITHIN_S = 10.0  # then a job that ignores it is left alone
_HEARTBEAT_S = 15.0
_STALLED_S = 60.0  # a worker without a heartbeat for so long is dead
_RUNS_MAX = 10  # a job that took its process down with it so often is not tried again
_FAILED_KEPT_H = 30 * 24
_RESTART_S = (0.5, 10.0)  # first and longest wait
_LONGEST_RETRY_S = 3600

# Jobs of dead workers wait again. Of jobs with one key only one may wait; an equal one will do.
_RESCUE = """
WITH stalled AS (
    SELECT j.id, j.attempts >= %(runs)s OR j.queueing_lock IS NOT NULL AND (
        row_number() OVER (PARTITION BY j.queueing_lock ORDER BY j.id) > 1 OR EXISTS (
            SELECT FROM procrastinate_jobs o WHERE o.queueing_lock = j.queueing_lock AND o.status = 'todo'
        )) AS over
    FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
    WHERE j.status = 'doing'
        AND (w.id IS NULL OR w.last_heartbeat < now() - %(seconds)s * interval '1 second')
)
UPDATE procrastinate_jobs j SET attempts = j.attempts + 1, worker_id = NULL, abort_requested = false,
    status = CASE WHEN s.over THEN 'failed' ELSE 'todo' END::procrastinate_job_status
FROM stalled s WHERE j.id = s.id AND j.status = 'doing'
"""

JobFunction = Callable[..., Awaitable[object]]

_log = logging.getLogger(__name__)


class Jobs:
    """Puts jobs into the database and, when started, runs them in this process.

    A job runs at least once: it runs again when its process dies. Any number of processes share the
    work; each takes jobs only from the queues it has functions for, so the jobs of a plugin that is
    not loaded wait until it is.

    Made by :meth:`open`.
    """

    def __init__(self, db: Database, link: Link | None) -> None:
        self._db = db
        self._connector = Connector(db, link)
        self._app = App(connector=self._connector)
        self._queues: list[str] = []  # shared with the worker, which reads it each time it looks for jobs
        self._worker: asyncio.Task[None] | None = None
        self._close_within_s = CLOSE_WITHIN_S
        self.register("jobs.rescue", self._rescue, cron="* * * * *")
        self.register("jobs.forget", self._forget, cron="41 4 * * *")

    @classmethod
    @asynccontextmanager
    async def open(cls, db: Database, link: Link | None = None) -> AsyncIterator[Self]:
        """Open the queue; the worker is started by :meth:`start` and stopped here.

        Args:
            db: A database with the tables of :func:`wompcore.jobs.jobs_migrations`.
            link: Tells of new jobs at once, a :class:`wompcore.db.Listener`; without it they are
                found within :data:`POLL_S`.
        """
        jobs = cls(db, link)
        await jobs._connector.open_async(db.pool)
        try:
            yield jobs
        finally:
            await jobs.stop()

    def register(
        self,
        name: str,
        function: JobFunction,
        *,
        queue: str = CORE_QUEUE,
        retry: int = 3,
        cron: str | None = None,
    ) -> None:
        """Say what a job does.

        Args:
            name: The job's name, unique in the product.
            function: Called with the job's arguments. It may be called again for the same job.
            queue: Where its jobs wait; one per owner.
            retry: How often it is tried again after an error, waiting 4, 16, 64 ... seconds.
            cron: Run it at these times as well (cron's five fields, UTC), without arguments, once for
                all processes together; a time at which no worker ran is left out.
        """

        async def run(**arguments: Any) -> None:
            await function(**arguments)

        async def run_when_due(timestamp: int = 0) -> None:
            await function()

        self._app.tasks.pop(name, None)
        if cron is None:
            self._app.task(name=name, queue=queue, retry=_Retry(retry))(run)
        else:
            task = self._app.task(name=name, queue=queue, retry=_Retry(retry), queueing_lock=name)
            self._app.periodic(cron=cron)(task(run_when_due))
        if queue not in self._queues:
            self._connector.hear_of(queue)
        self._queues.append(queue)
        self._connector.wake()

    def unregister(self, name: str) -> None:
        """Forget what a job does; its jobs wait when it was the last one of its queue."""
        task = self._app.tasks[name]
        task.func = _put_back  # one that was fetched a moment ago goes back to those that wait
        vars(task).pop("__wrapped__", None)  # or it would keep alive whoever registered it
        self._app.periodic_registry.periodic_tasks.pop((name, ""), None)
        self._queues.remove(task.queue)

    async def defer(
        self,
        name: str,
        key: str | None = None,
        *,
        queue: str | None = None,
        wait_s: float = 0.0,
        **arguments: Any,
    ) -> bool:
        """Add a job.

        Args:
            name: What to do.
            key: Of jobs with this name and key one waits and one runs at most.
            queue: Where it waits; needed only for a job that is registered elsewhere.
            wait_s: Seconds until it may run.
            arguments: JSON values for the function.

        Returns:
            Whether it was added; false when one with its key waits already.

        Raises:
            DatabaseError: The database is away; nothing was added.
        """
        lock = None if key is None else f"{name}:{key}"
        if queue is None:
            queue = self._app.tasks[name].queue if name in self._app.tasks else CORE_QUEUE
        async with self._db.connection() as connection:
            job = self._app.configure_task(
                name,
                queue=queue,
                lock=lock,
                queueing_lock=lock,
                schedule_in={"seconds": wait_s} if wait_s else None,
                connection=connection,
            )
            try:
                with plain_errors(self._db.url):
                    await job.defer_async(**arguments)
            except AlreadyEnqueued:
                return False
        return True

    def start(
        self, *, concurrency: int = 4, poll_s: float = POLL_S, close_within_s: float = CLOSE_WITHIN_S
    ) -> None:
        """Begin to run jobs in this process.

        Args:
            concurrency: Jobs at once.
            poll_s: Seconds until it looks for jobs unasked.
            close_within_s: Seconds that running jobs get to end when the worker stops.
        """
        self._close_within_s = close_within_s
        working = self._keep_working(concurrency, poll_s)
        self._worker = asyncio.create_task(working, name="wompcore-jobs")

    async def stop(self) -> None:
        """Take no more jobs; those that do not end in time are cancelled and run again later."""
        self._connector.closing.set()
        if self._worker is not None:
            self._worker.cancel()
            _, alive = await asyncio.wait([self._worker], timeout=self._close_within_s + _CANCEL_WITHIN_S)
            if alive:
                _log.warning("a job does not let itself be cancelled; it runs again later")
            self._worker = None

    async def _keep_working(self, concurrency: int, poll_s: float) -> None:
        wait_s, longest_s = _RESTART_S
        while True:
            try:
                await self._rescue()
                await self._app.run_worker_async(
                    queues=self._queues,
                    name="wompcore",
                    concurrency=concurrency,
                    fetch_job_polling_interval=poll_s,
                    shutdown_graceful_timeout=self._close_within_s,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=_HEARTBEAT_S,
                    stalled_worker_timeout=_STALLED_S,
                )
            except Exception as error:
                if self._connector.closing.is_set():
                    return
                _log.warning("the job worker ended and starts again in %.1f s: %s", wait_s, error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)

    async def _rescue(self) -> None:
        await self._db.execute(_RESCUE, {"runs": _RUNS_MAX, "seconds": _STALLED_S})

    async def _forget(self) -> None:
        await self._app.job_manager.delete_old_jobs(
            _FAILED_KEPT_H, include_failed=True, include_cancelled=True, include_aborted=True
        )


async def _put_back(**arguments: Any) -> None:
    raise asyncio.CancelledError


class _Retry(BaseRetryStrategy):
    """Waits four times as long after each error; a job cut off by the end of its process runs again."""

    def __init__(self, retries: int) -> None:
        self._retries = retries

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        if job.attempts >= self._retries:
            return None
        return RetryDecision(retry_in={"seconds": min(4 ** (job.attempts + 1), _LONGEST_RETRY_S)})
