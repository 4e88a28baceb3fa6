"""A job is done, whatever happens to the process or the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wompcore.config import DatabaseSettings
from wompcore.db import Database, Listener, migrate
from wompcore.db.embedded import EmbeddedServer
from wompcore.errors import DatabaseUnavailable
from wompcore.jobs import Jobs, jobs_migrations

NEVER_S = 3600.0


class Done:
    """Collects what jobs did, and waits for it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._news = asyncio.Event()

    async def note(self, what: str = "") -> None:
        self.seen.append(what)
        self._news.set()

    async def count(self, number: int) -> list[str]:
        async with asyncio.timeout(20):
            while len(self.seen) < number:
                self._news.clear()
                await self._news.wait()
        return self.seen


@pytest.fixture
async def listener(db: Database) -> AsyncIterator[Listener]:
    async with Listener.open(db) as listener:
        yield listener


@pytest.fixture
async def jobs(db: Database, listener: Listener) -> AsyncIterator[Jobs]:
    async with Jobs.open(db, listener) as jobs:
        yield jobs


STATES = """
SELECT task_name, status::text, attempts FROM procrastinate_jobs WHERE queue_name <> 'core' ORDER BY id
"""


async def states(db: Database) -> list[tuple[str, str, int]]:
    return [(name, status, attempts) for name, status, attempts in await db.fetch_all(STATES)]


async def test_a_new_job_is_run_at_once_and_forgotten(jobs: Jobs, db: Database) -> None:
    done = Done()
    jobs.register("note", done.note, queue="test")
    jobs.start(poll_s=NEVER_S)
    assert await jobs.defer("note", what="a")
    assert await done.count(1) == ["a"]
    await jobs.stop()
    assert await states(db) == []


async def test_without_a_link_jobs_are_found_by_looking(db: Database) -> None:
    done = Done()
    async with Jobs.open(db) as jobs:
        jobs.register("note", done.note)
        jobs.start(poll_s=0.05)
        await jobs.defer("note", what="a")
        assert await done.count(1) == ["a"]


async def test_deferring_is_one_statement(jobs: Jobs, db: Database) -> None:
    before = db.statements
    await jobs.defer("note", queue="test")
    assert db.statements == before + 1


async def test_a_job_waits_while_nobody_knows_what_it_does(
    jobs: Jobs, db: Database, listener: Listener
) -> None:
    done = Done()
    jobs.start(poll_s=NEVER_S)
    await jobs.defer("poll.close", queue="poll", what="a")
    jobs.register("note", done.note, queue="test")
    await listener.listening()
    await jobs.defer("note", what="b")
    await done.count(1)
    assert ("poll.close", "todo", 0) in await states(db)
    jobs.register("poll.close", done.note, queue="poll")
    assert await done.count(2) == ["b", "a"]
    jobs.unregister("poll.close")
    await jobs.defer("poll.close", queue="poll", what="c")
    await jobs.defer("note", what="d")
    assert await done.count(3) == ["b", "a", "d"]


async def test_of_jobs_with_one_key_one_waits(jobs: Jobs, db: Database) -> None:
    assert await jobs.defer("note", "k", queue="test")
    assert not await jobs.defer("note", "k", queue="test")
    assert await jobs.defer("note", "other", queue="test")
    assert len(await states(db)) == 2


async def test_jobs_with_one_key_never_run_at_the_same_time(jobs: Jobs) -> None:
    done, running, go = Done(), [], asyncio.Event()

    async def work(what: str) -> None:
        running.append(what)
        await done.note(what)
        await go.wait()
        assert running == [what]
        running.clear()

    jobs.register("work", work)
    jobs.start(poll_s=0.05)
    await jobs.defer("work", "k", what="first")
    await done.count(1)
    assert await jobs.defer("work", "k", what="second")
    go.set()
    assert await done.count(2) == ["first", "second"]


async def test_a_job_that_fails_is_tried_again_later(jobs: Jobs, db: Database) -> None:
    done = Done()

    async def fail() -> None:
        await done.note()
        raise RuntimeError("no")

    jobs.register("fail", fail, queue="test", retry=1)
    jobs.start()
    await jobs.defer("fail")
    await done.count(1)
    await jobs.stop()
    assert await states(db) == [("fail", "todo", 1)]
    assert await db.fetch_value(
        "SELECT scheduled_at > now() FROM procrastinate_jobs WHERE task_name = 'fail'"
    )


async def test_a_job_that_goes_on_failing_is_given_up_and_kept_for_the_operator(
    jobs: Jobs, db: Database
) -> None:
    done = Done()

    async def fail() -> None:
        await done.note()
        raise RuntimeError("no")

    jobs.register("fail", fail, queue="test", retry=0)
    jobs.start()
    await jobs.defer("fail")
    await done.count(1)
    await jobs.stop()
    assert await states(db) == [("fail", "failed", 1)]


async def test_a_job_that_fails_while_its_twin_waits_leaves_the_work_to_it(jobs: Jobs, db: Database) -> None:
    done, go = Done(), asyncio.Event()

    async def fail_first() -> None:
        await done.note()
        if len(done.seen) == 1:
            await go.wait()
            raise RuntimeError("no")

    jobs.register("twin", fail_first, queue="test")
    jobs.start(poll_s=0.05)
    await jobs.defer("twin", "k")
    await done.count(1)
    await jobs.defer("twin", "k")
    go.set()
    await done.count(2)
    await jobs.stop()
    assert await states(db) == []


async def test_closing_waits_for_running_jobs(jobs: Jobs, db: Database) -> None:
    started, ended = Done(), Done()

    async def work() -> None:
        await started.note()
        await asyncio.sleep(0.2)
        await ended.note()

    jobs.register("work", work, queue="test")
    jobs.start()
    await jobs.defer("work")
    await started.count(1)
    await jobs.stop()
    assert len(ended.seen) == 1
    assert await states(db) == []


async def test_a_job_cut_off_by_closing_runs_again(jobs: Jobs, db: Database) -> None:
    started = Done()

    async def work() -> None:
        await started.note()
        await asyncio.sleep(NEVER_S)

    jobs.register("work", work, queue="test", retry=0)
    jobs.start(close_within_s=0.05)
    await jobs.defer("work")
    await started.count(1)
    await jobs.stop()
    assert await states(db) == [("work", "todo", 1)]


KILL = """
WITH dead AS (
    INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '2 minutes') RETURNING id
)
UPDATE procrastinate_jobs SET status = 'doing', attempts = %s, worker_id = (SELECT id FROM dead)
WHERE queue_name = 'test' AND status = 'todo'
"""


async def test_jobs_of_a_killed_process_are_taken_up_again(jobs: Jobs, db: Database) -> None:
    done = Done()
    await jobs.defer("note", "k", queue="test", what="a")
    await db.execute(KILL, (0,))
    jobs.register("note", done.note, queue="test")
    jobs.start()
    assert await done.count(1) == ["a"]


async def test_of_killed_and_waiting_jobs_with_one_key_one_is_run(jobs: Jobs, db: Database) -> None:
    done = Done()
    for what in ("a", "b", "c"):
        await jobs.defer("note", "k", queue="test", what=what)
        await db.execute("UPDATE procrastinate_jobs SET lock = NULL")  # two with one lock never run
        await db.execute(KILL, (0,))
    await jobs.defer("note", "other", queue="test", what="d")
    await db.execute(KILL, (0,))
    await jobs.defer("note", "other", queue="test", what="e")
    jobs.register("note", done.note, queue="test")
    jobs.start()
    assert sorted(await done.count(2)) == ["a", "e"]
    await jobs.stop()
    assert [status for _, status, _ in await states(db)] == ["failed", "failed", "failed"]


async def test_a_job_that_kills_its_process_every_time_is_given_up(jobs: Jobs, db: Database) -> None:
    done = Done()
    await jobs.defer("deadly", queue="test")
    await db.execute(KILL, (10,))
    jobs.register("deadly", done.note, queue="test")
    jobs.register("note", done.note, queue="test")
    jobs.start()
    await jobs.defer("note", what="alive")
    assert await done.count(1) == ["alive"]
    assert ("deadly", "failed", 11) in await states(db)


async def test_a_periodic_job_is_run_once_for_all_processes(db: Database, listener: Listener) -> None:
    done = Done()
    async with Jobs.open(db, listener) as one, Jobs.open(db, listener) as two:
        for jobs in (one, two):
            jobs.register("tick", done.note, cron="0 0 1 1 *")
            jobs.register("tock", done.note, cron="* * * * *")
            jobs.register("note", done.note)
            jobs.start()
        await done.count(1)
        await one.defer("note", what="after")
        assert await done.count(2) == ["", "after"]


@pytest.fixture
async def stoppable(tmp_path: Path) -> AsyncIterator[tuple[EmbeddedServer, Database, Listener]]:
    async with (
        EmbeddedServer.open(tmp_path / "pg", options={"fsync": "off"}) as server,
        Database.open(DatabaseSettings(url=server.url())) as db,
    ):
        await migrate(db, "jobs", jobs_migrations())
        async with Listener.open(db) as listener:
            yield server, db, listener


@pytest.mark.endurance(only=True)
async def test_an_outage_ends_no_job_and_no_worker(
    stoppable: tuple[EmbeddedServer, Database, Listener], caplog: pytest.LogCaptureFixture
) -> None:
    server, db, listener = stoppable
    started, done, go = Done(), Done(), asyncio.Event()

    async def work(what: str) -> None:
        await started.note(what)
        await go.wait()
        await done.note(what)

    async with Jobs.open(db, listener) as jobs:
        jobs.register("work", work, queue="test")
        jobs.start(poll_s=0.05)
        await jobs.defer("work", what="before")
        await started.count(1)
        await asyncio.to_thread(server.stop)
        go.set()
        assert await done.count(1) == ["before"]
        with pytest.raises(DatabaseUnavailable):
            await jobs.defer("work", what="during")
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        await deferred(jobs, "work", what="after")
        assert await done.count(2) == ["before", "after"]
    assert await states(db) == []
    assert tracebacks(caplog) == []


async def deferred(jobs: Jobs, name: str, *, what: str) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await jobs.defer(name, what=what)
            except DatabaseUnavailable:
                await asyncio.sleep(0.1)
            else:
                return


@pytest.mark.endurance(only=True)
async def test_closing_during_an_outage_is_quick_and_quiet(
    stoppable: tuple[EmbeddedServer, Database, Listener], caplog: pytest.LogCaptureFixture
) -> None:
    server, db, listener = stoppable
    done, go = Done(), asyncio.Event()

    async def work() -> None:
        await done.note()
        await go.wait()

    async with Jobs.open(db, listener) as jobs:
        jobs.register("work", work, queue="test")
        jobs.start(poll_s=0.05)
        await jobs.defer("work")
        await done.count(1)
        await asyncio.to_thread(server.stop)
        go.set()
        await asyncio.sleep(0.5)
        async with asyncio.timeout(20):
            await jobs.stop()
    await asyncio.to_thread(server.start)
    assert tracebacks(caplog) == []


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.exc_info and record.levelno >= logging.WARNING
    ]
