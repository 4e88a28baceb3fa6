"""What a call to a model used, and what for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wompcore.money import Usd


class Purpose(StrEnum):
    """Why a model, or another paid service, is called: the closed list that the ledger groups by."""

    CHAT = "chat"
    CLAIM_CHECK = "claim_check"
    HOT_TAKE = "hot_take"
    CLAIM_CONTRADICTION = "claim_contradiction"
    EMBEDDING = "embedding"
    FACT_CHECK = "fact_check"
    PROBE = "probe"
    SEARCH = "search"
    PLUGIN = "plugin"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by class. ``input`` includes the cached ones; ``output`` includes reasoning.

    Args:
        input: Tokens of the prompt.
        output: Tokens of the answer.
        cached_input: Part of ``input`` that the provider read from its cache.
        cache_write: Part of ``input`` that the provider wrote to its cache.
        reasoning: Part of ``output`` spent on reasoning that is not shown.
        cost: What the provider says the call cost, when it says so.
        estimated: The provider reported nothing; the numbers are ours.
        audio: Part of ``input`` that is sound.
        audio_s: Seconds of sound, beside any tokens; some providers charge by them.
        images: Images that are charged by the piece.
    """

    input: int = 0
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cost: Usd | None = None
    estimated: bool = False
    audio: int = 0
    audio_s: float = 0.0
    images: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return both together; the provider's cost is known when it is for both."""
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached_input=self.cached_input + other.cached_input,
            cache_write=self.cache_write + other.cache_write,
            reasoning=self.reasoning + other.reasoning,
            audio=self.audio + other.audio,
            audio_s=self.audio_s + other.audio_s,
            images=self.images + other.images,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
            estimated=self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who and what a call is for.

    Args:
        purpose: Why.
        plugin: Id of the plugin that asked.
        guild_id: Where, if in a guild.
        channel_id: Where.
        person_id: For whom.
        message_id: The message that caused it.
    """

    purpose: Purpose
    plugin: str | None = None
    guild_id: int | None = None
    channel_id: int | None = None
    person_id: int | None = None
    message_id: int | None = None
