"""What people read."""

from __future__ import annotations

from collections.abc import Iterable

from discord.utils import format_dt

from wompbot_cogs import PluginState
from wompcore.errors import WompError
from wompcore.text import bound, defuse_mentions

NONE = "No plugins are installed."
LOADED = "`{id}` {version} is loaded."
SWAPPED = "`{id}` {version} runs in the place of the one before."
UNLOADED = "`{id}` is unloaded, and stays so after a restart."
GRANTED = "`{id}` may use `{capability}` from its next loading on."
WITHDRAWN = "`{id}` may not use `{capability}` from its next loading on."

_LONGEST = 2000
_MARKS = {"live": "🟢", "off": "⚪", "failed": "🔴"}


def listing(states: Iterable[PluginState], *, problems: bool) -> str:
    """Return one line per plugin.

    Args:
        states: The plugins.
        problems: Whether to show what is wrong; it may name files of the machine.
    """
    return _sent("\n".join(_line(state, problems=problems) for state in states)) or NONE


def refused(error: WompError) -> str:
    """Return an error as one line, with its remedy."""
    return _sent(f"🔴 {_code(error.message)} {error.hint}")


def _line(state: PluginState, *, problems: bool) -> str:
    parts = [f"{_MARKS[state.state]} **{state.id}** {state.version}", state.state]
    if state.since is not None:
        parts.append(f"since {format_dt(state.since, 'R')}, tasks: {state.tasks}")
    if state.problem and problems:
        parts.append(_code(state.problem))
    return " · ".join(parts)


def _sent(text: str) -> str:
    return bound(defuse_mentions(text), _LONGEST)


def _code(text: str) -> str:
    return "`" + " ".join(text.replace("`", "'").split()) + "`"
