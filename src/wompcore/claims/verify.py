"""The claim check: what the model is asked, and what counts as an answer. Pure."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from wompcore.events import ChatMessage
from wompcore.llm import ChatRequest, Message
from wompcore.text import FENCE_RULE, bound, clean, fence
from wompcore.usage import Attribution, Purpose

CLAIM_CHARS: Final = 500
"""Length of a claim as it is stored, characters."""

CONTEXT_CHARS: Final = 300
"""Length of one line of context, characters."""

_MAX_TOKENS: Final = 300  # this and the temperature: spec 04, section 1
_TEMPERATURE: Final = 0.2


def _claim_text(value: object) -> object:
    return bound(clean(value).strip(), CLAIM_CHARS) if isinstance(value, str) else value


class ClaimAnswer(BaseModel):
    """What the model says about a message."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})

    is_trackable: bool
    claim_text: Annotated[str, BeforeValidator(_claim_text)]
    claim_type: Literal["prediction", "fact", "opinion", "guarantee"]
    confidence_level: Literal["certain", "probable", "uncertain"]
    reasoning: str


class ClaimPrompt:
    """Asks a model about a message.

    Args:
        model: The model's name; empty for the configured chat model.
    """

    def __init__(self, model: str = "") -> None:
        instructions = files("wompcore.claims").joinpath("claim_check.md").read_text(encoding="utf-8")
        self._system = Message("system", f"{instructions}\n{FENCE_RULE}")
        self._schema = ClaimAnswer.model_json_schema()
        self._model = model

    def request(self, message: ChatMessage, context: str) -> ChatRequest:
        """Return the request for one message.

        Args:
            message: The message to judge.
            context: What was said before it, a line each.
        """
        fences = [fence(message.text, f"message of {message.author_name}")]
        if context:
            fences.insert(0, fence(context, "what was said before"))
        return ChatRequest(
            messages=(self._system, Message("user", "\n".join(fences))),
            attribution=Attribution(
                Purpose.CLAIM_CHECK,
                guild_id=message.guild_id,
                channel_id=message.channel_id,
                person_id=message.author_id,
                message_id=message.id,
            ),
            model=self._model,
            max_tokens=_MAX_TOKENS,
            temperature=_TEMPERATURE,
            response_schema=self._schema,
        )


def context_line(message: ChatMessage) -> str:
    """Return a message as one line of context, ``name: text``."""
    return f"{message.author_name}: {bound(' '.join(message.text.split()), CONTEXT_CHARS)}"


def read_answer(text: str) -> ClaimAnswer | None:
    """Return the model's answer, or ``None`` when it is not one.

    Args:
        text: The reply; words around the JSON object are forgiven.
    """
    try:
        return ClaimAnswer.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError:
        return None
