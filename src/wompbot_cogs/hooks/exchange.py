"""What hooks are given and what they return."""

from __future__ import annotations

from dataclasses import dataclass

from wompcore.money import Usd


@dataclass(frozen=True, slots=True)
class PromptPart:
    """Something the model shall know for a reply. It is shown as a plugin's words, not as a rule.

    Args:
        text: What; up to 1,000 characters.
        stable: It stays the same from reply to reply. Such parts come first, so that the provider can
            keep them in its cache.
    """

    text: str
    stable: bool = True


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """A reply that somebody asks for.

    Args:
        message_id: The message that asks.
        channel_id: Where.
        guild_id: The guild; ``None`` in a direct message.
        person_id: Who asks.
        person_name: Their name as shown.
        text: What they ask, without the address.
        allowed: Whether what they write may be kept.
    """

    message_id: int
    channel_id: int
    guild_id: int | None
    person_id: int
    person_name: str
    text: str
    allowed: bool


@dataclass(frozen=True, slots=True)
class Decline:
    """A plugin's word that a request is not answered.

    Args:
        reason: What the asker reads instead; up to 500 characters.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something the model shall know for this one reply; up to 500 characters.

    Args:
        text: What.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ReplyGiven:
    """A reply that was delivered.

    Args:
        request: What was asked.
        message_id: The answer's first message.
        text: The answer.
        tools: Names of the tools that ran.
        cost: What it cost, tools included.
    """

    request: ReplyRequest
    message_id: int
    text: str
    tools: tuple[str, ...]
    cost: Usd


@dataclass(frozen=True, slots=True)
class Health:
    """How a plugin finds itself.

    Args:
        well: Whether it can do its work.
        text: Why not, or how it is; up to 200 characters.
    """

    well: bool
    text: str = ""
