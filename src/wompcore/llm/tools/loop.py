"""A conversation with tools: ask, run what is asked for, ask again, until there is an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

from wompcore.llm.reply import Reply
from wompcore.llm.request import ChatRequest, ToolCall
from wompcore.llm.tools.result import ToolResult
from wompcore.llm.tools.tool import ToolContext
from wompcore.llm.tools.toolbox import Toolbox
from wompcore.money import Usd

Ending: TypeAlias = Literal["answered", "rounds", "calls", "cost", "time", "repeated"]
"""Why no more tools ran: the model had enough, or a limit was reached."""

_REPEATED = "You made this very call before; its result stands above. Answer with what you have."
_NOT_RUN = "No more calls are allowed. Answer with what you have."


class Model(Protocol):
    """Completes requests, as :class:`wompcore.llm.ChatClient` does."""

    async def complete(self, request: ChatRequest) -> Reply:
        """Return the completion of a request."""
        ...


@dataclass(frozen=True, slots=True)
class Conversation:
    """How it went.

    Args:
        reply: The last completion; it may hold no text when money ran out before the model answered.
        results: Every call's result, in the order they were asked for.
        completions: How often the model was asked.
        cost: What it all cost, tools included.
        ended: Why no more tools ran.
    """

    reply: Reply
    results: tuple[ToolResult, ...]
    completions: int
    cost: Usd
    ended: Ending


async def converse(
    model: Model,
    request: ChatRequest,
    toolbox: Toolbox,
    context: ToolContext,
    *,
    max_rounds: int = 4,
    max_calls: int = 16,
    max_cost: Usd | None = None,
    max_s: float = 120.0,
) -> Conversation:
    """Let a model use tools until it answers.

    When a limit is reached the model is asked one last time, without tools. A call that is made again
    with the same arguments is not run again; a round of nothing else ends the use of tools.

    Args:
        model: Who is asked.
        request: What to ask; the toolbox's tools are offered with it.
        toolbox: The tools.
        context: Who asked.
        max_rounds: Rounds of tools at most.
        max_calls: Calls that are run at most, all rounds together.
        max_cost: Dollars after which the model is not asked again. The last time comes while there is
            money for it: when less is left than two rounds like the one before. ``None`` for no limit.
        max_s: Seconds after which no more tools are offered.

    Raises:
        WompError: A completion failed; what was spent until then is recorded.
    """
    asked = replace(request, tools=toolbox.specs)
    made = _Calls(max_calls)
    results: list[ToolResult] = []
    replies: list[Reply] = []
    charged = context.spent
    until = time.monotonic() + max_s

    def paid() -> Usd:
        return sum((reply.cost for reply in replies), context.spent - charged)

    while True:
        before = paid()
        reply = await model.complete(asked)
        replies.append(reply)
        if not reply.tool_calls or not asked.tools:
            return Conversation(reply, tuple(results), len(replies), paid(), made.ended or "answered")
        answers = await made.run(reply.tool_calls, toolbox, context)
        results += answers
        if max_cost is not None and paid() >= max_cost:
            return Conversation(reply, tuple(results), len(replies), paid(), "cost")
        if max_cost is not None and max_cost - paid() < 2 * (paid() - before):
            made.ended = "cost"
        elif len(replies) >= max_rounds:
            made.ended = made.ended or "rounds"
        elif time.monotonic() >= until:
            made.ended = made.ended or "time"
        asked = replace(
            asked,
            messages=(*asked.messages, reply.message(), *(answer.message() for answer in answers)),
            tools=() if made.ended else asked.tools,
        )


class _Calls:
    """Which calls were made, and how many may still be."""

    def __init__(self, allowed: int) -> None:
        self.ended: Ending | None = None
        self._allowed = allowed
        self._made: set[tuple[str, str]] = set()

    async def run(
        self, calls: Sequence[ToolCall], toolbox: Toolbox, context: ToolContext
    ) -> list[ToolResult]:
        """Run the new ones and answer the others; in the calls' order."""
        answers: dict[int, ToolResult] = {}
        fresh: dict[int, ToolCall] = {}
        for index, call in enumerate(calls):
            key = call.name, _normal(call.arguments)
            if key in self._made:
                answers[index] = ToolResult(call, "repeated", _REPEATED)
            elif len(self._made) >= self._allowed:
                answers[index] = ToolResult(call, "not_run", _NOT_RUN)
                self.ended = "calls"
            else:
                self._made.add(key)
                fresh[index] = call
        if not fresh and self.ended is None:
            self.ended = "repeated"
        ran = await toolbox.run(tuple(fresh.values()), context)
        answers.update(zip(fresh, ran, strict=True))
        return [answers[index] for index in range(len(calls))]


def _normal(arguments: str) -> str:
    """Return arguments so that the same ones are the same text."""
    try:
        return json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments
