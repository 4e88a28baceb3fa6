"""Every column with a person's id is declared, so that export and erasure reach it."""

from __future__ import annotations

from dataclasses import replace

from wompcore.db import Database
from wompcore.holders import Holder
from wompcore.repos.holders import CORE_HOLDERS, HolderRepository

# Ids that name no person. A new column ending in _id or _by is undeclared until it stands here or there.
NO_PERSON = {
    "after_id",
    "before_id",
    "budget_id",
    "channel_id",
    "claim_id",
    "guild_id",
    "message_id",
    "older_id",
    "reply_to_id",
}
# Columns of persons under other names.
BY_OTHER_NAMES = {
    ("public.people", "id"),
    *(
        (f"public.{table}", "key")
        for table in ("budget_crossings", "budget_meters", "budgets", "cost_totals")
    ),
}

COLUMNS = """
SELECT 'public.' || c.relname, a.attname
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname NOT LIKE 'procrastinate%' AND a.attnum > 0 AND NOT a.attisdropped {only}
"""


async def test_every_column_with_a_persons_id_is_declared(db: Database) -> None:
    rows = await db.fetch_all(COLUMNS.format(only=r"AND a.attname ~ '_(id|by)$'"))
    found = {(table, column) for table, column in rows if column not in NO_PERSON} | BY_OTHER_NAMES
    assert found == {(holder.table, holder.person_column) for holder in CORE_HOLDERS}


async def test_every_declared_column_exists(db: Database) -> None:
    real = set(await db.fetch_all(COLUMNS.format(only="")))
    declared = {
        (holder.table, column)
        for holder in CORE_HOLDERS
        for column in (holder.person_column, *holder.text_columns)
    }
    assert declared <= real


async def test_declarations_are_kept_and_brought_up_to_date_in_one_statement(db: Database) -> None:
    holders = HolderRepository(db)
    notes = Holder("notes", "plugin_notes.notes", "author_id", "your notes", ("text",), on_opt_out="delete")
    await holders.declare([*CORE_HOLDERS, notes])
    newer = replace(notes, holds="your notes and lists", text_columns=("text", "title"), export=False)
    before = db.statements
    await holders.declare([newer])
    assert db.statements == before + 1
    assert set(await holders.all()) == {*CORE_HOLDERS, newer}
