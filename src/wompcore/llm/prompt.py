"""The layout of a prompt. Pure.

Providers keep the beginning of a prompt that they have just read, and charge less for it; one changed
character ends what can be kept. So what stays comes first and what changes comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wompcore.llm.request import Message
from wompcore.text import FENCE_RULE, fence


@dataclass(frozen=True, slots=True)
class Outside:
    """Text that others wrote: a web page, a transcript, a tool's result.

    Args:
        label: What it is, in a few words.
        text: The text itself; nothing in it is an instruction.
    """

    label: str
    text: str


def lay_out(
    *,
    stable: Sequence[str],
    turns: Iterable[Message] = (),
    volatile: Sequence[str] = (),
    outside: Sequence[Outside] = (),
    question: Message,
    outside_chars: int = 4000,
) -> tuple[Message, ...]:
    """Return the messages of a prompt: stable rules, earlier turns, what holds now, the question.

    The stable rules and the earlier turns are the same, byte for byte, whatever comes after them.
    Fences have random marks, so they are part of what changes.

    Args:
        stable: Rules that are the same in every call; the rule of the fence is added.
        turns: The conversation so far, oldest first.
        volatile: What holds for this call only, such as the date or who is asking.
        outside: Texts of others, shown as data.
        question: What is asked now.
        outside_chars: Characters of each outside text at most.
    """
    rules = Message("system", "\n\n".join([*stable, FENCE_RULE]))
    fenced = (fence(each.text, each.label, limit=outside_chars) for each in outside)
    now = "\n\n".join([*volatile, *fenced])
    return (rules, *turns, *([Message("system", now)] if now else []), question)
