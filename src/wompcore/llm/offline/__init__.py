"""An honest stand-in for a model, and an OpenAI-compatible server for it on loopback."""

from __future__ import annotations

from wompcore.llm.offline.model import OfflineAnswer, OfflineModel
from wompcore.llm.offline.server import (
    EMBEDDING_MODEL,
    MODEL,
    Fault,
    OfflineServer,
    RecordedRequest,
    offline_server,
)

__all__ = [
    "EMBEDDING_MODEL",
    "MODEL",
    "Fault",
    "OfflineAnswer",
    "OfflineModel",
    "OfflineServer",
    "RecordedRequest",
    "offline_server",
]
