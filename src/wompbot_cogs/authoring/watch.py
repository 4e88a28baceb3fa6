"""Swapping plugins as their author saves them."""

from __future__ import annotations

import asyncio
import site
import sysconfig
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from wompbot_cogs.errors import PluginError
from wompbot_cogs.host import Host, PluginState
from wompbot_cogs.manifest import FILE_NAME
from wompcore.errors import ExtraMissing

_QUIET_MS = 200
"""Milliseconds without another save: an editor writes several files, and some of them twice."""

_LOOK_S = 1.0
"""Seconds between two looks at which plugins are loaded."""


@asynccontextmanager
async def swapping_on_save(host: Host, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Swap a loaded plugin whenever a file of it changes, while the context lasts.

    Watched are plugins outside of ``site-packages``: editable installs and folders on the import path.
    One that failed, or is in quarantine for its errors, is tried again. What is broken is told, and the
    version before goes on serving.

    Args:
        host: Runs the plugins.
        say: Is told how each swap went.

    Raises:
        ExtraMissing: The extra ``watch`` is not installed.
    """
    if find_spec("watchfiles") is None:
        raise ExtraMissing("watch", "swapping on save")
    watching = asyncio.create_task(_watch(host, say), name="swaps on save")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(host: Host, say: Callable[[str], None]) -> None:
    site_packages = _site_packages()
    told: set[str] = set()
    while True:
        places = _places(host, site_packages)
        if new := places.keys() - told:
            say(f"Swapping on save: {', '.join(sorted(new))}.")
            told |= new
        watches = [
            asyncio.create_task(_swap_what_is_saved(host, part, say))
            for is_folder in (True, False)
            if (part := {plugin: place for plugin, place in places.items() if place.is_dir() is is_folder})
        ]
        try:
            while _places(host, site_packages) == places:  # noqa: ASYNC110 # nobody tells
                await asyncio.sleep(_LOOK_S)
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)


async def _swap_what_is_saved(host: Host, places: Mapping[str, Path], say: Callable[[str], None]) -> None:
    """Watch either whole folders, or the folders of single files, whose other files are nobody's."""
    from watchfiles import DefaultFilter, awatch

    whole = all(place.is_dir() for place in places.values())
    watched = {place if whole else place.parent for place in places.values()}
    try:
        async for changes in awatch(*watched, watch_filter=DefaultFilter(), step=_QUIET_MS, recursive=whole):
            files = [Path(path) for _, path in changes]
            for plugin, place in places.items():
                if any(_is_of(file, place) for file in files):
                    await _swap(host, plugin, place, say)
    except (OSError, RuntimeError) as error:  # such as the system's limit of watched folders
        say(f"Nothing is swapped on save any more: {error}")


def _site_packages() -> list[Path]:
    paths = sysconfig.get_paths()
    return [Path(path).resolve() for path in (paths["purelib"], paths["platlib"], *site.getsitepackages())]


def _places(host: Host, site_packages: Iterable[Path]) -> dict[str, Path]:
    """Return the folders and files to watch, by plugin. Nothing is looked for: the host knows them."""
    wanted = {state.id for state in host.states() if _is_wanted(state)}
    places = {plugin: place.resolve() for plugin, place in host.places().items() if plugin in wanted}
    return {
        plugin: place
        for plugin, place in places.items()
        if place.exists() and not any(place.is_relative_to(folder) for folder in site_packages)
    }


def _is_wanted(state: PluginState) -> bool:
    """Return whether a plugin is loaded, or would be if it were not broken."""
    by_itself = state.state == "quarantined" and state.retry_at is not None
    return state.state in ("live", "failed") or by_itself


def _is_of(file: Path, place: Path) -> bool:
    """Return whether a file is a plugin's: in its folder, or its one file, or the manifest beside that."""
    return file.is_relative_to(place) or (
        place.suffix == ".py" and file == place.with_suffix(f".{FILE_NAME}")
    )


async def _swap(host: Host, plugin: str, place: Path, say: Callable[[str], None]) -> None:
    if plugin not in {state.id for state in host.states() if _is_wanted(state)}:
        return
    serves = any(state.id == plugin and state.state == "live" for state in host.states())
    try:
        state = await host.load(plugin, via="watch")
    except PluginError as error:
        still = " The version before still serves." if serves else ""
        say(f"{plugin} is broken: {_line(error, place)}{error.problem}.{still}")
    else:
        say(f"{plugin} {state.version} was saved and runs.")


def _line(error: PluginError, place: Path) -> str:
    """Return where in a plugin an error was raised, unless its text says so."""
    cause = error.__cause__
    if cause is None or isinstance(cause, SyntaxError):
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if _is_of(Path(frame.filename), place)]
    return f"{own[-1].filename}, line {own[-1].lineno}: " if own else ""
