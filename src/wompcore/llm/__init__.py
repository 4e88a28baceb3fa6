"""The one way to a model: request, reply, client.

Importing this room loads neither an HTTP client nor a database driver.
"""

from __future__ import annotations

from wompcore.errors import (
    BreakerOpen,
    ModelAnswerInvalid,
    ModelBusy,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnauthorized,
    ModelUnavailable,
    UnknownPrice,
)
from wompcore.llm.client import ChatClient
from wompcore.llm.providers import OpenAiStyle
from wompcore.llm.reply import Provider, ProviderAnswer, Reply
from wompcore.llm.request import ChatRequest, Message, ToolCall, ToolSpec

__all__ = [
    "BreakerOpen",
    "ChatClient",
    "ChatRequest",
    "Message",
    "ModelAnswerInvalid",
    "ModelBusy",
    "ModelError",
    "ModelRateLimited",
    "ModelRequestRefused",
    "ModelUnauthorized",
    "ModelUnavailable",
    "OpenAiStyle",
    "Provider",
    "ProviderAnswer",
    "Reply",
    "ToolCall",
    "ToolSpec",
    "UnknownPrice",
]
