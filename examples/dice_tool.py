"""A function that the model may call: it asks, we roll, it answers. No key, no Discord."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

from pydantic import Field

from wompcore import ChatRequest, Core, CoreSettings, Message
from wompcore.llm.offline import MODEL, offline_server
from wompcore.llm.tools import Toolbox, ToolContext, converse, tool
from wompcore.usage import Attribution, Purpose


@tool(effect="read", timeout_s=2.0)
async def roll_dice(sides: Annotated[int, Field(ge=2, le=1000)] = 6) -> str:
    """Roll a die.

    Args:
        sides: How many sides it has.
    """
    return f"a die of {sides} sides shows {1 + secrets.randbelow(sides)}"


async def main() -> None:
    """Ask for a roll and print what the model makes of it."""
    async with offline_server() as server:
        settings = CoreSettings.model_validate(
            {
                "llm": {"base_url": server.base_url, "model": MODEL},
                "costs": {"default_price": {"input": "0", "output": "0"}},
            }
        )
        async with Core.open(settings, temporary=True) as core:
            asker = Attribution(Purpose.CHAT)
            request = ChatRequest((Message("user", "Please roll the dice!"),), asker)
            conversation = await converse(core.llm, request, Toolbox([roll_dice]), ToolContext(asker))
    for result in conversation.results:
        print(f"tool:  {result.call.name} {result.call.arguments} -> {result.status}")
    print(f"model: {conversation.reply.text}")


if __name__ == "__main__":
    asyncio.run(main())
