"""What one plugin may ask of the others, on the conversation it leads or on how they are."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from wompbot_cogs.errors import HookTimedOut
from wompbot_cogs.hooks.exchange import Decline, Health, Note, ReplyGiven, ReplyRequest
from wompbot_cogs.hooks.registry import Answer, Hooks
from wompbot_cogs.hooks.running import begin, timed
from wompcore.errors import NotOpen, ToolFailed
from wompcore.llm.tools import Tool, ToolContext
from wompcore.money import ZERO
from wompcore.text import fence
from wompcore.usage import Attribution

_log = logging.getLogger(__name__)

_GRACE_S = 1.0
_PARTS_CHARS = 6_000
_FENCES = 256


@dataclass(frozen=True, slots=True)
class PluginPrompt:
    """What plugins tell the model, fenced.

    Args:
        stable: What stays the same from reply to reply; belongs before everything that changes.
        varying: What does not.
    """

    stable: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordBefore:
    """What plugins say of a request.

    Args:
        declined: What the asker reads when it is not answered; empty when no reason is given.
        notes: What the model shall know, fenced.
    """

    declined: str | None = None
    notes: tuple[str, ...] = ()


class PluginHooks:
    """Asks the other plugins on behalf of one.

    Args:
        hooks: The hooks.
        plugin: The id of the plugin that asks.
    """

    def __init__(self, hooks: Hooks, plugin: str) -> None:
        self._hooks = hooks
        self._plugin = plugin
        self._fences: dict[tuple[str, str], str] = {}

    async def tools(self, asker: Attribution, own: Iterable[Tool] = ()) -> list[Tool]:
        """Return the tools for one reply: the leader's own and those that plugins offer.

        A name is given once. Who comes later is told in the log whose it is.

        Args:
            asker: Who asks, and where.
            own: The leader's own tools.
        """
        tools = list(own)
        owners = {tool.spec.name: self._plugin for tool in tools}
        for answer in await self._hooks.ask("tools", asker=asker):
            for tool in answer.value:
                name = tool.spec.name
                if name in owners:
                    _log.warning(
                        "tool '%s' of plugin %s is not offered: plugin %s has one of that name",
                        name,
                        answer.plugin,
                        owners[name],
                    )
                    continue
                owners[name] = answer.plugin
                tools.append(_of_plugin(tool, answer))
        return tools

    async def prompt_parts(self, asker: Attribution) -> PluginPrompt:
        """Return what plugins tell the model for one reply, fenced as theirs.

        Args:
            asker: Who asks, and where.
        """
        stable, varying = [], []
        left = _PARTS_CHARS
        for answer in await self._hooks.ask("prompt_parts", asker=asker):
            for part in answer.value:
                left -= len(part.text)
                if left < 0:
                    _log.warning(
                        "a prompt part of plugin %s is left out: all together are too long", answer.plugin
                    )
                elif part.stable:
                    stable.append(self._fenced(answer.plugin, part.text))
                else:
                    varying.append(fence(part.text, f"plugin {answer.plugin}"))
        return PluginPrompt(tuple(stable), tuple(varying))

    async def before_reply(self, request: ReplyRequest) -> WordBefore:
        """Return what plugins say of a request: whether it is declined, and notes for the model.

        Args:
            request: What is asked.
        """
        answers = await self._hooks.ask("before_reply", request=request)
        declined = [answer.value.reason for answer in answers if isinstance(answer.value, Decline)]
        notes = [
            fence(answer.value.text, f"note of plugin {answer.plugin}")
            for answer in answers
            if isinstance(answer.value, Note) and answer.value.text
        ]
        return WordBefore(declined[0] if declined else None, tuple(notes))

    def after_reply(self, reply: ReplyGiven) -> None:
        """Tell plugins of a reply that was delivered; nobody waits for them.

        Args:
            reply: The reply.
        """
        self._hooks.tell("after_reply", reply=reply)

    async def health(self) -> dict[str, Health]:
        """Return how plugins find themselves, by id; those without an opinion are left out."""
        return await healths(self._hooks)

    def _fenced(self, plugin: str, text: str) -> str:
        """Fence a text with the same mark as before, so that a prompt that starts alike can be cached."""
        if len(self._fences) >= _FENCES:
            self._fences.clear()
        return self._fences.setdefault((plugin, text), fence(text, f"plugin {plugin}"))


async def healths(hooks: Hooks) -> dict[str, Health]:
    """Return how plugins find themselves, by id; those without an opinion are left out."""
    answers = await hooks.outcomes("health")
    said = {answer.plugin: answer.value for answer in answers if answer.value is not None}
    return said | {answer.plugin: Health(False, "it cannot say") for answer in answers if answer.failed}


def _of_plugin(tool: Tool, answer: Answer) -> Tool:
    """Make a tool run in the scope of its plugin, in its time, and under its name."""

    async def function(context: ToolContext, /, **arguments: Any) -> Any:
        own = replace(context, attribution=replace(context.attribution, plugin=answer.plugin), spent=ZERO)
        run = partial(_call, tool, answer.plugin, own, arguments)
        try:
            value, failure = await begin(answer.scope.start, run)
        except NotOpen as error:
            raise ToolFailed("it is being updated") from error
        except HookTimedOut as error:
            raise ToolFailed(f"it did not answer within {tool.timeout_s:g} s") from error
        finally:
            context.charge(own.spent)
        if failure is not None:
            raise failure
        return value

    return replace(tool, function=function, takes_context=True, timeout_s=tool.timeout_s + _GRACE_S)


async def _call(
    tool: Tool, plugin: str, context: ToolContext, arguments: dict[str, Any]
) -> tuple[Any, ToolFailed | None]:
    """Call a tool; what it says of its failure itself is an answer, and no fault of the plugin."""
    call = partial(tool.call, context, arguments)
    try:
        return await timed(plugin, f"tool '{tool.spec.name}'", tool.timeout_s, call), None
    except ToolFailed as failure:
        return None, failure
