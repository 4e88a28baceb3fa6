"""The third stage of a hot take: a model says how controversial it is. Asked once, and never in a hurry."""

from __future__ import annotations

import logging
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from wompcore.claims.checker import Consent, when_up
from wompcore.errors import StructuredAnswerInvalid, WompError
from wompcore.llm import ChatRequest, Message
from wompcore.text import FENCE_RULE, fence
from wompcore.usage import Attribution, Purpose

if TYPE_CHECKING:
    from wompcore.repos.hot_takes import Asked, HotTakeRepository

NEUTRAL: Final = 5.0
"""The rating when the model was paid and its answer is none (spec 04, section 5)."""

_HIGHEST: Final = 10.0
_MAX_TOKENS: Final = 150  # this and the temperature: spec 04, section 5
_TEMPERATURE: Final = 0.3

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Rating(BaseModel):
    """What the model says about a hot take."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"additionalProperties": False})

    score: float = Field(allow_inf_nan=False)
    reasoning: str


class Model(Protocol):
    """Who is asked."""

    async def ask(self, request: ChatRequest, shape: type[T]) -> T:
        """Answer in a given shape."""
        ...


class Rater:
    """Has hot takes rated.

    Args:
        book: Knows which should be, and keeps the rating.
        model: Who is asked.
        consent: Asked before the model is and before its answer is kept.
        model_name: The model to ask; empty for the configured chat model.
    """

    def __init__(self, book: HotTakeRepository, model: Model, consent: Consent, model_name: str = "") -> None:
        self._book = book
        self._model = model
        self._consent = consent
        self._model_name = model_name
        instructions = files("wompcore.claims").joinpath("hot_take.md").read_text(encoding="utf-8")
        self._system = Message("system", f"{instructions}\n{FENCE_RULE}")

    async def rate(self, message_id: int) -> None:
        """Have a hot take rated if it should be and was not.

        One that could not be asked about, for want of money or of an answer, stays unrated. It is
        asked about again when somebody reacts, a quarter of an hour later at the earliest.
        """
        asked = await when_up(partial(self._book.begin_asking, message_id))
        if asked is None or not self._consent.allows(asked.author_id):
            return
        try:
            score = (await self._model.ask(self._request(asked), Rating)).score
        except StructuredAnswerInvalid:
            score = NEUTRAL
        except WompError as error:
            _log.info("hot take %d is not rated: %s", message_id, error)
            return
        if self._consent.allows(asked.author_id):
            score = max(0.0, min(_HIGHEST, score))
            await when_up(partial(self._book.rate, message_id, score))

    def _request(self, asked: Asked) -> ChatRequest:
        return ChatRequest(
            messages=(self._system, Message("user", fence(asked.text, f"message of {asked.author_name}"))),
            attribution=Attribution(
                Purpose.HOT_TAKE,
                guild_id=asked.guild_id,
                channel_id=asked.channel_id,
                person_id=asked.author_id,
                message_id=asked.message_id,
            ),
            model=self._model_name,
            max_tokens=_MAX_TOKENS,
            temperature=_TEMPERATURE,
        )
