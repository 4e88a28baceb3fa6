"""The claim check: what the model is asked, and what counts as an answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from wompcore.claims.due import due_date
from wompcore.events import ChatMessage
from wompcore.llm import ChatRequest, Message
from wompcore.text import FENCE_RULE, bound, clean, fence
from wompcore.usage import Attribution, Purpose

CLAIM_CHARS: Final = 500
"""Length of a claim as it is stored, characters."""

CONTEXT_CHARS: Final = 300
"""Length of one line of context, characters."""

HORIZON_CHARS: Final = 100
"""Length of what a claim says about its time, characters."""

_MAX_TOKENS: Final = 300  # of one answer; this and the temperature: spec 04, section 1
_TEMPERATURE: Final = 0.2
_WORD: Final = re.compile(r"\w+")


def _at_most(chars: int) -> BeforeValidator:
    return BeforeValidator(
        lambda value: bound(clean(value).strip(), chars) if isinstance(value, str) else value
    )


class ClaimAnswer(BaseModel):
    """What the model says about a message."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})

    is_trackable: bool
    claim_text: Annotated[str, _at_most(CLAIM_CHARS)]
    claim_type: Literal["prediction", "fact", "opinion", "guarantee"]
    confidence_level: Literal["certain", "probable", "uncertain"]
    reasoning: str
    time_horizon: Annotated[str, _at_most(HORIZON_CHARS)] = ""
    due_date: str | None = None

    def due_on(self, said_on: date) -> date | None:
        """Return the last day on which it can come true; facts and opinions have none.

        Args:
            said_on: The day on which it was said, where it was said.
        """
        return due_date(self.due_date, said_on) if self.claim_type in ("prediction", "guarantee") else None


class NumberedAnswer(ClaimAnswer):
    """What the model says about one message of several."""

    number: int


class BatchAnswer(BaseModel):
    """What the model says about several messages."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})

    answers: tuple[NumberedAnswer, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the model is shown it.

    Args:
        message: The message to judge.
        before: What was said before it, oldest first.
        said_on: The day on which it was said, where it was said.
    """

    message: ChatMessage
    before: Sequence[ChatMessage]
    said_on: date


class ClaimPrompt:
    """Asks a model about messages.

    Args:
        model: The model's name; empty for the configured chat model.
    """

    def __init__(self, model: str = "") -> None:
        one, several = (
            files("wompcore.claims").joinpath(name).read_text(encoding="utf-8")
            for name in ("claim_check.md", "claim_batch.md")
        )
        last = "The last fenced text is the message; what stands before it only helps to understand it."
        self._system = Message("system", f"{one}\n{last}\n{FENCE_RULE}")
        self._batch_system = Message("system", f"{one}\n{several}\n{FENCE_RULE}")
        self._schema = ClaimAnswer.model_json_schema()
        self._batch_schema = BatchAnswer.model_json_schema()
        self._model = model

    def request(self, shown: Shown) -> ChatRequest:
        """Return the request for one message."""
        message = shown.message
        attribution = Attribution(
            Purpose.CLAIM_CHECK,
            guild_id=message.guild_id,
            channel_id=message.channel_id,
            person_id=message.author_id,
            message_id=message.id,
        )
        return self._request(self._system, _fenced(shown), attribution, self._schema, _MAX_TOKENS)

    def batch(self, several: Sequence[Shown]) -> ChatRequest:
        """Return the request for several messages of one guild, which the cost is booked on."""
        parts = [f"Message {number}.\n{_fenced(shown)}" for number, shown in enumerate(several, 1)]
        attribution = Attribution(Purpose.CLAIM_CHECK, guild_id=several[0].message.guild_id)
        return self._request(
            self._batch_system,
            "\n\n".join(parts),
            attribution,
            self._batch_schema,
            _MAX_TOKENS * len(several),
        )

    def _request(
        self,
        system: Message,
        text: str,
        attribution: Attribution,
        schema: Mapping[str, Any],
        max_tokens: int,
    ) -> ChatRequest:
        return ChatRequest(
            messages=(system, Message("user", text)),
            attribution=attribution,
            model=self._model,
            max_tokens=max_tokens,
            temperature=_TEMPERATURE,
            response_schema=schema,
        )


def _fenced(shown: Shown) -> str:
    fences = [fence(shown.message.text, f"message of {shown.message.author_name}")]
    if shown.before:
        context = "\n".join(map(_context_line, shown.before))
        fences.insert(0, fence(context, "what was said before"))
    return "\n".join((f"It was said on {shown.said_on:%Y-%m-%d}, a {shown.said_on:%A}.", *fences))


def _context_line(message: ChatMessage) -> str:
    return f"{message.author_name}: {bound(' '.join(message.text.split()), CONTEXT_CHARS)}"


def read_answer(text: str) -> ClaimAnswer | None:
    """Return the model's answer, or ``None`` when it is not one.

    Args:
        text: The reply; words around the JSON object are forgiven.
    """
    try:
        return ClaimAnswer.model_validate_json(_object(text))
    except ValidationError:
        return None


def read_answers(text: str, several: Sequence[Shown]) -> list[ClaimAnswer] | None:
    """Return the model's answers in the order of the messages, or ``None`` when they are not the ones.

    One answer per message and number. A claim has to be in words of its own message, so that no message
    can put one into another's mouth.

    Args:
        text: The reply; words around the JSON object are forgiven.
        several: What was asked about.
    """
    try:
        answers = sorted(
            BatchAnswer.model_validate_json(_object(text)).answers, key=lambda answer: answer.number
        )
    except ValidationError:
        return None
    if [answer.number for answer in answers] != list(range(1, len(several) + 1)):
        return None
    own = (
        not answer.is_trackable or _in_words_of(shown.message.text, answer.claim_text)
        for shown, answer in zip(several, answers, strict=True)
    )
    return list(answers) if all(own) else None


def claim_of(answer: ClaimAnswer, message: str) -> str:
    """Return what is claimed: as the model words it, if these are words of the message; else the message.

    What others said before is shown to the model, too, and must not put a claim into the author's mouth.
    """
    worded = answer.claim_text
    return worded if worded and _in_words_of(message, worded) else message


def _in_words_of(message: str, claim: str) -> bool:
    """Return whether at least half of a claim's words stand in its message."""
    said, claimed = ({*_WORD.findall(text.casefold())} for text in (message, claim))
    return 2 * len(claimed & said) >= len(claimed)


def _object(text: str) -> str:
    return text[text.find("{") : text.rfind("}") + 1]
