"""The catalogue of who keeps personal data where."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import LiteralString

from wompcore.db import Database
from wompcore.holders import EraseAction, Holder, OptOutAction

_DECLARE = """
INSERT INTO holders (owner, table_name, person_column, holds, text_columns, export, on_opt_out, on_erase,
    export_columns)
SELECT * FROM json_to_recordset(%s::json) AS r (owner text, "table" text, person_column text, holds text,
    text_columns text[], export boolean, on_opt_out text, on_erase text, export_columns text[])
ON CONFLICT (owner, table_name, person_column) DO UPDATE SET holds = excluded.holds,
    text_columns = excluded.text_columns, export = excluded.export, on_opt_out = excluded.on_opt_out,
    on_erase = excluded.on_erase, export_columns = excluded.export_columns
"""
_ALL = """
SELECT owner, table_name, person_column, holds, text_columns, export, on_opt_out, on_erase, export_columns
FROM holders ORDER BY owner, table_name, person_column
"""


def _core(
    table: str,
    person_column: str,
    holds: str,
    *text_columns: str,
    on_opt_out: OptOutAction = "keep",
    on_erase: EraseAction = "delete",
    export_columns: tuple[str, ...] = (),
) -> Holder:
    return Holder(
        owner="core",
        table=f"public.{table}",
        person_column=person_column,
        holds=holds,
        text_columns=text_columns,
        on_opt_out=on_opt_out,
        on_erase=on_erase,
        export_columns=export_columns,
    )


# What is done on opting out and erasing follows the product's specification, "Privacy", 7.
CORE_HOLDERS: tuple[Holder, ...] = (
    _core("people", "id", "your name", "name", on_opt_out="blank", on_erase="anonymise"),
    _core("person_guilds", "person_id", "how much you wrote in which server, and when"),
    _core("consents", "person_id", "what you consented to", on_erase="keep"),
    _core("audit_log", "person_id", "what was done with your data", on_erase="keep"),
    _core(
        "audit_log",
        "by_id",
        "what you did with somebody's data",
        on_erase="keep",
        export_columns=("at", "action", "guild_id"),  # not whose
    ),
    _core("messages", "author_id", "your messages", "text", "author_name", on_opt_out="blank"),
    _core(
        "parked_messages",
        "person_id",
        "your messages that could not be stored",
        "payload",
        on_opt_out="delete",
    ),
    _core("cost_entries", "person_id", "what answering you cost", on_erase="anonymise"),
    _core("cost_entries", "payer_id", "what your budgets count", on_erase="anonymise"),
    _core("cost_reservations", "person_id", "calls in progress for you", on_erase="anonymise"),
    _core("cost_reservations", "payer_id", "calls in progress that your budgets count", on_erase="anonymise"),
    _core("budgets", "key", "budgets set for you (where scope is 'person')"),
    _core("budget_meters", "key", "what is spent of your budgets (where the budget's scope is 'person')"),
    _core("budget_crossings", "key", "what your budgets reached (where the budget's scope is 'person')"),
    _core("cost_totals", "key", "what answering you cost per month (where scope is 'person')"),
    _core(
        "claims",
        "author_id",
        "claims you made",
        "text",
        "author_name",
        "original_text",
        on_opt_out="hide",
    ),
    _core(
        "claims",
        "ruled_by",
        "claims you ruled on",
        on_erase="anonymise",
        export_columns=("id", "guild_id", "ruling", "ruled_at"),  # not what somebody else said
    ),
    _core(
        "claim_contradictions",
        "author_id",
        "claims of yours that do not go together",
        on_opt_out="delete",
    ),
    _core(
        "contradiction_listeners",
        "person_id",
        "where you want to be told of contradictions",
        on_opt_out="delete",
    ),
    _core("claim_checks", "author_id", "which messages of yours were checked", on_opt_out="delete"),
    _core("hot_takes", "author_id", "hot takes of yours", on_opt_out="delete"),
    _core(
        "hot_takes",
        "ruled_by",
        "hot takes you ruled on",
        on_erase="anonymise",
        export_columns=("id", "guild_id", "outcome", "ruled_at"),  # not whose
    ),
    _core("quotes", "author_id", "what you were quoted with", "text", "author_name", on_opt_out="delete"),
    _core(
        "quote_savers",
        "person_id",
        "messages you wanted quoted",
        on_opt_out="delete",
        export_columns=("message_id", "saved_at"),
    ),
    _core("claim_cooldowns", "person_id", "when you were last checked for a claim", on_opt_out="delete"),
    _core(
        "claim_lessons",
        "author_id",
        "what the claim filter learned from messages of yours, as numbers",
        on_opt_out="delete",
    ),
    _core("guild_settings", "changed_by", "settings you changed", on_erase="anonymise"),
    _core("guild_admins", "person_id", "where you administer the bot"),
    _core(
        "guild_admins",
        "added_by",
        "administrators you named",
        on_erase="anonymise",
        export_columns=("guild_id", "added_at"),  # not whom
    ),
    _core("plugin_states", "changed_by", "plugins you switched", on_erase="anonymise"),
    _core("plugin_changes", "by_id", "what you changed about plugins", on_erase="anonymise"),
    _core("deliveries", "person_id", "messages sent to you on request", "text"),
)
"""Every table of the library that has a column with a person's id."""
_MISSING = """
SELECT h.table_name || '.' || h.column_name
FROM json_to_recordset(%s::json) AS h (table_name text, column_name text)
WHERE NOT EXISTS (
    SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.oid = to_regclass(h.table_name) AND c.relkind IN ('r', 'p')
        AND a.attname = h.column_name AND NOT a.attisdropped)
ORDER BY 1
"""
_REQUIRED = """
SELECT h.table_name || '.' || h.column_name
FROM json_to_recordset(%s::json) AS h (table_name text, column_name text)
JOIN pg_attribute a ON a.attrelid = to_regclass(h.table_name) AND a.attname = h.column_name
WHERE a.attnotnull ORDER BY 1
"""
_UNFIT = """
SELECT h.table_name || '.' || h.column_name
FROM json_to_recordset(%s::json) AS h (table_name text, column_name text)
JOIN pg_attribute a ON a.attrelid = to_regclass(h.table_name) AND a.attname = h.column_name
WHERE a.atttypid NOT IN ('bigint'::regtype, 'numeric'::regtype, 'text'::regtype, 'varchar'::regtype)
ORDER BY 1
"""


class HolderRepository:
    """Keeps declarations, also of plugins that are no longer loaded or installed.

    Args:
        db: The open database.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def declare(self, holders: Iterable[Holder]) -> None:
        """Add declarations or bring them up to date, in one statement.

        A declaration that an owner no longer makes stays, as its rows may still be there.
        """
        await self._db.execute(_DECLARE, (json.dumps([asdict(holder) for holder in holders]),))

    async def missing(self, holders: Iterable[Holder]) -> list[str]:
        """Return what is declared and is no column of a table, as ``schema.table.column``."""
        columns = [
            {"table_name": holder.table, "column_name": column}
            for holder in holders
            for column in (holder.person_column, *holder.text_columns, *holder.export_columns)
        ]
        return [row[0] for row in await self._db.fetch_all(_MISSING, [json.dumps(columns)])]

    async def required(self, holders: Iterable[Holder]) -> list[str]:
        """Return the person columns that cannot be emptied, as ``schema.table.column``."""
        return await self._person_columns(_REQUIRED, holders)

    async def unfit(self, holders: Iterable[Holder]) -> list[str]:
        """Return the person columns whose type cannot hold every id, as ``schema.table.column``."""
        return await self._person_columns(_UNFIT, holders)

    async def forget(self, owner: str) -> None:
        """Remove the declarations of an owner whose tables are gone."""
        await self._db.execute("DELETE FROM holders WHERE owner = %s", [owner])

    async def all(self) -> list[Holder]:
        """Return every declaration, by owner and table."""
        rows = await self._db.fetch_all(_ALL)
        return [
            Holder(owner, table, column, holds, tuple(texts), export, on_opt_out, on_erase, tuple(shown))
            for owner, table, column, holds, texts, export, on_opt_out, on_erase, shown in rows
        ]

    async def _person_columns(self, query: LiteralString, holders: Iterable[Holder]) -> list[str]:
        columns = [{"table_name": holder.table, "column_name": holder.person_column} for holder in holders]
        return [row[0] for row in await self._db.fetch_all(query, [json.dumps(columns)])]
