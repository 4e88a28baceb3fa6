"""How many tokens a request may take, known before it is sent and without a network. Pure.

Two numbers, for two questions. ``expected`` is for soft limits and forecasts: it is close on average.
``worst`` is for reservations: it is never below the truth for the tokenizers named at
:func:`worst_text`. docs/guides/model.md tells how close ``expected`` was when it was measured.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeAlias

from wompcore.llm.request import ChatRequest, ImagePart, Message, TextPart, ToolSpec

CountTokens: TypeAlias = Callable[[str], int]
"""Returns a text's tokens."""

IMAGE_EXPECTED = 170
"""Tokens of an image at low detail. Source: spec 03, section 2."""

IMAGE_WORST = 50_000
"""Source: the dearest documented: 2,833 + 8 tiles of 5,667 tokens (OpenAI, "Images and vision",
gpt-4o-mini); Qwen2.5-VL stops at 16,384 and Claude below 5,000."""

_AUDIO_TOKENS_WORST = 50
"""A second. Source: Whisper has 1,500 positions for 30 s (Radford et al., "Robust Speech Recognition via
Large-Scale Weak Supervision", 2022, section 2.2); Gemini counts 32 and OpenAI's newer models 10."""

_AUDIO_LEAST_S = 10.0  # what Groq charges at least; others charge a second that was begun
_AUDIO_BYTES_EXPECTED = 4000  # a second of Opus at 32 kbit/s, as Discord's own apps record
_AUDIO_TOKENS_EXPECTED = 10  # a second, heard by OpenAI's newer models
_SAID_EXPECTED = 4  # tokens a second, of 150 words a minute and their punctuation

_PER_MESSAGE_EXPECTED = 4
_PER_MESSAGE_WORST = 16  # marks of a turn: at most 6 in the templates of Llama 3, Qwen, Gemma, Mistral
_PER_REQUEST_WORST = 256  # a default system prompt that a template adds: at most 40 tokens in the same
_TOOLS_WORST = 1024  # a provider's own instructions for tools: at most 700 (Anthropic, "Tool use")


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """Tokens that a call may use.

    Args:
        input: Of the prompt.
        output: Of the answer.
        audio_s: Seconds of sound.
        images: Images shown, which some providers charge by the piece.
    """

    input: int
    output: int
    audio_s: float = 0.0
    images: int = 0


def expected_text(text: str) -> int:
    """Estimate a text's tokens: four ASCII characters to one, three bytes of other scripts to one."""
    if text.isascii():
        return -(-len(text) // 4)
    in_bytes = len(text.encode("utf-8", "replace"))
    ascii_chars = sum(map(str.isascii, text))
    return -(-(3 * ascii_chars + 4 * (in_bytes - ascii_chars)) // 12)


def worst_text(text: str) -> int:
    """Return a number that no text's tokens exceed.

    Proof: a token of a byte-level BPE vocabulary (GPT, Llama 3, Qwen, DeepSeek, Mistral) stands for at
    least one byte of the text's UTF-8; in a SentencePiece vocabulary with byte fallback (Llama 2, Gemma)
    for at least one character or byte of it, plus one mark that begins the text. A tokenizer that
    normalises first does so to NFC or NFKC, which may lengthen the text; so the longest form counts.
    """
    if text.isascii():
        return len(text) + 1
    forms = (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", "surrogatepass")) for form in forms) + 1


def expected(request: ChatRequest, count: CountTokens = expected_text) -> TokenEstimate:
    """Estimate a request's tokens.

    Args:
        request: With or without ``max_tokens``; half of it is expected to be written.
        count: Counts a text's tokens; :func:`wompcore.llm.tokenizer.load_counter` may have a better way.
    """
    tokens = _PER_MESSAGE_EXPECTED * len(request.messages)
    for message in request.messages:
        tokens += sum(map(count, _texts(message))) + (message.thoughts.tokens if message.thoughts else 0)
    for schema in _schemas(request):
        tokens += count(_compact(schema))
    images = _images(request)
    return TokenEstimate(tokens + IMAGE_EXPECTED * images, (request.max_tokens or 0) // 2, images=images)


def worst(request: ChatRequest) -> TokenEstimate:
    """Return numbers that a request's tokens do not exceed.

    Args:
        request: With ``max_tokens`` filled in, which bounds the answer, reasoning included.

    Raises:
        ValueError: ``max_tokens`` is missing: an answer without a limit has no bound.
    """
    if request.max_tokens is None:
        raise ValueError("an answer without max_tokens has no bound")
    tokens = _PER_REQUEST_WORST
    for message in request.messages:
        tokens += _PER_MESSAGE_WORST + sum(map(worst_text, _texts(message)))
        if thoughts := message.thoughts:  # sealed ones may be longer than what stands for them
            tokens += max(worst_text(thoughts.turn), thoughts.tokens)
    # A provider may need tools described that were used before, and take a shape for a tool.
    used = {call.name for message in request.messages for call in message.tool_calls}
    if request.tools or used or request.response_schema is not None:
        stand_ins = (_as_json(ToolSpec(name, "", {"type": "object"})) for name in used)
        schemas = (*_schemas(request), *stand_ins)
        tokens += _TOOLS_WORST + sum(worst_text(_spread(schema)) for schema in schemas)
    images = _images(request)
    return TokenEstimate(tokens + IMAGE_WORST * images, request.max_tokens, images=images)


def worst_audio(told_s: float | None, longest_s: float) -> TokenEstimate:
    """Return numbers that a recording's tokens do not exceed, heard or written, if its length is as told.

    Args:
        told_s: Its length, seconds, when its header tells.
        longest_s: Its length otherwise. The bytes bound nothing: an hour of silence fits into a few
            thousand.
    """
    seconds = longest_s if told_s is None else max(ceil(told_s) + 1.0, _AUDIO_LEAST_S)
    tokens = ceil(seconds * _AUDIO_TOKENS_WORST)
    return TokenEstimate(tokens, tokens, seconds)


def expected_audio(told_s: float | None, size: int, longest_s: float) -> TokenEstimate:
    """Estimate what a recording comes to: by its bytes as a voice message in Discord, if it does not tell.

    Args:
        told_s: Its length, seconds, when its header tells.
        size: Of the file, bytes.
        longest_s: Its length at most, seconds.
    """
    seconds = min(size / _AUDIO_BYTES_EXPECTED, longest_s) if told_s is None else told_s
    return TokenEstimate(ceil(seconds * _AUDIO_TOKENS_EXPECTED), ceil(seconds * _SAID_EXPECTED), seconds)


def _texts(message: Message) -> list[str]:
    content = message.content
    texts = [content] if isinstance(content, str) else [p.text for p in content if isinstance(p, TextPart)]
    if not (message.name or message.tool_calls or message.tool_call_id):  # most turns by far
        return texts
    if message.name:
        texts.append(message.name)
    for call in message.tool_calls:
        texts += (call.id, call.name, _spread(call.arguments), call.extra)
    if message.tool_call_id:
        texts.append(message.tool_call_id)
    return texts


def _images(request: ChatRequest) -> int:
    mixed = [message.content for message in request.messages if not isinstance(message.content, str)]
    return sum(isinstance(part, ImagePart) for parts in mixed for part in parts) if mixed else 0


def _schemas(request: ChatRequest) -> Iterator[Any]:
    for tool in request.tools:
        yield _as_json(tool)
    if request.response_schema is not None:
        yield request.response_schema


def _as_json(tool: ToolSpec) -> Mapping[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _spread(value: object) -> str:
    """Return the longest JSON that a chat template writes: indented, every other script escaped."""
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            parsed = ""
        return max(json.dumps(value), json.dumps(parsed, indent=4), key=len)
    return json.dumps(value, indent=4, default=str)
