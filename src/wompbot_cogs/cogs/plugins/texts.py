"""What people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from discord.utils import format_dt

from wompbot_cogs import Health, PluginState
from wompcore.errors import WompError
from wompcore.repos.plugins import PluginProcess
from wompcore.text import bound, defuse_mentions

NONE = "No plugins are installed."
LOADED = "`{id}` {version} is loaded."
SWAPPED = "`{id}` {version} runs in the place of the one before."
QUARANTINED = "`{id}` is in quarantine until you release it."
UNLOADED = "`{id}` is unloaded, and stays so after a restart."
GRANTED = "`{id}` may use `{capability}` from its next loading on."
WITHDRAWN = "`{id}` may not use `{capability}` from its next loading on."
NO_HEALTH = "No plugin says how it is."

_LONGEST = 2000
_MARKS = {"live": "🟢", "off": "⚪", "failed": "🔴", "quarantined": "🟠", "draining": "🟡"}


def listing(states: Iterable[PluginState], *, problems: bool) -> str:
    """Return one line per plugin.

    Args:
        states: The plugins.
        problems: Whether to show what is wrong; it may name files of the machine.
    """
    return "\n".join(_line(state, problems=problems) for state in states) or NONE


def details(
    receipts: Mapping[str, Iterable[str]], processes: Sequence[PluginProcess], slash_problem: str
) -> str:
    """Return what is left of versions that ended and, if there are several processes, what each runs.

    Args:
        receipts: What is left and who holds it, by plugin.
        processes: The processes.
        slash_problem: What is wrong with the registration of slash commands.
    """
    left = [
        f"🟣 {plugin} ended, but left {_code(leak)}" for plugin, leaks in receipts.items() for leak in leaks
    ]
    if slash_problem:
        left.append(f"🟣 slash commands: {_code(slash_problem)}")
    if len(processes) > 1:
        left += [_process(process) for process in processes]
    return "".join(f"\n{line}" for line in left)


def healths(healths: Mapping[str, Health]) -> str:
    """Return one line per plugin that says how it is."""
    lines = [
        f"{'🟢' if health.well else '🔴'} **{plugin}** {_code(health.text) if health.text else ''}".rstrip()
        for plugin, health in sorted(healths.items())
    ]
    return _sent("\n".join(lines)) or NO_HEALTH


def bounded(text: str) -> str:
    """Return a text as it may be sent."""
    return _sent(text)


def _process(process: PluginProcess) -> str:
    runs = ", ".join(f"{plugin} {what}" for plugin, what in sorted(process.runs.items()))
    return f"⚙️ {_code(process.process)} {format_dt(process.beat_at, 'R')}: {_code(runs)}"


def refused(error: WompError) -> str:
    """Return an error as one line, with its remedy."""
    hint = error.hint.replace("`wompbot plugins ", "`!plugins ")  # who reads it sits before Discord
    return _sent(f"🔴 {_code(error.message)} {hint}")


def _line(state: PluginState, *, problems: bool) -> str:
    parts = [f"{_MARKS[state.state]} **{state.id}** {state.version}", state.state]
    if state.since is not None:
        parts.append(f"since {format_dt(state.since, 'R')}, tasks: {state.tasks}")
    if state.decision:
        parts.append(state.decision)
    if state.errors:
        parts.append(f"errors: {state.errors}")
    if state.retry_at is not None:
        parts.append(f"tried again {format_dt(state.retry_at, 'R')}")
    if state.problem and problems:
        parts.append(_code(state.problem))
    return " · ".join(parts)


def _sent(text: str) -> str:
    return bound(defuse_mentions(text), _LONGEST)


def _code(text: str) -> str:
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
