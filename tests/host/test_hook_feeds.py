"""Whatever comes and goes, everything that happens is told once to each version that was live then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

from wompbot_cogs import Manifest, hookimpl
from wompbot_cogs.hooks import HookRules, Hooks, hook
from wompbot_cogs.hooks.feed import BATCH
from wompbot_cogs.hooks.results import nothing
from wompbot_cogs.scope import Scope
from wompcore.events import Observers


class Specs(Protocol):
    @hook(HookRules(nothing))
    def things(self, things: tuple[int, ...]) -> None: ...


class Ear:
    def __init__(self) -> None:
        self.heard: list[int] = []
        self.batches: list[int] = []

    @hookimpl
    async def things(self, things: tuple[int, ...]) -> None:
        self.heard += things
        self.batches.append(len(things))


class House:
    """A source, a feed, and versions of plugins that should have heard what happened while they lived."""

    def __init__(self) -> None:
        self.hooks = Hooks(Specs)
        self.source: Observers[int] = Observers()
        self.listeners = 0
        self.hooks.feed("things", self._listen)
        self.live: dict[str, tuple[Ear, Scope]] = {}
        self.expected: list[tuple[Ear, list[int]]] = []
        self.count = 0

    def _listen(self, take: Callable[[Any], None]) -> Callable[[], None]:
        self.listeners += 1
        end = self.source.add(take)

        def stop() -> None:
            self.listeners -= 1
            end()

        return stop

    def happen(self, times: int) -> None:
        for _ in range(times):
            self.count += 1
            for ear, _ in self.live.values():
                next(heard for other, heard in self.expected if other is ear).append(self.count)
            self.source.tell(self.count)

    async def swap(self, plugin: str) -> None:
        """Put a new version in the place of the one that lives, if any, as the host does."""
        ear, scope = Ear(), Scope(plugin, failed=print)
        self.hooks.stage(Manifest(id=plugin, version="1", api=1, summary=""), set(), [ear], scope)
        self.expected.append((ear, []))
        scope.go_live()
        await self.unload(plugin)
        self.live[plugin] = ear, scope

    async def unload(self, plugin: str) -> None:
        if plugin in self.live:
            _, scope = self.live.pop(plugin)
            scope.retire()
            await scope.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("happen"), st.integers(1, BATCH + 20)),
        st.tuples(st.sampled_from(["swap", "unload"]), st.sampled_from(["a", "b"])),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_each_version_hears_exactly_what_happened_while_it_lived(steps: list[tuple[str, Any]]) -> None:
    async def live() -> None:
        house = House()
        for what, which in steps:
            if what == "happen":
                house.happen(which)
            else:
                await getattr(house, what)(which)
            assert house.listeners == bool(house.live)  # nothing is collected for nobody
        for plugin in ("a", "b"):
            await house.unload(plugin)
        assert [ear.heard for ear, _ in house.expected] == [heard for _, heard in house.expected]
        assert all(size <= BATCH for ear, _ in house.expected for size in ear.batches)

    asyncio.run(live())


async def test_a_batch_that_is_not_full_comes_after_a_moment() -> None:
    house = House()
    await house.swap("a")
    [(ear, _)] = house.expected
    house.happen(3)
    async with asyncio.timeout(5):
        while ear.heard != [1, 2, 3]:  # noqa: ASYNC110 # the feed's own timer is what is waited for
            await asyncio.sleep(0.01)
    assert ear.batches == [3]
