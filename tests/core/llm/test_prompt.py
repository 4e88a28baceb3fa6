"""What stays comes first, what changes comes last, what others wrote is data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wompcore.llm import Message, Outside, lay_out

RULES = ["You are a bot.", "Be kind."]
TURNS = (Message("user", "hi"), Message("assistant", "hello"))


@given(st.text(), st.text(), st.text())
def test_the_beginning_is_the_same_whatever_follows(now: str, found: str, asked: str) -> None:
    page = Outside("page", found)
    one = lay_out(stable=RULES, turns=TURNS, question=Message("user", "a"))
    two = lay_out(stable=RULES, turns=TURNS, volatile=[now], outside=[page], question=Message("user", asked))
    assert one[:3] == two[:3]
    assert two[-1].content == asked


@given(st.text(max_size=300))
def test_outside_text_cannot_leave_its_fence(text: str) -> None:
    [_, now, _] = lay_out(stable=RULES, outside=[Outside("page", text)], question=Message("user", "?"))
    opening, _, rest = now.text.partition(">\n")
    mark = opening.split('"')[1]
    assert rest.count(mark) == 1
    assert now.text.endswith(f'</outside-text id="{mark}">')
    assert mark not in text


def test_without_anything_volatile_there_is_no_empty_turn() -> None:
    assert [message.role for message in lay_out(stable=RULES, question=Message("user", "?"))] == [
        "system",
        "user",
    ]
