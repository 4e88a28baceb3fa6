"""The library on its own: keep what is said, ask a model, let it use a tool, see the cost. No Discord."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from wompcore import ChatMessage, ChatRequest, Core, CoreSettings, Message
from wompcore.ids import snowflake_at
from wompcore.llm.offline import MODEL, offline_server
from wompcore.llm.tools import Toolbox, ToolContext, converse, tool
from wompcore.money import show_usd
from wompcore.usage import Attribution, Purpose

ANNA, BEN, CHANNEL = 1, 2, 10


async def main() -> None:
    """Open everything, have a short chat, and close everything."""
    async with offline_server() as server:
        settings = CoreSettings.model_validate(
            {
                "llm": {"base_url": server.base_url, "model": MODEL},
                "costs": {"prices": {MODEL: {"input": "0.14", "output": "0.28"}}},
            }
        )
        async with Core.open(settings, temporary=True) as core:
            await talk(core)
            await roll(core)


async def talk(core: Core) -> None:
    """Keep what may be kept, ask about it, and tell what it cost."""
    await core.consent.withdraw(BEN, method="example")
    chat = [
        said(core, ANNA, "Anna", "The meeting is on Thursday at ten."),
        said(core, BEN, "Ben", "Psst, not for the record."),
    ]
    for message in chat:
        core.messages.add(message)
    await core.messages.flush()
    print(f"kept:  {core.messages.counts.stored} of {len(chat)} messages")

    shown = tuple(Message("user", message.text, message.author_name) for message in chat if message.allowed)
    question = Message("user", "When is the meeting?")
    reply = await core.llm.complete(ChatRequest((*shown, question), Attribution(Purpose.CHAT)))
    print(f"model: {reply.text}")
    print(f"cost:  {show_usd(reply.cost)}, this month {show_usd(await core.ledger.month_total())}")


@tool(effect="read", timeout_s=2.0)
async def roll_dice(sides: Annotated[int, Field(ge=2, le=1000)] = 6) -> str:
    """Roll a die.

    Args:
        sides: How many sides it has.
    """
    return f"a die of {sides} sides shows {1 + secrets.randbelow(sides)}"


async def roll(core: Core) -> None:
    """Ask for a roll and print what the model makes of it."""
    asker = Attribution(Purpose.CHAT, person_id=ANNA)
    request = ChatRequest((Message("user", "Please roll the dice!"),), asker)
    conversation = await converse(core.llm, request, Toolbox([roll_dice]), ToolContext(asker))
    for result in conversation.results:
        print(f"tool:  {result.call.name} {result.call.arguments} -> {result.status}")
    print(f"model: {conversation.reply.text}")


def said(core: Core, author_id: int, name: str, text: str) -> ChatMessage:
    """Make a message that carries the consent gate's answer."""
    at = snowflake_at(datetime.now(UTC), low=author_id)
    return ChatMessage(at, CHANNEL, author_id, name, text, allowed=core.consent.allows(author_id))


if __name__ == "__main__":
    asyncio.run(main())
