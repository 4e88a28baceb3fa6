"""Contradictions: a new claim against the author's older ones, found by index and judged by one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator

from wompcore.claims.checker import Consent, FoundClaim, Model
from wompcore.clock import Clock
from wompcore.llm import ChatRequest, Message
from wompcore.repos.contradictions import Candidates, ClaimSaid, Contradiction, ContradictionBook
from wompcore.text import FENCE_RULE, bound, clean, fence
from wompcore.usage import Attribution, Purpose

EXPLANATION_CHARS: Final = 300
"""Length of an explanation as it is stored, characters."""

_MAX_TOKENS: Final = 200  # this and the temperature: spec 04, section 3
_TEMPERATURE: Final = 0.1

Recall = Callable[[int], Awaitable[Candidates | None]]
"""Finds what the claim of a message could contradict; ``None`` for nothing."""


def _explanation(value: object) -> object:
    return bound(" ".join(clean(value).split()), EXPLANATION_CHARS) if isinstance(value, str) else value


class ContradictionAnswer(BaseModel):
    """What the model says about a claim and those before it."""

    contradicts: bool
    claim_number: int
    explanation: Annotated[str, BeforeValidator(_explanation)]


class Contradictions:
    """Finds and keeps contradictions.

    Args:
        book: Where they are kept.
        model: Who is asked.
        consent: Asked before the model is, and again before anything is stored.
        clock: Times a finding.
        model_name: The model to ask; empty for the configured chat model.
        recall: Finds the candidates; by the words they share when left out.

    Attributes:
        book: Where they are kept.
    """

    def __init__(
        self,
        book: ContradictionBook,
        model: Model,
        consent: Consent,
        clock: Clock,
        *,
        model_name: str = "",
        recall: Recall | None = None,
    ) -> None:
        self.book = book
        self._model = model
        self._consent = consent
        self._clock = clock
        self._model_name = model_name
        self._recall = recall or book.candidates
        instructions = files("wompcore.claims").joinpath("contradiction_check.md").read_text(encoding="utf-8")
        self._system = Message("system", f"{instructions}\n{FENCE_RULE}")

    async def check(self, found: FoundClaim) -> Contradiction | None:
        """Compare a claim that was just stored with older ones of its author in the guild.

        Returns:
            The contradiction, stored; ``None`` when there is none, or nothing to compare with.

        Raises:
            ModelError: There was no usable answer.
            BudgetExceeded: There is no money for it.
            DatabaseError: The database is away.
        """
        author_id = found.message.author_id
        if not self._consent.allows(author_id):
            return None
        candidates = await self._recall(found.message.id)
        if candidates is None:
            return None
        answer = await self._model.ask(self._request(found, candidates), ContradictionAnswer)
        older = _named(answer, candidates)
        if older is None or not self._consent.allows(author_id):
            return None
        if not await self.book.store(candidates.claim, older, answer.explanation, self._clock.now()):
            return None
        name = found.message.author_name
        return Contradiction(candidates.claim, older, author_id, name, answer.explanation)

    def _request(self, found: FoundClaim, candidates: Candidates) -> ChatRequest:
        fences = [fence(each.text, f"earlier claim {n}") for n, each in enumerate(candidates.older, start=1)]
        fences.append(fence(candidates.claim.text, "new claim"))
        message = found.message
        return ChatRequest(
            messages=(self._system, Message("user", "\n".join(fences))),
            attribution=Attribution(
                Purpose.CLAIM_CONTRADICTION,
                guild_id=message.guild_id,
                channel_id=message.channel_id,
                person_id=message.author_id,
                message_id=message.id,
            ),
            model=self._model_name,
            max_tokens=_MAX_TOKENS,
            temperature=_TEMPERATURE,
        )


def _named(answer: ContradictionAnswer, candidates: Candidates) -> ClaimSaid | None:
    """Return the claim that an answer names, if it is one of those it was shown."""
    if answer.contradicts and 1 <= answer.claim_number <= len(candidates.older):
        return candidates.older[answer.claim_number - 1]
    return None
