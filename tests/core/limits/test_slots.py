from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wompcore.errors import SlotsBusy
from wompcore.limits import ChannelSlots, PersonSlots, Slots


async def turns(count: int = 1) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_three_at_once_and_the_fourth_waits_for_the_first_to_finish() -> None:
    slots = ChannelSlots()
    async with slots.take(1), slots.take(1):
        async with slots.take(1):
            fourth = asyncio.create_task(hold(slots, asyncio.Event(), done=True))
            await turns(3)
            assert slots.taken(1) == 3
            assert slots.waiting(1) == 1
        await fourth
    assert not slots._keys


async def hold(slots: Slots, release: asyncio.Event, *, done: bool = False) -> None:
    async with slots.take(1):
        if not done:
            await release.wait()


async def test_one_channel_does_not_hold_back_another() -> None:
    slots = ChannelSlots(slots=1, queue=0)
    async with slots.take(1), slots.take(2):
        assert slots.taken(1) == slots.taken(2) == 1


async def test_a_full_queue_refuses_at_once() -> None:
    slots = ChannelSlots(slots=1, queue=1)
    release = asyncio.Event()
    held = [asyncio.create_task(hold(slots, release)) for _ in range(2)]
    await turns(2)
    with pytest.raises(SlotsBusy):
        async with slots.take(1):
            pass
    release.set()
    await asyncio.gather(*held)
    assert not slots._keys


async def test_nobody_waits_longer_than_allowed() -> None:
    slots = ChannelSlots(slots=1, wait_s=0.01)
    async with slots.take(1):
        with pytest.raises(SlotsBusy):
            async with slots.take(1):
                pass
        assert slots.waiting(1) == 0
    assert not slots._keys


async def test_a_person_is_refused_without_waiting() -> None:
    slots = PersonSlots()
    async with slots.take(1), slots.take(1), slots.take(1):
        with pytest.raises(SlotsBusy):
            async with slots.take(1):
                pass
    assert not slots._keys


async def test_an_error_inside_gives_the_place_back() -> None:
    slots = ChannelSlots(slots=1)
    with pytest.raises(RuntimeError):
        async with slots.take(1):
            raise RuntimeError
    assert not slots._keys


async def test_a_place_handed_to_a_waiter_cancelled_in_the_same_moment_is_passed_on() -> None:
    slots = ChannelSlots(slots=1)
    release = asyncio.Event()
    first, second, third = (asyncio.create_task(hold(slots, release)) for _ in range(3))
    await turns(2)
    release.set()
    await turns(1)  # the first has left and handed its place to the second, which has not run yet
    second.cancel()
    await asyncio.gather(first, third)
    assert second.cancelled()
    assert not slots._keys


async def test_a_waiter_cancelled_just_before_a_release_is_passed_over() -> None:
    slots = ChannelSlots(slots=1)
    release = asyncio.Event()
    first, second, third = (asyncio.create_task(hold(slots, release)) for _ in range(3))
    await turns(2)
    release.set()
    second.cancel()
    await asyncio.gather(first, third)
    assert not slots._keys


ACTIONS = st.lists(
    st.one_of(
        st.just(("enter", 0)),
        st.tuples(st.just("finish"), st.integers(0, 30)),
        st.tuples(st.just("fail"), st.integers(0, 30)),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("turn"), st.integers(0, 2)),
    ),
    max_size=60,
)


class Crowd:
    """Requests that enter, leave, fail and are cancelled in any order."""

    def __init__(self) -> None:
        self.slots = ChannelSlots(slots=3, queue=10, wait_s=60)
        self.inside: set[int] = set()
        self.entered: list[int] = []
        self.outcomes: dict[int, asyncio.Future[bool]] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def request(self, number: int) -> None:
        self.outcomes[number] = asyncio.get_running_loop().create_future()
        async with self.slots.take(1):
            self.inside.add(number)
            self.entered.append(number)
            assert len(self.inside) <= 3
            try:
                if not await self.outcomes[number]:
                    raise RuntimeError
            finally:
                self.inside.discard(number)

    async def act(self, action: str, number: int) -> None:
        if action == "enter":
            self.tasks.append(asyncio.create_task(self.request(len(self.tasks))))
        elif action == "turn":
            await turns(number)
        elif number < len(self.tasks) and action == "cancel":
            self.tasks[number].cancel()
        elif number in self.outcomes and not self.outcomes[number].done():
            self.outcomes[number].set_result(action == "finish")

    async def end(self) -> list[object]:
        while not all(task.done() for task in self.tasks):
            for outcome in self.outcomes.values():
                if not outcome.done():
                    outcome.set_result(True)
            await turns()
        return list(await asyncio.gather(*self.tasks, return_exceptions=True))


@settings(deadline=None, max_examples=150)
@given(ACTIONS)
def test_places_are_bounded_fair_and_never_lost(actions: list[tuple[str, int]]) -> None:
    async def play() -> None:
        crowd = Crowd()
        for action, number in actions:
            await crowd.act(action, number)
        results = await crowd.end()
        assert crowd.entered == sorted(crowd.entered)
        assert not crowd.slots._keys
        for result in results:
            assert result is None or isinstance(result, RuntimeError | SlotsBusy | asyncio.CancelledError)

    asyncio.run(play())
