"""Reading chat logs: both formats, and every way a line can be wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wompcore.errors import LogLineInvalid, LogUnreadable
from wompcore.ingest.logs import LogRecord, open_log
from wompcore.ingest.logs_lines import MAX_LINE, read_line

GOOD = {"id": 1, "channel": "general", "author": "ann", "at": "2020-01-01T00:00:00Z", "text": "hi"}


def line(**changes: Any) -> bytes:
    fields = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps(fields).encode()


@pytest.fixture
def read(tmp_path: Path):
    def _read(content: bytes, name: str = "log.jsonl") -> list[LogRecord | LogLineInvalid]:
        path = tmp_path / name
        path.write_bytes(content)
        return list(open_log(path))

    return _read


def problem(entry: LogRecord | LogLineInvalid) -> str:
    assert isinstance(entry, LogLineInvalid), entry
    return entry.problem


def test_a_line_gives_a_record(read):
    assert read(line(reply_to=7)) == [
        LogRecord(1, 1, "general", "ann", datetime(2020, 1, 1, tzinfo=UTC), "hi", reply_to=7)
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (line(text=...), "'text' is missing"),
        (line(text=None), "'text' is missing"),
        (line(author=""), "'author' is empty"),
        (line(author=["ann"]), "'author' must be text, not a list"),
        (line(id=True), "'id' must be a whole number, not true or false"),
        (line(id=1.5), "'id' must be a whole number, not a decimal"),
        (line(id="1x"), "'id' must be a whole number, not text"),
        (line(id="²"), "'id' must be a whole number, not text"),
        (line(reply_to={}), "'reply_to' must be a whole number, not an object"),
        (line(at="yesterday"), "'at' must be an ISO 8601 time, not 'yesterday'"),
        (line(at="0001-01-01T00:00:00+14:00"), "'at' must be an ISO 8601 time"),
        (line(at=5), "'at' must be text, not a number"),
    ],
)
def test_a_malformed_line_is_named_and_does_not_end_the_reading(read, raw, expected):
    before, bad, after = read(b"\n".join((line(id=1), raw, line(id=2))))
    assert (before.id, bad.line, after.id) == (1, 2, 2)
    assert problem(bad).startswith(expected)


def test_an_id_may_be_text_or_beyond_64_bits_or_negative(read):
    records = read(b"\n".join(line(id=value) for value in ("12", 2**63, -5, "-5", 10**39)))
    assert [record.id for record in records] == [12, 2**63, -5, -5, 10**39]


def test_a_time_without_zone_is_utc_and_any_zone_becomes_utc(read):
    naive, zoned = read(line(at="2020-01-01T00:00:00") + b"\n" + line(at="2020-01-01T02:00:00+02:00"))
    assert naive.at == zoned.at == datetime(2020, 1, 1, tzinfo=UTC)


def test_byte_order_mark_crlf_and_blank_lines_are_no_lines_of_the_log(read):
    records = read(b"\xef\xbb\xbf" + line(id=1) + b"\r\n\r\n  \n" + line(id=2) + b"\r\n\n")
    assert [(record.line, record.id) for record in records] == [(1, 1), (4, 2)]


def test_nul_and_lone_surrogates_are_read_as_they_are(read):
    (record,) = read(line(text="a\0b\ud800c", author="\udfff"))
    assert (record.text, record.author) == ("a\0b\ud800c", "\udfff")


def test_a_line_without_end_costs_only_itself(read):
    long = line(text="x" * 3 * MAX_LINE)
    bad, good, last = read(long + b"\n" + line(id=2) + b"\n" + long)
    assert problem(bad) == problem(last) == f"longer than {MAX_LINE:,} bytes"
    assert (good.line, good.id, last.line) == (2, 2, 3)


def test_an_empty_log_has_no_records(read):
    assert read(b"") == []


def test_a_missing_log_a_folder_and_a_forbidden_one_are_clear_errors(tmp_path: Path):
    with pytest.raises(LogUnreadable, match="no such file"):
        open_log(tmp_path / "missing")
    with pytest.raises(LogUnreadable, match="is a directory"):
        open_log(tmp_path)


def test_a_log_that_vanishes_between_two_readings_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(line())
    log = open_log(path)
    path.unlink()
    with pytest.raises(LogUnreadable, match="no such file"):
        log.survey()


@given(st.binary(max_size=300))
def test_no_bytes_on_a_line_raise(raw):
    assert isinstance(read_line(3, raw), LogRecord | LogLineInvalid)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from([*GOOD, "reply_to"]), json_values))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_value_of_a_field_raises(changes):
    entry = read_line(3, json.dumps({**GOOD, **changes}).encode())
    assert entry.line == 3


@given(
    st.integers(-(10**30), 10**30),
    st.text(min_size=1),
    st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2080, 1, 1), timezones=st.just(UTC)),
    st.text(),
)
def test_what_is_written_is_read(id, author, at, text):
    written = {"id": id, "channel": "c", "author": author, "at": at.isoformat(), "text": text}
    assert read_line(1, json.dumps(written).encode()) == LogRecord(1, id, "c", author, at, text)


def test_a_survey_tells_the_size_the_end_and_the_order(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    times = ["2020-01-02T00:00:00Z", "2020-01-03T00:00:00Z", "2020-01-01T00:00:00Z"]
    path.write_bytes(b"\n".join([b"bad", *(line(id=n, at=at) for n, at in enumerate(times))]))
    survey = open_log(path).survey()
    assert (survey.first.id, survey.records, survey.bad_lines, survey.in_order) == (0, 3, 1, False)
    assert survey.last_at == datetime(2020, 1, 3, tzinfo=UTC)


def test_a_time_that_no_id_can_hold_is_not_the_end_of_a_log(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    times = ["2020-01-02T00:00:00Z", "9999-12-31T23:59:59Z", "2020-01-03T00:00:00Z"]
    path.write_bytes(b"\n".join(line(id=n, at=at) for n, at in enumerate(times)))
    assert open_log(path).survey().last_at == datetime(2020, 1, 3, tzinfo=UTC)
    path.write_bytes(line(at=times[1]))
    with pytest.raises(LogUnreadable, match="'at' is too far away"):
        open_log(path).survey()


def test_a_log_without_a_message_names_its_first_bad_lines(tmp_path: Path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"")
    with pytest.raises(LogUnreadable, match=r"holds no message that can be read$"):
        open_log(path).survey()
    path.write_bytes(b"\n".join([b"{", b"[]", line(id=1.5), *[b"{"] * 1004]))
    with pytest.raises(LogUnreadable) as caught:
        open_log(path).survey()
    assert caught.value.problem == (
        "holds no message that can be read: line 1: not JSON; line 2: not a JSON object; "
        "line 3: 'id' must be a whole number, not a decimal; line 4: not JSON; line 5: not JSON; 1,002 more"
    )


# -- DiscordChatExporter -------------------------------------------------------------------------


def exported(**changes: Any) -> dict[str, Any]:
    return {
        "id": "868000000000000001",
        "type": "Default",
        "timestamp": "2021-07-23T10:00:00.123+02:00",
        "timestampEdited": None,
        "content": "hello",
        "author": {"id": "42", "name": "ann", "nickname": "Ann A.", "isBot": False},
        "attachments": [],
        "reactions": [],
        **changes,
    }


def export(*messages: dict[str, Any]) -> bytes:
    head = {
        "guild": {"id": "700000000000000001", "name": "Guild"},
        "channel": {"id": "800000000000000001", "type": "GuildTextChat", "name": "general"},
        "dateRange": {"after": None, "before": None},
    }
    return json.dumps({**head, "messages": list(messages), "messageCount": len(messages)}, indent=2).encode()


def test_an_export_gives_records_with_real_ids(read, tmp_path: Path):
    reply = exported(id="868000000000000002", type="Reply", reference={"messageId": "868000000000000001"})
    first, second = read(export(exported(), reply), "channel.json")
    assert first == LogRecord(
        line=1,
        id=868000000000000001,
        channel="general",
        author="Ann A.",
        at=datetime(2021, 7, 23, 8, 0, 0, 123000, tzinfo=UTC),
        text="hello",
        author_id=42,
    )
    assert second.reply_to == first.id
    log = open_log(tmp_path / "channel.json")
    assert (log.guild_id, log.channel_id) == (700000000000000001, 800000000000000001)


def test_system_messages_of_an_export_are_left_out(read):
    entries = read(export(exported(type="GuildMemberJoin"), exported(type="7"), exported(type="20")))
    assert [entry.line for entry in entries] == [3]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"author": None}, "'author' must be an object"),
        ({"author": {"id": str(2**63), "name": "ann"}}, "'id' of the author is no Discord id"),
        ({"author": {"id": "42", "nickname": None}}, "'name' is missing"),
        ({"content": 5}, "'content' must be text, not a number"),
        ({"timestamp": "never"}, "'timestamp' must be an ISO 8601 time"),
    ],
)
def test_a_malformed_message_of_an_export_is_named_by_its_place(read, changes, expected):
    good, bad, after = read(export(exported(), exported(**changes), exported(id="5")))
    assert (good.line, bad.line, after.id) == (1, 2, 5)
    assert problem(bad).startswith(expected)


def test_an_export_that_was_cut_off_gives_what_it_has(read):
    entries = read(export(exported(), exported())[:-250])
    assert isinstance(entries[0], LogRecord)
    assert "nothing after it could be read" in problem(entries[-1])


def test_bytes_that_are_no_utf8_spoil_one_text_of_an_export_only(read):
    raw = export(exported(content="MARK"), exported(content="fine")).replace(b"MARK", b"a\xffb")
    first, second = read(b"\xef\xbb\xbf" + raw)
    assert (first.text, second.text) == ("a\ufffdb", "fine")


def test_an_export_in_one_line_is_told_from_lines(read):
    minified = json.dumps(json.loads(export(exported()))).encode()
    (record,) = read(minified)
    assert record.author_id == 42
