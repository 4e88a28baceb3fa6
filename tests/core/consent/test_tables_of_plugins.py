"""A withdrawal clears what plugins declared, and fails for none of them."""

from __future__ import annotations

import pytest

from wompcore.clock import SystemClock
from wompcore.consent import MESSAGES
from wompcore.db import Database
from wompcore.holders import Holder
from wompcore.repos.consents import ConsentRepository
from wompcore.repos.holders import HolderRepository


async def table(db: Database, name: str, on_opt_out: str, column: str = "person_id bigint") -> None:
    """Make a plugin's table with a row of person 1 and of person 2."""
    await db.execute(f"CREATE TABLE {name} ({column})")
    await db.execute(f"INSERT INTO {name} VALUES ('1'), ('2')")
    await HolderRepository(db).declare(
        [Holder("sage", f"public.{name}", "person_id", "words", on_opt_out=on_opt_out)]
    )  # type: ignore[arg-type] # one of its values


async def test_what_a_plugin_wants_cleared_is_and_what_it_keeps_or_cannot_clear_stays(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await table(db, "cleared", "delete")
    await table(db, "texts", "delete", "person_id text")
    await table(db, "kept", "keep")
    await table(db, "stuck", "delete")
    await db.execute(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'"
    )
    await db.execute("CREATE TRIGGER no BEFORE DELETE ON stuck FOR EACH ROW EXECUTE FUNCTION no()")
    await HolderRepository(db).declare([Holder("gone", "public.gone", "person_id", "w", on_opt_out="delete")])
    await ConsentRepository(db).change(
        1, MESSAGES, withdrawn=True, policy="1", method="command", at=SystemClock().now()
    )
    left = {
        name: await db.fetch_value(f"SELECT count(*) FROM {name}")
        for name in ("cleared", "texts", "kept", "stuck")
    }
    assert left == {"cleared": 1, "texts": 1, "kept": 2, "stuck": 2}
    assert await db.fetch_value("SELECT opted_out FROM people WHERE id = 1")
    assert "public.stuck is not cleared" in caplog.text
    assert "gone" not in caplog.text
