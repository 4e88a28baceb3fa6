"""Ids made for the messages of a log: stable, apart, in the order of time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wompcore.db import Database
from wompcore.errors import LogLineInvalid, LogSourcesFull
from wompcore.ids import snowflake_time
from wompcore.ingest.logs import LogRecord, open_log
from wompcore.ingest.logs_ids import (
    LAST_SOURCE,
    LogIds,
    RealIds,
    fingerprint,
    ids_for_import,
    ids_for_replay,
    person_id,
)
from wompcore.repos.log_sources import LogSourceRepository

START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def record(id: int, ms: int = 0, channel: str = "general", author: str = "ann", **more) -> LogRecord:
    return LogRecord(1, id, channel, author, START + timedelta(milliseconds=ms), "hi", **more)


# Few milliseconds, channels and ids that are equal modulo 4,096: collisions are the rule here.
crowded = st.lists(
    st.builds(
        record,
        st.integers(0, 3).map(lambda n: n * 4096) | st.integers(-(2**70), 2**70),
        st.integers(0, 3),
        st.sampled_from(["a", "b"]),
    ),
    max_size=60,
    unique_by=lambda r: (r.at, r.channel, r.id),
)


@given(crowded)
def test_different_messages_never_share_an_id(records):
    ids = LogIds(1)
    assert len({ids.id_of(r) for r in records}) == len(records)


@given(crowded)
def test_the_same_message_has_the_same_id_in_the_same_run_and_in_the_next(records):
    ids = LogIds(1)
    first = [ids.id_of(r) for r in records]
    assert [ids.id_of(r) for r in records] == first
    again = LogIds(1)
    assert [again.id_of(r) for r in records] == first


@given(crowded)
def test_ids_carry_the_time_and_are_ordered_by_it(records):
    ids = LogIds(1, shift_ms=5000)
    at = {ids.id_of(r): r.at for r in records}
    assert [at[id] for id in sorted(at)] == sorted(at.values())
    assert all(snowflake_time(id) == time + timedelta(seconds=5) for id, time in at.items())


@given(crowded)
def test_forgetting_what_is_past_changes_no_id(records):
    records.sort(key=lambda r: r.at)
    kept, forgotten = LogIds(1), LogIds(1, in_order=True)
    assert [forgotten.id_of(r) for r in records] == [kept.id_of(r) for r in records]


@given(crowded, st.integers(1, LAST_SOURCE), st.integers(1, LAST_SOURCE))
def test_two_logs_never_share_an_id(records, one, other):
    if one != other:
        assert not {LogIds(one).id_of(r) for r in records} & {LogIds(other).id_of(r) for r in records}


def test_more_messages_than_a_millisecond_holds_move_into_the_next():
    ids = LogIds(1, in_order=True)
    given = [ids.id_of(record(n)) for n in range(3 * 4096)]
    assert given == sorted(given)
    assert len(set(given)) == 3 * 4096
    assert snowflake_time(given[-1]) == START + timedelta(milliseconds=2)
    assert ids.id_of(record(0, ms=1)) not in given


def test_the_id_of_a_line_does_not_depend_on_lines_that_were_left_out():
    everything, repaired = LogIds(1), LogIds(1)
    everything.id_of(record(1))
    assert everything.id_of(record(2)) == repaired.id_of(record(2))


def test_a_time_that_no_id_can_hold_is_a_bad_line():
    with pytest.raises(LogLineInvalid, match="too far away"):
        LogIds(1).id_of(replace(record(1), at=datetime(1900, 1, 1, tzinfo=UTC)))


def test_times_before_2015_keep_their_order():
    ids = LogIds(1)
    old, older = (ids.id_of(replace(record(1), at=datetime(year, 2, 8, tzinfo=UTC))) for year in (2010, 2005))
    assert older < old < 0


def test_a_reply_finds_the_message_it_answers():
    ids = LogIds(1)
    answered = ids.id_of(record(7))
    assert ids.reply_to_of(record(8, reply_to=7)) == answered
    assert ids.reply_to_of(record(8, reply_to=6)) is None
    assert ids.reply_to_of(record(8, channel="elsewhere", reply_to=7)) is None
    assert ids.reply_to_of(record(8)) is None


@pytest.mark.parametrize("id", [0, -1, 2**63])
def test_a_real_id_must_be_one(id):
    with pytest.raises(LogLineInvalid):
        RealIds().id_of(record(id))


def test_people_are_told_apart_by_nickname_and_channel_name():
    ann = person_id(record(1))
    assert 0 < ann < 2**63
    assert ann == person_id(record(2))
    assert len({ann, person_id(record(1, author="Ann")), person_id(record(1, channel="other"))}) == 3
    assert person_id(record(1, author_id=42)) == 42


@pytest.fixture
def log(tmp_path: Path):
    def write(name: str = "log.jsonl", text: str = "hi"):
        path = tmp_path / name
        path.write_text(
            json.dumps({"id": 1, "channel": "c", "author": "a", "at": START.isoformat(), "text": text})
        )
        return open_log(path)

    return write


def test_a_log_is_known_by_mode_name_and_first_message(log):
    def known_by(mode: str, file) -> str:
        return fingerprint(mode, file, file.survey().first)

    prints = {known_by("import", log()), known_by("replay", log()), known_by("replay", log("other.jsonl"))}
    prints.add(known_by("replay", log(text="bye")))
    assert len(prints) == 4
    assert known_by("replay", log()) in prints


async def test_a_replayed_log_keeps_the_shift_of_the_first_time(log, db: Database):
    numbers, file = LogSourceRepository(db), log()
    survey = file.survey()
    first = await ids_for_replay(file, survey, numbers, NOW)
    later = await ids_for_replay(file, survey, numbers, NOW + timedelta(days=1))
    assert first.id_of(survey.first) == later.id_of(survey.first)
    assert snowflake_time(first.id_of(survey.first)) == NOW


async def test_importing_and_replaying_one_log_do_not_meet(log, db: Database):
    numbers, file = LogSourceRepository(db), log()
    survey = file.survey()
    imported = await ids_for_import(file, survey, numbers)
    replayed = await ids_for_replay(file, survey, numbers, START)
    assert snowflake_time(imported.id_of(survey.first)) == START
    assert imported.id_of(survey.first) != replayed.id_of(survey.first)


async def test_reading_a_log_again_takes_no_number(log, db: Database):
    numbers = LogSourceRepository(db)
    known = [await numbers.register("a", "a.jsonl", shift_ms=5) for _ in range(3)]
    other = await numbers.register("b", "b.jsonl")
    assert {(source.number, source.shift_ms) for source in known} == {(1, 5)}
    assert other.number == 2


async def test_when_all_numbers_are_taken_a_new_log_is_refused(log, db: Database):
    numbers, file = LogSourceRepository(db), log()
    survey = file.survey()
    await ids_for_import(file, survey, numbers)
    await db.execute(f"ALTER TABLE log_sources ALTER id RESTART WITH {LAST_SOURCE + 1}")
    with pytest.raises(LogSourcesFull):
        await ids_for_replay(file, survey, numbers, NOW)
    await ids_for_import(file, survey, numbers)
