"""The small parts of the demo."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from living_bot import Living
from wompbot_cogs.demo.lag import LoopLag
from wompbot_cogs.demo.log_clock import LogClock
from wompbot_cogs.demo.markup import readable
from wompbot_cogs.demo.show import Show
from wompbot_cogs.demo.talk import speaker_of, talk

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def name_of(person_id: int) -> str:
    return {42: "ann"}.get(person_id, str(person_id))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hi <@42> and <@!42>, not <@42", "hi @ann and @ann, not <@42"),
        ("**bold `code` <@42>** *slanted*", "bold code @ann slanted"),
        ("in <#42> and <#7>", "in #ann and #7"),
        (r"2 \* 3 \* 4 and \_this\_", "2 * 3 * 4 and _this_"),
        ("due <t:1795459309:d>, at <t:1795459309>", "due 2026-11-23, at 2026-11-23 18:41 UTC"),
        ("2 * 3, `a", "2 * 3, `a"),
        ("-# small\nnot -# small", "small\nnot -# small"),
    ],
)
def test_markup_is_shown_as_people_see_it(text: str, shown: str):
    assert readable(text, name_of).plain == shown


@given(st.text())
def test_no_text_breaks_the_markup(text: str):
    assert len(readable(text, name_of).plain) <= len(text) + 40 * text.count("<")


@pytest.mark.parametrize(
    ("line", "speaker", "text"),
    [
        ("hello\n", "you", "hello"),
        ("ann: hello\n", "ann", "hello"),
        ("olivia:!plugins", "olivia", "!plugins"),
        ("see https://example.org: nice", "you", "see https://example.org: nice"),
        ("\n", "you", ""),
    ],
)
def test_a_typed_line_says_who_speaks(line: str, speaker: str, text: str):
    assert speaker_of(line) == (speaker, text)


def test_the_clock_is_the_systems_until_the_log_begins():
    clock = LogClock()
    before = clock.monotonic()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    clock.advance_to(NOON - timedelta(days=2000))
    assert clock.now() == NOON - timedelta(days=2000)
    clock.advance_to(NOON)
    assert clock.now() == NOON
    clock.advance_to(NOON - timedelta(days=1))
    assert clock.now() == NOON
    assert clock.monotonic() - before >= 2000 * 86_400


async def test_lag_is_how_late_a_timer_comes():
    async with LoopLag.measuring() as lag:
        await asyncio.sleep(0.02)
        time.sleep(0.05)  # noqa: ASYNC251 - the lag to be measured
        await asyncio.sleep(0.02)
    assert lag.percentile_ms(100) >= 40
    assert lag.percentile_ms(0) <= lag.percentile_ms(50) <= lag.percentile_ms(100)


def test_without_samples_there_is_no_lag():
    assert LoopLag().percentile_ms(99) == 0


async def test_a_line_that_discord_would_not_take_does_not_end_the_talk(living: Living) -> None:
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    for line in ("x" * 2001, "wompbot, who are you?", None):
        lines.put_nowait(line)
    shown = StringIO()
    await talk(living.guild, Show(Console(file=shown), living.guild), lines)
    assert "2,000 characters" in shown.getvalue()
    assert "stand-in" in shown.getvalue()
