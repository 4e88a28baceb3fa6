"""A chat log through the whole bot: real database, discord.py's own parser, a model over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wompbot_cogs.demo.replay import ReplaySummary, replay_log
from wompcore.config import DatabaseSettings
from wompcore.db import Database
from wompcore.errors import LogLineInvalid, LogUnreadable

CHAT = Path(__file__).parents[3] / "shared" / "data" / "chat"
START = datetime(2005, 2, 8, 9, 56, tzinfo=UTC)


def line(n: int, author: str = "ann", text: str = "", **changes: Any) -> str:
    at = (START + timedelta(minutes=n)).isoformat()
    fields = {"id": n, "channel": "c", "author": author, "at": at, "text": text or f"line {n}"}
    return json.dumps({**fields, **changes})


class Replayer:
    """Replays logs into one database."""

    def __init__(self, folder: Path, database: DatabaseSettings) -> None:
        self._folder = folder
        self._database = database
        self.bad: list[LogLineInvalid] = []

    async def __call__(self, *lines: str, name: str = "log.jsonl", **options: Any) -> ReplaySummary:
        path = self._folder / name
        path.write_text("\n".join(lines))
        return await self.file(path, **options)

    async def file(self, path: Path, **options: Any) -> ReplaySummary:
        self.bad.clear()
        done = await replay_log(path, database=self._database, on_bad_line=self.bad.append, **options)
        assert done.messages_in == done.messages_stored + done.already_stored + done.opted_out_dropped
        return done


@pytest.fixture
def replay(tmp_path: Path, database_settings: DatabaseSettings) -> Replayer:
    return Replayer(tmp_path, database_settings)


async def test_a_log_is_stored_once_however_often_it_is_replayed(replay: Replayer):
    lines = [line(n, f"p{n % 9}") for n in range(500)]
    first = await replay(*lines)
    again = await replay(*lines)
    assert (first.messages_in, first.messages_stored, first.people, first.errors) == (500, 500, 9, 0)
    assert (again.messages_in, again.messages_stored, again.already_stored) == (500, 0, 500)


async def test_two_logs_with_the_same_ids_do_not_meet(replay: Replayer, db: Database):
    lines = [line(n) for n in range(20)]
    await replay(*lines, name="one.jsonl")
    other = await replay(*lines, name="other.jsonl")
    assert other.messages_stored == 20
    assert await db.fetch_value("SELECT count(*) FROM messages") == 40


async def test_a_log_ends_now_and_keeps_its_pauses(replay: Replayer, db: Database):
    await replay(line(0), line(600), line(605))
    times = await db.fetch_all(
        "SELECT to_timestamp(((id >> 22) + 1420070400000) / 1000.0) FROM messages ORDER BY id"
    )
    (first,), (second,), (last,) = times
    assert (second - first, last - second) == (timedelta(minutes=600), timedelta(minutes=5))
    assert abs(datetime.now(UTC) - last) < timedelta(minutes=2)


async def test_a_nickname_of_the_log_is_the_bots_part(replay: Replayer, db: Database):
    done = await replay(
        line(1, "ann", "the panel vanished after the upgrade"),
        line(2, "bob", "ubotu: what did ann say about the panel?"),
        line(3, "ubotu", "bob: !panel is restored with a command, ubotu knows"),
        line(10, "cat", "thanks ubotu, what did ann say?"),
        line(20, "cat", "ubotuism is no address"),
        as_nick="ubotu",
    )
    assert (done.addressed, done.replies, done.llm_calls, done.errors) == (2, 2, 2, 0)
    assert done.messages_stored == 5
    bots = await db.fetch_all("SELECT text FROM messages WHERE is_bot AND author_name = 'ubotu' ORDER BY id")
    assert [text for (text,) in bots].count("bob: !panel is restored with a command, ubotu knows") == 1
    assert len(bots) == 3  # one line of the log, two answers


async def test_limits_run_on_the_clock_of_the_log(replay: Replayer):
    asked = "wompbot, what did bob say?"
    soon = await replay(line(0, "bob"), line(1, text=asked), line(1, text=asked, id=2), name="soon.jsonl")
    later = await replay(line(0, "bob"), line(1, text=asked), line(2, text=asked), name="later.jsonl")
    assert (soon.addressed, soon.llm_calls) == (2, 1)
    assert (later.addressed, later.llm_calls) == (2, 2)


async def test_a_message_that_was_answered_is_not_paid_for_again(replay: Replayer, db: Database):
    lines = [line(0, "bob"), line(1, text="wompbot, what did bob say?")]
    lines.append(line(2, "bob", "I guarantee that version 4 will be released in June 2031"))
    first = await replay(*lines)
    again = await replay(*lines)
    assert (first.llm_calls, first.claim_llm_calls, first.claims_stored) == (2, 1, 1)
    assert (again.llm_calls, again.claims_stored, again.cost_usd) == (0, 0, 0)
    assert first.cost_usd == await db.fetch_value("SELECT sum(cost_usd) FROM cost_entries") > 0


async def test_malformed_lines_are_named_and_skipped(replay: Replayer):
    done = await replay(line(1), "{", line(2), "[]", line(3, at="1066-10-14"), line(4))
    assert (done.messages_in, done.bad_lines, done.errors) == (3, 3, 0)
    assert [bad.line for bad in replay.bad] == [2, 4, 5]


async def test_hostile_rows_are_stored_like_others(replay: Replayer, db: Database):
    hostile = [
        line(1, text="a\0b"),
        line(2, "\ud800", "\udfff alone"),
        line(3, text="e" + "\u0301" * 4000),
        line(4, id=2**63),
        line(5, id=-1),
        line(6, text="<@1> @everyone " * 200),
        line(7, "\0", channel="\0"),
    ]
    done = await replay(line(0), *hostile, line(8))
    assert (done.messages_in, done.messages_stored, done.bad_lines, done.errors) == (9, 9, 0, 0)
    assert await db.fetch_value("SELECT count(*) FROM parked_messages") == 0


async def test_people_who_opted_out_are_dropped(replay: Replayer, db: Database):
    lines = [line(n, "ann" if n % 2 else "bob") for n in range(10)]
    await replay(*lines, limit=2)
    await db.execute(
        "UPDATE people SET opted_out = true WHERE name = 'ann'; "
        "INSERT INTO consents (person_id, purpose, withdrawn, revision, policy, method, changed_at) "
        "SELECT id, 'messages', true, nextval('consent_revisions'), '1.0', 'test', now() "
        "FROM people WHERE name = 'ann'"
    )
    done = await replay(*lines)
    assert (done.messages_stored, done.already_stored, done.opted_out_dropped) == (4, 1, 5)


@pytest.mark.endurance(only=True)
async def test_a_limit_ends_the_replay_early_and_the_rest_follows_later(replay: Replayer):
    lines = [line(n) for n in range(50)]
    progress: list[int] = []
    first = await replay(*lines, limit=20, on_start=progress.append, on_progress=progress.append)
    rest = await replay(*lines)
    assert (first.messages_in, progress[0], progress[-1]) == (20, 20, 20)
    assert (rest.messages_stored, rest.already_stored) == (30, 20)


async def test_an_export_is_replayed_with_its_people_and_replies(replay: Replayer, db: Database):
    messages = [
        {
            "id": str(900 + n),
            "type": "Reply" if n else "Default",
            "timestamp": f"2021-07-23T10:00:0{n}.5+00:00",
            "content": f"line {n}",
            "author": {"id": str(42 + n), "name": f"p{n}", "nickname": f"P{n}", "isBot": n == 2},
            **({"reference": {"messageId": "900"}} if n else {}),
        }
        for n in range(3)
    ]
    head = {"guild": {"id": "7000", "name": "G"}, "channel": {"id": "8000", "name": "general"}}
    done = await replay(json.dumps({**head, "messages": messages}), name="general.json")
    assert (done.messages_stored, done.people, done.errors) == (3, 3, 0)
    rows = await db.fetch_all(
        "SELECT author_id, channel_id, guild_id, is_bot, reply_to_id, id FROM messages ORDER BY id"
    )
    assert [row[:4] for row in rows] == [
        (42, 8000, 7000, False),
        (43, 8000, 7000, False),
        (44, 8000, 7000, True),
    ]
    assert rows[1][4] == rows[2][4] == rows[0][5]


async def test_a_log_without_any_message_is_refused(replay: Replayer):
    with pytest.raises(LogUnreadable, match="no message that can be read"):
        await replay("nothing", "here")


@pytest.mark.skipif(not CHAT.exists(), reason="the public logs are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "nick", "messages", "people"),
    [
        pytest.param("ubuntu.jsonl", "ubotu", 31_912, 2_959, marks=pytest.mark.endurance(only=True)),
        ("rust.jsonl", None, 3_564, 253),
    ],
)
async def test_public_logs_come_through_whole(
    replay: Replayer, name: str, nick: str | None, messages: int, people: int
):
    done = await replay.file(CHAT / name, as_nick=nick)
    assert (done.messages_in, done.messages_stored, done.people) == (messages, messages, people)
    assert (done.bad_lines, done.errors) == (0, 0)
    assert done.replies == done.addressed
    again = await replay.file(CHAT / name, as_nick=nick)
    assert (again.messages_stored, again.already_stored, again.errors) == (0, messages, 0)
