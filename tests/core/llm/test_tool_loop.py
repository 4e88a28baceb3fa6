"""A conversation in which the model uses tools."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from llm_client import FOR, OpenClient, asking
from wompcore.llm import ChatRequest, Reply, ToolCall
from wompcore.llm.offline import offline_server
from wompcore.llm.tools import Conversation, Toolbox, ToolContext, converse, tool
from wompcore.money import ZERO, Usd, usd
from wompcore.usage import Usage

CENT = usd("0.01")


class Script:
    """A model that says what it is told to, and goes on asking for its last tools."""

    def __init__(self, *rounds: Sequence[tuple[str, str]], cost: Usd = ZERO) -> None:
        self.rounds = rounds
        self.cost = cost
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Reply:
        wanted = self.rounds[min(len(self.requests), len(self.rounds) - 1)] if request.tools else ()
        self.requests.append(request)
        calls = tuple(ToolCall(f"c{number}", name, text) for number, (name, text) in enumerate(wanted))
        text = "" if calls else "done"
        return Reply(text, calls, "stop", Usage(), "m", "p", "", 1, self.cost)


def counter() -> tuple[Toolbox, list[int]]:
    seen: list[int] = []

    @tool(effect="read")
    async def count(context: ToolContext, number: int = 0) -> int:
        """Count."""
        seen.append(number)
        context.charge(CENT)
        return number

    return Toolbox([count]), seen


async def talk(model: Script, toolbox: Toolbox, **limits: int | Decimal) -> Conversation:
    return await converse(model, asking(), toolbox, ToolContext(FOR), **limits)  # type: ignore[arg-type] # mixed


async def test_the_model_reads_each_result_under_its_calls_id() -> None:
    toolbox, seen = counter()
    model = Script([("count", '{"number": 1}'), ("nonsense", "{}")], [])
    conversation = await talk(model, toolbox)
    assert (conversation.reply.text, conversation.ended, conversation.completions) == ("done", "answered", 2)
    asked, called, *results = model.requests[1].messages
    assert asked.role == "user"
    assert [call.id for call in called.tool_calls] == [result.tool_call_id for result in results]
    assert "There is no tool" in str(results[1].content)
    assert seen == [1]


async def test_without_tools_it_is_one_completion() -> None:
    toolbox, _ = counter()
    model = Script([])
    assert (await talk(model, toolbox)).completions == 1
    assert model.requests[0].tools == toolbox.specs


async def test_rounds_are_bounded_and_the_last_question_offers_no_tools() -> None:
    toolbox, seen = counter()
    model = Script(*([("count", f'{{"number": {number}}}')] for number in range(9)))
    conversation = await talk(model, toolbox, max_rounds=3)
    assert (conversation.reply.text, conversation.ended) == ("done", "rounds")
    assert seen == [0, 1, 2]
    assert [bool(request.tools) for request in model.requests] == [True, True, True, False]


async def test_no_more_tools_are_offered_once_the_time_is_over() -> None:
    toolbox, seen = counter()
    model = Script(*([("count", f'{{"number": {number}}}')] for number in range(9)))
    conversation = await talk(model, toolbox, max_s=0)
    assert (conversation.reply.text, conversation.ended, seen) == ("done", "time", [0])


async def test_calls_are_bounded_over_all_rounds() -> None:
    toolbox, seen = counter()
    model = Script([("count", f'{{"number": {number}}}') for number in range(9)])
    conversation = await talk(model, toolbox, max_calls=4)
    assert (conversation.ended, seen) == ("calls", [0, 1, 2, 3])
    assert [result.status for result in conversation.results] == ["ok"] * 4 + ["not_run"] * 5


async def test_the_same_call_is_not_run_twice_however_it_is_written() -> None:
    toolbox, seen = counter()
    model = Script([("count", '{"number": 1}'), ("count", '{ "number":1 }')], [("count", '{"number":1}')])
    conversation = await talk(model, toolbox)
    assert (conversation.ended, conversation.reply.text, seen) == ("repeated", "done", [1])
    assert [result.status for result in conversation.results] == ["ok", "repeated", "repeated"]


async def test_the_last_answer_is_sought_while_there_is_money_for_it() -> None:
    toolbox, _ = counter()
    model = Script(*([("count", f'{{"number": {number}}}')] for number in range(9)), cost=CENT)
    conversation = await talk(model, toolbox, max_cost=6 * CENT)
    assert (conversation.ended, conversation.reply.text) == ("cost", "done")
    assert conversation.cost == 5 * CENT  # two rounds of a completion and a tool, and the answer


async def test_nothing_more_is_asked_once_the_money_is_spent() -> None:
    toolbox, _ = counter()
    model = Script([("count", "{}")], cost=CENT)
    conversation = await talk(model, toolbox, max_cost=CENT)
    assert (conversation.ended, conversation.completions, conversation.cost) == ("cost", 1, 2 * CENT)


@pytest.mark.parametrize("arguments", ["", "{", "[" * 100_000, '{"number": "x"}'])
async def test_arguments_of_any_shape_keep_the_conversation_going(arguments: str) -> None:
    toolbox, seen = counter()
    conversation = await talk(Script([("count", arguments)], []), toolbox)
    assert conversation.reply.text == "done"
    assert seen == ([0] if arguments == "" else [])


async def test_over_http_and_the_ledger_it_is_two_calls_with_tools(open_client: OpenClient) -> None:
    @tool(effect="read")
    async def dice_roll(sides: int) -> str:
        """Roll dice."""
        return f"a die of {sides} shows 4"

    async with offline_server() as server, open_client(server.base_url) as client:
        request = asking("roll the dice with 20 sides")
        conversation = await converse(client.chat, request, Toolbox([dice_roll]), ToolContext(FOR))
    assert conversation.reply.text == "dice_roll: a die of 20 shows 4"
    assert conversation.completions == 2
