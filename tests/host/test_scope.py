"""One scope owns what a plugin acquired, and ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from wompbot_cogs.scope import Scope
from wompcore.errors import NotOpen


class Failures(list[BaseException]):
    def __call__(self, plugin: str, error: BaseException) -> None:
        self.append(error)


@pytest.fixture
def failures() -> Failures:
    return Failures()


@pytest.fixture
def scope(failures: Failures) -> Scope:
    return Scope("hello", failures)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_work_that_was_begun_finishes(scope: Scope) -> None:
    done = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    scope.start(work())
    assert scope.tasks == 1
    await scope.close()
    assert done == [True]
    assert scope.tasks == 0


async def test_work_that_outlasts_its_time_and_background_are_cancelled(
    scope: Scope, failures: Failures
) -> None:
    scope.start(forever())
    scope.spawn(forever())
    await scope.close(drain_s=0.01)
    assert scope.tasks == 0
    assert failures == []


@pytest.mark.parametrize("fault", [SystemExit(4), KeyboardInterrupt(), BaseException("odd")], ids=repr)
async def test_work_that_wants_to_end_the_process_ends_alone(
    scope: Scope, failures: Failures, fault: BaseException
) -> None:
    async def leave() -> None:
        raise fault

    def leave_at_once() -> None:
        raise fault

    scope.start(leave())
    scope.reporting(leave_at_once)()
    scope.on_close(leave_at_once)
    scope.at_last(leave)
    await scope.close()
    words = [str(error) for error in failures]
    assert words.count("a plugin tried to end the process") == 2
    assert failures.count(fault) == 2


async def test_background_ends_before_work_does(scope: Scope) -> None:
    scope.spawn(forever())
    scope.start(forever())
    scope.retire()
    await asyncio.sleep(0.01)
    assert scope.tasks == 1
    await scope.close(0)


async def test_work_may_begin_more_work_until_the_scope_is_closed(scope: Scope) -> None:
    done = []

    async def second() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    async def first() -> None:
        await asyncio.sleep(0.01)
        scope.start(second())

    scope.start(first())
    await scope.close()
    assert done == [True]
    for begin in (scope.start, scope.spawn):
        with pytest.raises(NotOpen):
            begin(forever())


async def test_everything_ends_in_reverse(scope: Scope) -> None:
    ended: list[str] = []

    def opening(name: str) -> Callable[[], Callable[[], None]]:
        return lambda: lambda: ended.append(name)

    async def last() -> None:
        ended.append("last")

    scope.at_last(last)
    scope.on_live(opening("first watch"))
    scope.on_live(opening("second watch"))
    scope.go_live()
    scope.on_close(lambda: ended.append("undone"))
    await scope.close()
    assert ended == ["undone", "second watch", "first watch", "last"]


async def test_what_waits_for_the_plugin_to_be_live_opens_then_or_at_once(scope: Scope) -> None:
    opened = []

    def open_it() -> Callable[[], None]:
        opened.append(True)
        return lambda: opened.clear()

    scope.on_live(open_it)
    assert opened == []
    scope.go_live()
    assert opened == [True]
    scope.on_live(open_it)
    assert opened == [True, True]
    scope.retire()
    assert opened == []


async def test_a_scope_that_never_went_live_opens_nothing(scope: Scope) -> None:
    opened = []
    scope.on_live(lambda: opened.append)  # type: ignore[arg-type,return-value]
    await scope.close()
    assert opened == []


async def test_what_fails_is_reported_and_keeps_nobody_from_ending(scope: Scope, failures: Failures) -> None:
    ended = []

    async def failing() -> None:
        raise ValueError("task")

    async def failing_last() -> None:
        raise ValueError("last")

    def failing_end() -> None:
        raise ValueError("end")

    scope.on_close(lambda: ended.append("first"))
    scope.on_close(failing_end)
    scope.at_last(failing_last)
    scope.start(failing())
    await scope.close()
    assert ended == ["first"]
    assert sorted(str(error) for error in failures) == ["end", "last", "task"]
