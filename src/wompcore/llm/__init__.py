"""The one way to a model: request, reply, client.

Importing this room loads neither an HTTP client nor a database driver.
"""

from __future__ import annotations

from wompcore.errors import (
    BreakerOpen,
    ContextTooLong,
    ModelAnswerInvalid,
    ModelBusy,
    ModelError,
    ModelRateLimited,
    ModelRequestRefused,
    ModelUnauthorized,
    ModelUnavailable,
    StreamBroken,
    UnknownPrice,
)
from wompcore.llm.client import ChatClient
from wompcore.llm.providers import OpenAiStyle
from wompcore.llm.reply import Delta, Provider, ProviderAnswer, Reply, ToolCallPart
from wompcore.llm.request import ChatRequest, ImagePart, Message, TextPart, ToolCall, ToolSpec
from wompcore.llm.stream import Assembly

__all__ = [
    "Assembly",
    "BreakerOpen",
    "ChatClient",
    "ChatRequest",
    "ContextTooLong",
    "Delta",
    "ImagePart",
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
    "StreamBroken",
    "TextPart",
    "ToolCall",
    "ToolCallPart",
    "ToolSpec",
    "UnknownPrice",
]
