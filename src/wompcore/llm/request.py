"""What is asked of a model. Everything here is immutable: a retry or a fallback sends the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from wompcore.usage import Attribution

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to have a tool run.

    Args:
        id: Ties the tool's result to the call.
        name: The tool.
        arguments: JSON text as the model wrote it; not validated yet.
        extra: JSON text that the provider wants back with the call, as Gemini does its signatures.
    """

    id: str
    name: str
    arguments: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Thoughts:
    """What a model thought before it called tools. It is shown to nobody and read by nobody else.

    Args:
        address: Where the model was asked.
        model: Which one.
        turn: JSON object, to be added to the turn that comes back to this model.
        tokens: What the whole answer took: the thoughts are no longer, in whatever form they come.
    """

    address: str
    model: str
    turn: str = field(repr=False)
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool that the model may ask for.

    Args:
        name: Letters, digits, ``_`` and ``-``.
        description: When to use it, in words for the model.
        parameters: JSON schema of the arguments, an object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextPart:
    """Words of a turn that also holds images.

    Args:
        text: The words.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image that the model shall see: an address that the provider fetches, or the image itself.

    Args:
        url: An http or https address; empty when there are bytes.
        data: The image: PNG, JPEG, GIF or WebP.
        media_type: Such as ``image/png``; told from the bytes when left out.
        detail: How closely to look: ``low`` costs least.

    Raises:
        ValueError: There is neither an address nor an image of a known kind, or there are both.
    """

    url: str = ""
    data: bytes = field(default=b"", repr=False)
    media_type: str = ""
    detail: Literal["low", "high", "auto"] = "low"

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.data):
            raise ValueError("an image has either an address or bytes")
        if self.data and not self.media_type:
            object.__setattr__(self, "media_type", _media_type(self.data))


def _media_type(data: bytes) -> str:
    """Tell an image's type by its first bytes. Source: WHATWG MIME Sniffing, section 6.1."""
    for start, media_type in _SIGNATURES:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    raise ValueError("the image is neither PNG, JPEG, GIF nor WebP")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation.

    Args:
        role: Whose turn.
        content: Text, or parts when there are images; may be empty when there are tool calls.
        name: Who speaks, when several people share a role.
        tool_calls: What an assistant's turn asked for.
        tool_call_id: Which call a tool's turn answers.
        thoughts: What came with the tool calls of an assistant's turn.
    """

    role: Role
    content: str | tuple[TextPart | ImagePart, ...]
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    thoughts: Thoughts | None = None

    @property
    def text(self) -> str:
        """The words of the turn, images left out."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One completion.

    Args:
        messages: The conversation, oldest first.
        attribution: Why, for whom, where: what the ledger records.
        model: Empty for the configured one.
        tools: Tools on offer.
        max_tokens: Answer length, tokens; the configured one when left out.
        temperature: 0 to 2; the configured one when left out, or else the model's own.
        response_schema: JSON schema that the answer's text shall follow.
        stop: Texts that end the answer.
        seed: For models that can repeat themselves.
        deadline_s: Seconds for everything, retries and fallback included; the configured ones when
            left out.
    """

    messages: tuple[Message, ...]
    attribution: Attribution
    model: str = ""
    tools: tuple[ToolSpec, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    response_schema: Mapping[str, Any] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    deadline_s: float | None = None

    def with_defaults(self, max_tokens: int, temperature: float | None) -> ChatRequest:
        """Return the request with what it leaves out; the model is the route's to choose.

        Args:
            max_tokens: Answer length, tokens.
            temperature: Left to the provider when ``None``.
        """
        if self.max_tokens and (temperature is None or self.temperature is not None):
            return self
        return replace(
            self,
            max_tokens=self.max_tokens or max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
        )

    def seen_by(self, address: str, model: str) -> ChatRequest:
        """Return the request without thoughts of other models, which are none of this one's business.

        Args:
            address: Where the model is asked.
            model: The model's id.
        """

        def is_own(thoughts: Thoughts | None) -> bool:
            return thoughts is None or (thoughts.address, thoughts.model) == (address, model)

        if all(is_own(message.thoughts) for message in self.messages):
            return self
        messages = (
            message if is_own(message.thoughts) else replace(message, thoughts=None)
            for message in self.messages
        )
        return replace(self, messages=tuple(messages))
