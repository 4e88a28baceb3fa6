"""Answers as validated objects."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field, ValidationError

from llm_client import OpenClient, asking
from wompcore.llm import StructuredAnswerInvalid
from wompcore.llm.offline import Fault, offline_server
from wompcore.llm.structured import parse


class Score(BaseModel):
    points: int = Field(ge=0, le=10)
    why: str


def saying(text: str) -> Fault:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return Fault(body=json.dumps({"choices": [choice]}).encode())


GOOD = '{"points": 7, "why": "fair"}'
BAD = '{"points": 70, "why": "sk-quoted"}'


async def test_an_answer_comes_as_an_object(open_client: OpenClient) -> None:
    async with offline_server(record=1) as server, open_client(server.base_url) as client:
        score = await client.chat.ask(asking("3 of them"), Score)
    assert score.points == 3
    sent = json.loads(server.recorded[0].body)["response_format"]["json_schema"]["schema"]
    assert sent == Score.model_json_schema()


async def test_a_bad_answer_is_sent_back_once_with_what_is_wrong(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[saying(BAD), saying(GOOD)], record=2) as server,
        open_client(server.base_url) as client,
    ):
        assert await client.chat.ask(asking(), Score) == Score(points=7, why="fair")
    _, said, told = json.loads(server.recorded[1].body)["messages"]
    assert (said["role"], said["content"]) == ("assistant", BAD)
    assert "points: Input should be less than or equal to 10" in told["content"]


async def test_a_second_bad_answer_is_an_error_that_quotes_nothing(open_client: OpenClient) -> None:
    async with (
        offline_server(faults=[saying("no idea"), saying(BAD)]) as server,
        open_client(server.base_url) as client,
    ):
        with pytest.raises(StructuredAnswerInvalid, match="points") as caught:
            await client.chat.ask(asking(), Score)
        assert server.requests == 2
    assert "sk-quoted" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"Here you are: {GOOD} Anything else?"])
def test_words_around_the_object_are_left_out(text: str) -> None:
    assert parse(Score, text).points == 7


@pytest.mark.parametrize("text", ["", "}{", "null", "[]", "{", '{"points": 1}'])
def test_anything_else_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValidationError):
        parse(Score, text)
