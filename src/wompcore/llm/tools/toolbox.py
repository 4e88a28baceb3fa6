"""Runs the calls of one turn, all together."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from wompcore.errors import BudgetExceeded, ToolArgumentsInvalid, ToolFailed, ToolInvalid
from wompcore.llm.request import ToolCall, ToolSpec
from wompcore.llm.tools.approval import Act, Approver
from wompcore.llm.tools.result import ToolResult, ToolStatus
from wompcore.llm.tools.tool import Tool, ToolContext
from wompcore.text import bound, clean, fence

_NO_MONEY = "There is no money left for this tool. Answer without it."  # and whose is nobody's business

log = logging.getLogger(__name__)


class Toolbox:
    """The tools of a conversation.

    A call never fails towards the caller: whatever goes wrong is a result that the model can read.

    Args:
        tools: The tools, each with a name of its own.
        approver: Speaks for the asker; without one, nothing is done in anybody's name.

    Raises:
        ToolInvalid: Two tools have the same name.
    """

    def __init__(self, tools: Iterable[Tool], approver: Approver | None = None) -> None:
        self._tools: dict[str, Tool] = {}
        self._approver = approver
        self._abandoned: set[asyncio.Task[Any]] = set()
        for tool in tools:
            if self._tools.setdefault(tool.spec.name, tool) is not tool:
                raise ToolInvalid(tool.spec.name, "another tool has that name")

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is offered: act tools only when somebody can speak for the asker."""
        return tuple(t.spec for t in self._tools.values() if t.effect == "read" or self._approver)

    async def run(self, calls: Sequence[ToolCall], context: ToolContext) -> list[ToolResult]:
        """Run calls together and return their results in the same order.

        Each has its own time limit, so that all of them take as long as the slowest may.

        Args:
            calls: What the model asked for.
            context: Who asked; marked as holding outside text once a tool has spoken.
        """
        results = await asyncio.gather(*(self._answer(call, context) for call in calls))
        context.outside_text |= any(result.status in ("ok", "failed") for result in results)
        return results

    async def _answer(self, call: ToolCall, context: ToolContext) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(spec.name for spec in self.specs) or "none"
            return ToolResult(call, "unknown", f"There is no tool of that name. The tools are: {names}.")
        try:
            arguments = tool.read(call.arguments)
        except ToolArgumentsInvalid as error:
            return ToolResult(call, "bad_arguments", f"These arguments do not fit. {error.message}")
        except Exception:  # a tool's own check of its arguments is somebody else's code, too
            return ToolResult(call, "failed", _own_fault(tool))
        if tool.effect == "act" and (refusal := await self._refusal(tool, arguments, context)):
            return ToolResult(call, "refused", refusal)
        return await self._run(tool, call, arguments, context)

    async def _refusal(self, tool: Tool, arguments: Mapping[str, Any], context: ToolContext) -> str:
        """Return why an act must not be done; empty when it may."""
        who = context.attribution
        act = Act(tool.spec.name, tool.spec.description, tool.right, arguments, who)
        where = f"{act.tool} for person {who.person_id} in guild {who.guild_id}"
        if self._approver is None or who.person_id is None or who.guild_id is None:
            refusal = "Nothing can be done in anybody's name here."
        else:
            refusal = await _objection(self._approver, act, confirm=context.outside_text)
        if not refusal:
            log.info("acting: %s", where)
            return ""
        log.info("not acting: %s: %s", where, refusal)
        return refusal

    async def _run(
        self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], context: ToolContext
    ) -> ToolResult:
        began = time.monotonic()
        task = asyncio.create_task(_output(tool, arguments, context), name=f"tool {call.name}")
        try:
            # Waiting for the task instead of awaiting it: one that ignores its cancellation holds up nobody.
            await asyncio.wait((task,), timeout=tool.timeout_s)
        finally:
            if not task.done():
                self._abandon(task)
        seconds = time.monotonic() - began
        if not task.done():
            log.warning("tool %s took longer than %g s", call.name, tool.timeout_s)
            text = f"The tool did not answer within {tool.timeout_s:g} s."
            return ToolResult(call, "timed_out", text, seconds=seconds)
        if task.cancelled():  # by something inside the tool, which is no reason to end the others
            return ToolResult(call, "failed", "The tool gave up.", seconds=seconds)
        status, text, output = task.result()
        return ToolResult(call, status, text, output, seconds)

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)


async def _objection(approver: Approver, act: Act, *, confirm: bool) -> str:
    """Return why the asker would not have it done; empty when they would."""
    try:
        if not await approver.permits(act):
            return "The person who asked may not do that here."
        if confirm and not await approver.confirms(act):
            return "The person who asked did not confirm it. Do not try again."
    except Exception:
        log.exception("nobody could say whether %s may be done", act.tool)
        return "The person who asked could not be asked."
    return ""


async def _output(
    tool: Tool, arguments: Mapping[str, Any], context: ToolContext
) -> tuple[ToolStatus, str, str]:
    """Return how the tool went, what the model reads of it, and what it returned."""
    try:
        output = _as_text(await tool.call(context, arguments), tool.max_chars)
    except ToolFailed as error:
        return "failed", _fenced(tool, f"failed: {error.message}"), ""
    except BudgetExceeded as error:
        log.info("tool %s is not paid for: %s", tool.spec.name, error)
        return "failed", _NO_MONEY, ""
    except Exception:
        return "failed", _own_fault(tool), ""
    return "ok", _fenced(tool, output or "nothing"), output


def _own_fault(tool: Tool) -> str:
    """Log an exception and return what the model reads of it.

    A tool is somebody else's code: its fault must not end the reply, nor its words reach anybody.
    """
    reference = secrets.token_hex(4)
    log.exception("tool %s failed, reference %s", tool.spec.name, reference)
    return f"The tool failed for a reason of its own (reference {reference})."


def _as_text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        value = to_json(value).decode()
    return clean(bound(value, limit))


def _fenced(tool: Tool, text: str) -> str:
    return fence(text, f"result of {tool.spec.name}", limit=tool.max_chars)
