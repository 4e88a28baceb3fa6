"""Answers as validated objects."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel, Field, RootModel, ValidationError

from llm_client import OpenClient, asking
from wompcore.llm import StructuredAnswerInvalid
from wompcore.llm.offline import Fault, offline_server
from wompcore.llm.structured import Shape

GOOD = '{"points": 7, "why": "fair"}'
BAD = '{"points": 70, "why": "sk-quoted"}'


class Score(BaseModel):
    points: int = Field(ge=0, le=10)
    why: str


class Tree(BaseModel):
    below: list[Tree]


def saying(text: str) -> Fault:
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return Fault(body=json.dumps({"choices": [choice]}).encode())


async def test_an_answer_comes_as_an_object(open_client: OpenClient) -> None:
    async with offline_server(record=1) as server, open_client(server.base_url) as client:
        score = await client.chat.ask(asking("3 of them"), Score)
    assert score.points == 3
    sent = json.loads(server.recorded[0].body)["response_format"]["json_schema"]["schema"]
    assert sent == Score.model_json_schema()


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        (list[Score], f'{{"answer": [{GOOD}, {GOOD}]}}', [Score(points=7, why="fair")] * 2),
        (list[Score], f"```json\n[{GOOD}]\n```", [Score(points=7, why="fair")]),
        (list[int], "Here: [1, 2]", [1, 2]),
        (RootModel[list[date]], '{"answer": ["2026-01-31"]}', RootModel[list[date]]([date(2026, 1, 31)])),
        (int, '{"answer": 7}', 7),
        (int, "7", 7),
        (Tree, '{"answer": {"below": [{"below": []}]}}', Tree(below=[Tree(below=[])])),
        (dict[str, int], '{"a": 1}', {"a": 1}),
    ],
)
async def test_any_shape_is_asked_for_as_an_object_and_taken_out_of_it(
    open_client: OpenClient, kind: Any, said: str, meant: object
) -> None:
    async with offline_server(faults=[saying(said)], record=1) as server:
        async with open_client(server.base_url) as client:
            assert await client.chat.ask(asking(), kind) == meant
        sent = json.loads(server.recorded[0].body)["response_format"]["json_schema"]["schema"]
    assert sent["type"] == "object"


async def test_the_stand_in_answers_in_any_shape(open_client: OpenClient) -> None:
    async with offline_server() as server, open_client(server.base_url) as client:
        assert await client.chat.ask(asking("3 of them"), int) == 3


async def test_a_list_that_is_wrong_inside_is_sent_back_with_where(open_client: OpenClient) -> None:
    answers = [saying(f'{{"answer": [{GOOD}, {BAD}]}}'), saying(f'{{"answer": [{GOOD}]}}')]
    async with (
        offline_server(faults=answers, record=2) as server,
        open_client(server.base_url) as client,
    ):
        assert await client.chat.ask(asking(), list[Score]) == [Score(points=7, why="fair")]
    *_, told = json.loads(server.recorded[1].body)["messages"]
    assert "answer.1.points: Input should be less than or equal to 10" in told["content"]


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
    assert Shape(Score).parse(text).points == 7


@pytest.mark.parametrize("text", ["", "}{", "null", "[]", "{", '{"points": 1}'])
def test_anything_else_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValidationError):
        Shape(Score).parse(text)
