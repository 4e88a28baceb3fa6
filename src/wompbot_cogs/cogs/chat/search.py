"""Web search as a tool of the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from wompcore.errors import SearchFailed, ToolFailed
from wompcore.llm.tools import Tool, ToolContext, tool
from wompcore.search import QUERY_CHARS, Found, as_text
from wompcore.usage import Attribution


def web_search_tool(find: Callable[[str, Attribution], Awaitable[Found]]) -> Tool:
    """Return the tool that lets a model search the web with ``find``."""

    @tool(effect="read")
    async def web_search(
        context: ToolContext, query: Annotated[str, Field(min_length=2, max_length=QUERY_CHARS)]
    ) -> str:
        """Search the web.

        For what changes or what you do not know: news, prices, scores, who holds an office, facts to
        check. Not for small talk, opinions, or what was said in this chat. Name the page you rely on.

        Args:
            context: Who asks.
            query: What to look for, as one would type it into a search engine.
        """
        try:
            found = await find(query, context.attribution)
        except SearchFailed as error:
            raise ToolFailed("web search does not answer right now") from error
        context.charge(found.cost)
        return as_text(found.results) or "nothing was found"

    return web_search
