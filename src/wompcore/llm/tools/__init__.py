"""Functions that a model may call: declared, checked, run together, bounded."""

from __future__ import annotations

from wompcore.llm.tools.approval import Act, Approver
from wompcore.llm.tools.loop import Conversation, Ending, converse
from wompcore.llm.tools.result import ToolResult, ToolStatus
from wompcore.llm.tools.tool import Effect, Tool, ToolContext, tool
from wompcore.llm.tools.toolbox import Toolbox

__all__ = [
    "Act",
    "Approver",
    "Conversation",
    "Effect",
    "Ending",
    "Tool",
    "ToolContext",
    "ToolResult",
    "ToolStatus",
    "Toolbox",
    "converse",
    "tool",
]
