"""Swapping plugins as their author saves them."""

from __future__ import annotations

import asyncio
import site
import sysconfig
import traceback
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from wompbot_cogs.errors import PluginError
from wompbot_cogs.host import Host, PluginState, discover
from wompcore.errors import ExtraMissing

_QUIET_MS = 200
"""Milliseconds without another save: an editor writes several files, and some of them twice."""

_LOOK_MS = 1000
"""Milliseconds between two looks at which plugins are loaded."""


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
    from watchfiles import DefaultFilter, awatch

    told: set[Path] = set()
    while True:
        folders = await asyncio.to_thread(_folders, host)
        if new := folders.keys() - told:
            say(f"Swapping on save: {', '.join(sorted(folders[folder] for folder in new))}.")
            told |= new
        if not folders:
            await asyncio.sleep(_LOOK_MS / 1000)
            continue
        async for changes in awatch(
            *folders,
            watch_filter=DefaultFilter(),
            step=_QUIET_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
        ):
            for plugin in _plugins_of((Path(path) for _, path in changes), folders):
                await _swap(host, plugin, folders, say)
            if await asyncio.to_thread(_folders, host) != folders:
                break


def _folders(host: Host) -> dict[Path, str]:
    """Return the plugins to watch, by folder."""
    paths = sysconfig.get_paths()
    installed = [
        Path(path).resolve() for path in (paths["purelib"], paths["platlib"], *site.getsitepackages())
    ]
    wanted = {state.id for state in host.states() if _is_wanted(state)}
    folders = {
        found.folder.resolve(): plugin
        for plugin, found in discover().items()
        if plugin in wanted and found.folder is not None
    }
    return {
        folder: plugin
        for folder, plugin in folders.items()
        if folder.is_dir() and not any(folder.is_relative_to(place) for place in installed)
    }


def _is_wanted(state: PluginState) -> bool:
    """Return whether a plugin is loaded, or would be if it were not broken."""
    by_itself = state.state == "quarantined" and state.retry_at is not None
    return state.state in ("live", "failed") or by_itself


def _plugins_of(files: Iterable[Path], folders: dict[Path, str]) -> list[str]:
    """Return the plugins that files belong to, each once."""
    owners = [folder for file in files for folder in folders if file.is_relative_to(folder)]
    return sorted({folders[folder] for folder in owners})


async def _swap(host: Host, plugin: str, folders: dict[Path, str], say: Callable[[str], None]) -> None:
    if plugin not in {state.id for state in host.states() if _is_wanted(state)}:
        return
    serves = any(state.id == plugin and state.state == "live" for state in host.states())
    try:
        state = await host.load(plugin, via="watch")
    except PluginError as error:
        [folder] = [folder for folder, owner in folders.items() if owner == plugin]
        still = " The version before still serves." if serves else ""
        say(f"{plugin} is broken: {_place(error, folder)}{error.problem}.{still}")
    else:
        say(f"{plugin} {state.version} was saved and runs.")


def _place(error: PluginError, folder: Path) -> str:
    """Return where in a plugin's folder an error was raised, unless its text says so."""
    cause = error.__cause__
    if cause is None or isinstance(cause, SyntaxError):
        return ""
    frames = traceback.extract_tb(cause.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    return f"{own[-1].filename}, line {own[-1].lineno}: " if own else ""
