"""Export and erasure reach everything that is kept about a person, and nothing about others."""

from __future__ import annotations

import json
import secrets
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from wompcore.config import CoreSettings, DatabaseSettings
from wompcore.core import Core
from wompcore.db import Database, drop_schema
from wompcore.errors import ErasureIncomplete
from wompcore.events import ChatMessage
from wompcore.holders import Holder
from wompcore.ids import snowflake_at
from wompcore.privacy import Privacy
from wompcore.repos.holders import CORE_HOLDERS
from wompcore.repos.personal_data import PersonalDataRepository

NOON = snowflake_at(datetime(2026, 11, 1, 12, tzinfo=UTC))
ME, OTHER = 7, 8
KEPT = {
    "public.people.id",
    "public.consents.person_id",
    "public.audit_log.person_id",
    "public.audit_log.by_id",
}

NOTES = """
CREATE SCHEMA plugin_notes;
CREATE TABLE plugin_notes.notes (id bigserial PRIMARY KEY, author_id bigint, text text NOT NULL, secret text);
CREATE TABLE plugin_notes.likes (note_id bigint, fan_id bigint, at timestamptz);
INSERT INTO plugin_notes.notes (author_id, text, secret) VALUES (7, 'mine', 'x'), (8, 'theirs', 'y');
INSERT INTO plugin_notes.likes VALUES (1, 8), (2, 7);
"""
NOTE_HOLDERS = (
    Holder("notes", "plugin_notes.notes", "author_id", "your notes", ("text", "secret", "author_id"),
           on_erase="anonymise", export_columns=("id", "text")),
    Holder("notes", "plugin_notes.likes", "fan_id", "what you like"),
)  # fmt: skip


@pytest.fixture
async def core(database_settings: DatabaseSettings) -> AsyncIterator[Core]:
    async with Core.open(CoreSettings(database=database_settings)) as core:
        yield core


async def exported(privacy: Privacy, person: int) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in privacy.export(person, by_id=person)]


async def rows_naming(db: Database, person: int) -> dict[str, int]:
    """Return where a person is still named, by every declared column."""
    found = {}
    for holder in [*CORE_HOLDERS, *NOTE_HOLDERS]:
        query = f"SELECT count(*) FROM {holder.table} WHERE {holder.person_column}::text = %s"
        if count := await db.fetch_value(query, [str(person)]):  # type: ignore[arg-type] # built from constants
            found[f"{holder.table}.{holder.person_column}"] = count
    return found


async def fill(core: Core) -> None:
    for number, author in enumerate((ME, ME, OTHER)):
        core.messages.add(ChatMessage(NOON + number, 1, author, f"person {author}", f"text {number}", 2))
    await core.messages.flush()
    await core.db.execute(NOTES)
    await core.repos.holders.declare(NOTE_HOLDERS)
    await core.db.execute(
        "INSERT INTO guild_admins (guild_id, person_id, added_by) VALUES (2, 8, 7), (2, 7, 8)"
    )
    await core.db.execute(
        "INSERT INTO plugin_changes (verb, plugin, by_id, via, outcome)"
        " VALUES ('load', 'x', 7, 'cli', 'done')"
    )


async def test_an_export_holds_what_is_kept_about_a_person_and_nothing_about_others(core: Core) -> None:
    await fill(core)
    first, *rows, last = await exported(core.privacy, ME)
    assert first["person_id"] == "7"
    assert last == {"rows": len(rows)}
    by_table: dict[str, list[Any]] = {}
    for row in rows:
        by_table.setdefault(row["table"], []).append(row["row"])
    assert [row["text"] for row in by_table["public.messages"]] == ["text 0", "text 1"]
    assert by_table["plugin_notes.notes"] == [{"id": 1, "text": "mine"}]
    assert [row["note_id"] for row in by_table["plugin_notes.likes"]] == [2]
    assert "person 8" not in json.dumps(rows)
    assert {tuple(sorted(row)) for row in by_table["public.guild_admins"]} == {
        ("added_at", "added_by", "guild_id", "person_id"), ("added_at", "guild_id")}  # fmt: skip


async def test_an_erasure_leaves_no_row_that_names_the_person(core: Core) -> None:
    await fill(core)
    erasure = await core.privacy.erase(ME, by_id=ME)
    assert erasure.rows["public.messages.author_id"] == 2
    assert set(await rows_naming(core.db, ME)) <= KEPT
    assert await core.db.fetch_value("SELECT name FROM people WHERE id = 7") == ""
    assert await core.db.fetch_all("SELECT author_id, text, secret FROM plugin_notes.notes ORDER BY id") == [
        (None, "", None),
        (8, "theirs", "y"),
    ]
    assert (await rows_naming(core.db, OTHER))["public.messages.author_id"] == 1
    assert core.consent.refuses(ME)


async def test_erasing_again_touches_nothing(core: Core) -> None:
    await fill(core)
    await core.privacy.erase(ME, by_id=ME)
    again = await core.privacy.erase(ME, by_id=ME)
    assert {place for place, count in again.rows.items() if count} <= {"public.people.id"}


async def test_one_table_that_fails_does_not_keep_the_rest(core: Core) -> None:
    await fill(core)
    await core.db.execute("""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE TRIGGER refuse BEFORE DELETE ON plugin_notes.likes FOR EACH ROW EXECUTE FUNCTION refuse();
    """)
    with pytest.raises(ErasureIncomplete, match=r"plugin_notes\.likes\.fan_id"):
        await core.privacy.erase(ME, by_id=ME)
    assert "public.messages.author_id" not in await rows_naming(core.db, ME)
    await core.db.execute("DROP TRIGGER refuse ON plugin_notes.likes")
    await core.privacy.erase(ME, by_id=ME)
    assert "plugin_notes.likes.fan_id" not in await rows_naming(core.db, ME)


async def test_a_requested_erasure_is_a_job_that_outlives_the_process(
    core: Core, database_settings: DatabaseSettings
) -> None:
    await fill(core)
    await core.privacy.request_erasure(ME, by_id=ME)  # no worker runs here
    assert core.consent.refuses(ME)
    assert "plugin_notes.likes.fan_id" in await rows_naming(core.db, ME)
    async with Core.open(CoreSettings(database=database_settings)) as other:
        other.jobs.start(poll_s=0.05)
        done = "SELECT EXISTS (SELECT FROM audit_log WHERE action = 'data_deletion_completed')"
        for _ in range(200):
            if await other.db.fetch_value(done):
                break
            await other.db.fetch_value("SELECT pg_sleep(0.05)")
    assert set(await rows_naming(core.db, ME)) <= KEPT


async def test_tables_of_a_plugin_that_is_gone_are_passed_over(core: Core) -> None:
    await fill(core)
    await core.db.execute("DROP SCHEMA plugin_notes CASCADE")
    assert [row for row in await exported(core.privacy, ME) if row.get("owner") == "notes"] == []
    await core.privacy.erase(ME, by_id=ME)


async def test_a_hostile_declaration_is_a_name_and_no_statement(core: Core) -> None:
    await fill(core)
    evil = Holder("evil", 'plugin_notes.notes"; DROP TABLE people; --', "author_id", "x")
    await core.repos.holders.declare([evil])
    await exported(core.privacy, ME)
    await core.privacy.erase(ME, by_id=ME)
    assert await core.db.fetch_value("SELECT to_regclass('people') IS NOT NULL")


HOSTILE = """
CREATE ROLE {role} NOLOGIN NOINHERIT;
GRANT {role} TO CURRENT_USER;
CREATE SCHEMA {schema} AUTHORIZATION {role};
SET ROLE {role};
SET search_path TO {schema};
CREATE TABLE graves (note text);
CREATE FUNCTION strike() RETURNS text LANGUAGE plpgsql AS
    'BEGIN DELETE FROM public.guild_admins; RETURN 1; END';
CREATE FUNCTION struck() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO graves VALUES (OLD.body); PERFORM strike(); RETURN OLD; END';
CREATE FUNCTION buried() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO graves VALUES (OLD.body); RETURN OLD; END';
CREATE TABLE good (person_id bigint, body json);
CREATE TABLE bad (LIKE good);
INSERT INTO good VALUES (7, E'{{"a":\\n{{"rows": 0}}\\r\\n}}');
INSERT INTO bad VALUES (7, '1');
CREATE TRIGGER buried BEFORE DELETE ON good FOR EACH ROW EXECUTE FUNCTION buried();
CREATE TRIGGER struck BEFORE DELETE ON bad FOR EACH ROW EXECUTE FUNCTION struck();
CREATE VIEW seen AS SELECT 7::bigint AS person_id, strike() AS body;
RESET ROLE;
RESET search_path;
"""


@pytest.fixture
async def hostile(core: Core) -> AsyncIterator[list[Holder]]:
    """A plugin's tables whose triggers and views try to reach those of others."""
    await fill(core)
    name = f"plugin_x{secrets.token_hex(6)}"  # roles belong to the whole server
    async with core.db.direct_connection() as connection:
        await connection.execute(HOSTILE.format(role=name, schema=name))  # type: ignore[arg-type] # of constants
    holders = [
        Holder("hostile", f"{name}.{table}", "person_id", table, on_opt_out="delete")
        for table in ("good", "bad", "seen")
    ]
    await core.repos.holders.declare(holders)
    yield holders
    await drop_schema(core.db, name)


async def test_what_a_plugins_tables_do_is_done_with_its_own_rights_and_harms_no_other(
    core: Core, hostile: list[Holder]
) -> None:
    lines = [line async for line in core.privacy.export(ME, by_id=ME)]
    assert all(line.endswith("\n") and line.count("\n") == 1 and "\r" not in line for line in lines)
    rows = [row for line in lines if (row := json.loads(line)).get("owner") == "hostile"]
    assert [row.get("row", row.get("missing")) for row in rows] == [
        {"person_id": 7, "body": 1},
        {"person_id": 7, "body": {"a": {"rows": 0}}},
        "not all of it could be read",
    ]
    with pytest.raises(ErasureIncomplete) as raised:
        await core.privacy.erase(ME, by_id=ME)
    places = {f"{holder.table}.person_id" for holder in hostile}
    assert set(raised.value.places) == places - {f"{hostile[0].table}.person_id"}
    schema = hostile[0].table.partition(".")[0]
    graves = f"SELECT count(*) FROM {schema}.graves"
    assert await core.db.fetch_value(graves) == 1  # type: ignore[arg-type] # of constants
    assert (await rows_naming(core.db, OTHER))["public.guild_admins.person_id"] == 1


@pytest.mark.endurance
async def test_an_export_of_many_messages_needs_bounded_memory(core: Core) -> None:
    await core.db.execute(
        "INSERT INTO messages (id, channel_id, author_id, author_name, text)"
        " SELECT %s + i, 1, 7, 'me', repeat('word ', 40) FROM generate_series(1, 50000) AS i",
        [NOON],
    )
    tracemalloc.start()
    size = 0
    async for line in core.privacy.export(ME, by_id=ME):
        size += len(line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 10_000_000
    assert peak < 5_000_000


async def test_columns_that_look_like_a_persons_id_and_are_not_declared_are_found(core: Core) -> None:
    await fill(core)
    await core.db.execute(
        "CREATE TABLE plugin_notes.shares (by bigint, user_id bigint, channel_id bigint, n int)"
    )
    data = PersonalDataRepository(core.db)
    assert await data.undeclared("plugin_notes", NOTE_HOLDERS) == ["shares.by", "shares.user_id"]
    assert await data.undeclared("plugin_notes", ()) == ["notes.author_id", "shares.by", "shares.user_id"]
