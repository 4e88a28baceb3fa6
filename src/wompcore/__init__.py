"""wompcore: a library for chat communities that run on LLMs.

Names are loaded on first use, so importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wompcore.claims import Verdict, prefilter
    from wompcore.config import CoreSettings, load_settings
    from wompcore.core import Core
    from wompcore.errors import WompError
    from wompcore.events import ChatMessage
    from wompcore.llm import ChatRequest, Message, Reply

__version__ = "0.1.0"

_HOME = {
    "ChatMessage": "wompcore.events",
    "ChatRequest": "wompcore.llm",
    "Core": "wompcore.core",
    "CoreSettings": "wompcore.config",
    "Message": "wompcore.llm",
    "Reply": "wompcore.llm",
    "Verdict": "wompcore.claims",
    "WompError": "wompcore.errors",
    "load_settings": "wompcore.config",
    "prefilter": "wompcore.claims",
}

__all__ = [
    "ChatMessage",
    "ChatRequest",
    "Core",
    "CoreSettings",
    "Message",
    "Reply",
    "Verdict",
    "WompError",
    "load_settings",
    "prefilter",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
