"""A hook's implementations are called side by side; a bad one harms nobody else."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import Any, Protocol

import pytest

from wompbot_cogs import Manifest, hookimpl
from wompbot_cogs.errors import HookRefused, HookResultInvalid, HookTimedOut, NotGranted, PluginError
from wompbot_cogs.hooks import HookRules, Hooks, hook
from wompbot_cogs.scope import Scope


def a_word(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a word, not {type(value).__name__}")
    return value


class Specs(Protocol):
    @hook(HookRules(a_word, timeout_s=0.2))
    def greet(self, name: str, loud: bool) -> str | None: ...

    @hook(HookRules(a_word, needs="messages"))
    def overhear(self, text: str) -> None: ...

    @hook(HookRules(a_word, since=2))
    def newer(self) -> None: ...

    @hook(HookRules(a_word, deprecated=2, instead="greet"))
    def fading(self) -> None: ...

    @hook(HookRules(a_word, removed=3, instead="greet"))
    def removed(self) -> None: ...


class House:
    """Hooks, the plugins that live with them, and what was counted against each."""

    def __init__(self, level: int = 3) -> None:
        self.hooks = Hooks(Specs, level)
        self.failures: list[tuple[str, BaseException]] = []

    def live(self, plugin: str, *objects: object, api: int = 1, has: frozenset[str] = frozenset()) -> Scope:
        scope = Scope(plugin, failed=lambda plugin, error: self.failures.append((plugin, error)))
        manifest = Manifest(
            id=plugin,
            version="1",
            api=api,
            summary="Of a test.",
            needs={"messages"} & has,
            message_content=True,
        )
        self.hooks.stage(manifest, has, objects, scope)
        scope.go_live()
        return scope

    async def greet(self) -> dict[str, str]:
        answers = await self.hooks.ask("greet", name="anna", loud=True)
        return {answer.plugin: answer.value for answer in answers}


@pytest.fixture
def house() -> House:
    return House()


class Plain:
    @hookimpl
    def greet(self, name: str) -> str:
        return f"hello {name}"


class Awaited:
    @hookimpl
    async def greet(self, loud: bool, name: str) -> str:
        await asyncio.sleep(0)
        return name.upper() if loud else name


class Silent:
    @hookimpl
    def greet(self) -> None:
        return None


class Raising:
    @hookimpl
    def greet(self) -> str:
        raise LookupError("no luck")


class Leaving:
    @hookimpl
    async def greet(self) -> str:
        raise SystemExit(3)


class GivingUp:
    @hookimpl
    async def greet(self) -> str:
        raise asyncio.CancelledError


class Hanging:
    @hookimpl
    async def greet(self) -> str:
        await asyncio.Event().wait()
        return "never"


class Stubborn:
    def __init__(self) -> None:
        self.released = asyncio.Event()

    @hookimpl
    async def greet(self) -> str:
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue
        return "late"


class Blocking:
    @hookimpl
    def greet(self) -> str:
        time.sleep(0.25)
        return "late"


class Mistyped:
    @hookimpl
    def greet(self) -> Any:
        return 7


BAD: list[tuple[type, type[Exception]]] = [
    (Raising, LookupError),
    (Leaving, RuntimeError),
    (GivingUp, RuntimeError),
    (Hanging, HookTimedOut),
    (Blocking, HookTimedOut),
    (Mistyped, HookResultInvalid),
]


async def test_answers_come_from_plain_and_async_methods_in_the_order_of_plugin_ids(house: House) -> None:
    house.live("zoe", Plain())
    house.live("bob", Awaited())
    house.live("mute", Silent())
    answers = await house.greet()
    assert list(answers.items()) == [("bob", "ANNA"), ("zoe", "hello anna")]


@pytest.mark.parametrize(("bad", "counted"), BAD, ids=lambda each: each.__name__)
async def test_a_bad_implementation_is_counted_and_the_others_answer(
    house: House, bad: type, counted: type[Exception]
) -> None:
    house.live("bad", bad())
    house.live("good", Plain())
    assert await house.greet() == {"good": "hello anna"}
    [(plugin, error)] = house.failures
    assert plugin == "bad"
    assert isinstance(error, counted)


async def test_all_the_bad_ones_together_take_no_longer_than_one(house: House) -> None:
    for number, (bad, _) in enumerate([each for each in BAD if each[0] is not Blocking]):
        house.live(f"bad{number}", bad())
    house.live("good", Plain())
    async with asyncio.timeout(5):  # far from the five times 0.2 s plus what a hang would take
        assert await house.greet() == {"good": "hello anna"}
    assert len(house.failures) == len(BAD) - 1


async def test_one_that_ignores_its_end_holds_up_nobody(house: House) -> None:
    stubborn = Stubborn()
    scope = house.live("stubborn", stubborn)
    house.live("good", Plain())
    assert await house.greet() == {"good": "hello anna"}
    assert scope.tasks == 1  # its scope still owns it
    stubborn.released.set()
    await scope.close()
    assert isinstance(house.failures[0][1], HookTimedOut)


async def test_nobody_waits_for_those_who_are_only_told(house: House) -> None:
    scope = house.live("bad", Hanging())
    house.hooks.tell("greet", name="anna", loud=False)
    assert scope.tasks == 1
    await scope.close()
    assert [type(error) for _, error in house.failures] == [HookTimedOut]


async def test_a_hook_that_nobody_implements_starts_nothing(house: House) -> None:
    before = asyncio.all_tasks()
    assert await house.greet() == {}
    house.hooks.tell("greet", name="anna", loud=True)
    assert asyncio.all_tasks() == before


# -- life ------------------------------------------------------------------------------------------


async def test_implementations_count_from_the_switch_until_the_plugin_is_retired(house: House) -> None:
    scope = Scope("late", failed=print)
    house.hooks.stage(Manifest(id="late", version="1", api=1, summary=""), set(), [Plain()], scope)
    assert await house.greet() == {}
    scope.go_live()
    assert await house.greet() == {"late": "hello anna"}
    scope.retire()
    assert await house.greet() == {}


async def test_a_call_that_was_begun_is_finished_while_its_plugin_drains(house: House) -> None:
    gate = asyncio.Event()

    class Slow:
        @hookimpl
        async def greet(self) -> str:
            await gate.wait()
            return "done"

    scope = house.live("slow", Slow())
    asking = asyncio.create_task(house.greet())
    await asyncio.sleep(0)
    closing = asyncio.create_task(scope.close())
    await asyncio.sleep(0)
    gate.set()
    assert await asking == {"slow": "done"}
    await closing


async def test_a_call_whose_plugin_is_cut_off_is_left_out(house: House) -> None:
    scope = house.live("slow", Hanging())
    asking = asyncio.create_task(house.greet())
    await asyncio.sleep(0.01)
    await scope.close(0)
    assert await asking == {}
    assert house.failures == []


async def test_nothing_keeps_a_retired_implementation_alive(house: House) -> None:
    plain, raising = Plain(), Raising()
    scopes = [house.live("plain", plain), house.live("raising", raising)]
    await house.greet()
    house.failures.clear()
    for scope in scopes:
        await scope.close()
    gone = [weakref.ref(plain), weakref.ref(raising)]
    del plain, raising, scopes, scope
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


async def test_a_refused_implementation_is_not_kept_alive(house: House) -> None:
    class Unknown:
        @hookimpl
        def no_such_hook(self) -> None: ...

    unknown = Unknown()
    with pytest.raises(HookRefused) as raised:
        house.live("odd", unknown)
    problem = raised.value.problem
    gone = weakref.ref(unknown)
    del unknown, raised
    gc.collect()
    assert gone() is None
    assert "no_such_hook" in problem


# -- refusals --------------------------------------------------------------------------------------


class UnknownHook:
    @hookimpl
    def wave(self) -> None: ...


class UnknownArgument:
    @hookimpl
    def greet(self, name: str, volume: int) -> None: ...


class KeywordOnly:
    @hookimpl
    def greet(self, name: str, *, volume: int) -> None: ...


class First:
    @hookimpl(tryfirst=True)
    def greet(self) -> None: ...


class Wrapper:
    @hookimpl(wrapper=True)
    def greet(self) -> Any:
        yield


class Newer:
    @hookimpl
    def newer(self) -> None: ...


class Removed:
    @hookimpl
    def removed(self) -> None: ...


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (UnknownHook, "there is no hook 'wave'"),
        (UnknownArgument, "volume"),
        (KeywordOnly, "volume"),
        (First, "tryfirst"),
        (Wrapper, "wrapper"),
        (Newer, "came with interface level 2, its manifest says 1"),
        (Removed, "was removed at interface level 3"),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_cannot_be_called_is_refused_while_staging(house: House, bad: type, says: str) -> None:
    with pytest.raises(HookRefused, match=says):
        house.live("bad", Plain(), bad())
    assert house.hooks.implementers("greet") == []


def test_a_refusal_of_a_removed_hook_names_what_takes_its_place(house: House) -> None:
    with pytest.raises(HookRefused) as raised:
        house.live("bad", Removed())
    assert raised.value.hint == "Use greet."


def test_a_plugin_of_the_hooks_level_may_implement_it(house: House) -> None:
    house.live("new", Newer(), api=2)
    assert house.hooks.implementers("newer") == ["new"]


@pytest.mark.parametrize(("level", "warned"), [(1, False), (2, True)])
def test_a_hook_on_its_way_out_still_works_and_says_so(
    level: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class Fading:
        @hookimpl
        def fading(self) -> None: ...

    house = House(level)
    house.live("old", Fading())
    assert house.hooks.implementers("fading") == ["old"]
    assert ("'fading' goes away; use greet" in caplog.text) is warned


def test_an_optional_implementation_of_a_hook_that_is_not_there_is_left_out(house: House) -> None:
    class Both:
        @hookimpl(optionalhook=True)
        def wave(self) -> None: ...

        @hookimpl
        def greet(self) -> None: ...

    house.live("both", Both())
    assert house.hooks.implementers("greet") == ["both"]


def test_a_hook_that_tells_something_needs_the_capability_for_it(house: House) -> None:
    class Ear:
        @hookimpl
        def overhear(self, text: str) -> None: ...

    with pytest.raises(NotGranted, match="'messages'"):
        house.live("ear", Ear())
    house.live("ear", Ear(), has=frozenset({"messages"}))
    assert house.hooks.implementers("overhear") == ["ear"]


def test_looking_for_implementations_runs_no_property(house: House) -> None:
    class Trap(Plain):
        @property
        def greeting(self) -> str:
            raise AssertionError("a property was run")

    house.live("trap", Trap())
    assert house.hooks.implementers("greet") == ["trap"]


def test_every_refusal_is_a_plugin_error_with_a_remedy(house: House) -> None:
    for bad in (UnknownHook, UnknownArgument, First):
        with pytest.raises(PluginError) as raised:
            house.live("bad", bad())
        assert raised.value.hint
