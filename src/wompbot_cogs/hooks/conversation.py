"""What plugins add to a conversation, as the one who leads it sees it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from wompbot_cogs.errors import HookTimedOut
from wompbot_cogs.hooks.registry import Answer, Hooks
from wompbot_cogs.hooks.running import begin, timed
from wompcore.errors import NotOpen, ToolFailed
from wompcore.llm.tools import Tool, ToolContext
from wompcore.money import ZERO
from wompcore.usage import Attribution

_log = logging.getLogger(__name__)

_GRACE_S = 1.0


class ConversationHooks:
    """Asks the other plugins on behalf of one that leads conversations.

    Args:
        hooks: The hooks.
        plugin: The id of the plugin that leads.
    """

    def __init__(self, hooks: Hooks, plugin: str) -> None:
        self._hooks = hooks
        self._plugin = plugin

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


def _of_plugin(tool: Tool, answer: Answer) -> Tool:
    """Make a tool run in the scope of its plugin, in its time, and under its name."""

    async def function(context: ToolContext, **arguments: Any) -> Any:
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
