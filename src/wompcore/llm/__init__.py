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
    StructuredAnswerInvalid,
    UnknownPrice,
)
from wompcore.llm.breakers import Breakers, read_states
from wompcore.llm.client import ChatClient
from wompcore.llm.media import Audio, Embeddings, MediaProvider, Transcript
from wompcore.llm.prompt import Outside, lay_out
from wompcore.llm.providers import Anthropic, OpenAiStyle, model_provider
from wompcore.llm.reply import Delta, PassedOver, Provider, ProviderAnswer, Reply, ToolCallPart
from wompcore.llm.reply_stream import ReplyStream
from wompcore.llm.request import ChatRequest, ImagePart, Message, TextPart, Thoughts, ToolCall, ToolSpec
from wompcore.llm.route import Choice, Route
from wompcore.llm.stream import Assembly

__all__ = [
    "Anthropic",
    "Assembly",
    "Audio",
    "BreakerOpen",
    "Breakers",
    "ChatClient",
    "ChatRequest",
    "Choice",
    "ContextTooLong",
    "Delta",
    "Embeddings",
    "ImagePart",
    "MediaProvider",
    "Message",
    "ModelAnswerInvalid",
    "ModelBusy",
    "ModelError",
    "ModelRateLimited",
    "ModelRequestRefused",
    "ModelUnauthorized",
    "ModelUnavailable",
    "OpenAiStyle",
    "Outside",
    "PassedOver",
    "Provider",
    "ProviderAnswer",
    "Reply",
    "ReplyStream",
    "Route",
    "StreamBroken",
    "StructuredAnswerInvalid",
    "TextPart",
    "Thoughts",
    "ToolCall",
    "ToolCallPart",
    "ToolSpec",
    "Transcript",
    "UnknownPrice",
    "lay_out",
    "model_provider",
    "read_states",
]
