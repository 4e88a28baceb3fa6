"""The statements of the hot paths are served by indexes, whichever way PostgreSQL plans them.

Each statement is taken as the repositories send it and explained on tables that are filled: with
the values at hand, and as a plan made once for all values, which a prepared statement ends up with.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from psycopg import sql

from wompcore.db import Database
from wompcore.events import ChatMessage, MessageEdited, ReactionTally
from wompcore.ids import month_of, snowflake_at
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.contradictions import ContradictionBook
from wompcore.repos.costs import CostRepository
from wompcore.repos.due_claims import DueClaims
from wompcore.repos.hot_takes import HotTakeRepository
from wompcore.repos.messages import MessageRepository
from wompcore.repos.partitions import PartitionRepository
from wompcore.repos.quotes import QuoteRepository
from wompcore.repos.recall import RecallRepository
from wompcore.repos.receipts import ReceiptBook
from wompcore.repos.reply_context import ReplyContexts

ROWS = 1_000_000 if os.environ.get("WOMPBOT_ENDURANCE") else 20_000
CHANNELS, PEOPLE = ROWS // 400, ROWS // 2
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST = snowflake_at(month_of(NOW))
STEP = (snowflake_at(NOW) - FIRST) // ROWS
LAST = FIRST + STEP * ROWS
SAID = ChatMessage(LAST + 1, 1, 1, "Anna", "All swans are white.", guild_id=1)

FILL = (
    "INSERT INTO people (id, name) SELECT n, 'p' || n FROM generate_series(1, %(people)s) n",
    "INSERT INTO messages (id, channel_id, author_id, guild_id, author_name, text)"
    " SELECT %(first)s + n * %(step)s, n %% %(channels)s, 1 + n %% %(people)s, 1, 'p', 'text of ' || n"
    " FROM generate_series(1, %(rows)s) n",
    "INSERT INTO cost_entries (id, provider, model, purpose, message_id, input_tokens, output_tokens,"
    " cost_usd, price_source, outcome) SELECT %(first)s + n * %(step)s, 'p', 'm', 'chat',"
    " %(first)s + n * %(step)s, 1, 1, 0.01, 'table', 'ok' FROM generate_series(1, %(rows)s, 10) n",
    "INSERT INTO cost_totals (month, scope, key) SELECT %(month)s, 'person', n::text"
    " FROM generate_series(1, %(people)s) n",
    "INSERT INTO claims (message_id, guild_id, channel_id, author_id, author_name, text, kind, confidence,"
    " said_at) SELECT %(first)s + n * %(step)s, 1, 1, 1 + n %% %(people)s, 'p', 'claim ' || n, 'fact',"
    " 'high', now() FROM generate_series(1, %(rows)s, 2) n",
    "INSERT INTO claim_checks (message_id, guild_id, author_id, text_hash, checked_at, outcome)"
    " SELECT %(first)s + n * %(step)s, 1, 1, int8send(n), now(), 'none'"
    " FROM generate_series(1, %(rows)s, 10) n",
    "INSERT INTO claim_cooldowns SELECT n, %(first)s + n * %(step)s FROM generate_series(1, %(people)s) n",
    "INSERT INTO claim_days SELECT n, DATE '2026-11-23', 1, 0 FROM generate_series(1, %(people)s) n",
    "INSERT INTO claim_lessons SELECT %(first)s + n * %(step)s, 1 + n %% 50, 1 + n %% %(people)s, '{1}',"
    " 0.5, true, 0, true FROM generate_series(1, %(rows)s, 10) n",
    "INSERT INTO claim_learning (guild_id, revision) SELECT n, 1 FROM generate_series(1, %(people)s) n",
    "INSERT INTO hot_takes (message_id, guild_id, channel_id, author_id, made_at, by_hand, heat, reactions,"
    " hour_is_over) SELECT message_id, guild_id, channel_id, author_id, said_at, false, 0.3,"
    ' \'{"a": 3, "b": 1}\', true FROM claims',
    "INSERT INTO quotes (message_id, guild_id, channel_id, author_id, author_name, text, saved_at)"
    " SELECT %(first)s + n * %(step)s, 1 + n %% 100, 1, 1 + n %% %(people)s, 'p', 't ' || n, now()"
    " FROM generate_series(1, %(rows)s, 10) n",
    "INSERT INTO quote_savers (message_id, person_id, by_reaction, saved_at)"
    " SELECT message_id, 1 + message_id %% %(people)s, true, now() FROM quotes",
    "ANALYZE",
)

# As psycopg names them to the server; a text is left for the server to tell.
TYPES = {int: "bigint", bytes: "bytea", datetime: "timestamptz", timedelta: "interval"}

Hot = Callable[[Database], Awaitable[object]]
HOT: dict[str, Hot] = {
    "context": lambda db: ReplyContexts(db).read(channel_id=1, message_id=LAST, since_id=FIRST),
    "month total": lambda db: CostRepository(db).month_total(NOW, "person", "1"),
    "export page": lambda db: CostRepository(db).entries(NOW, 1, after_id=LAST - 1000 * STEP),
    "store": lambda db: MessageRepository(db).store([SAID]),
    "edit": lambda db: MessageRepository(db).edit([MessageEdited(LAST, "new", 1, NOW)]),
    "delete": lambda db: MessageRepository(db).delete([LAST]),
    "gap": lambda db: MessageRepository(db).last_ids([1], before_id=LAST),
    "newest of a channel": lambda db: RecallRepository(db).recent(1, 100),
    "words of messages": lambda db: RecallRepository(db).search("4020", 1, 100),
    "recall": lambda db: ContradictionBook(db).candidates(LAST),
    "words": lambda db: ReceiptBook(db).page(1, words="4020"),
    "said before": lambda db: ReceiptBook(db).said_before(1),
    "words of quotes": lambda db: QuoteRepository(db).page(1, words="4020"),
    "claim check": lambda db: ClaimRepository(db).begin_check(SAID, cooldown_s=300, daily_cap=50),
    "failed check": lambda db: ClaimRepository(db).end_check(LAST, "failed"),
    "due claims": lambda db: DueClaims(db).by(1, NOW.date()),
    "lesson": lambda db: ClaimRepository(db).lessons.add(
        LAST + 1, 1, features=[1], score=0.5, fired=True, share=0, is_claim=True, told_on="claims_tracked"
    ),
    "lessons": lambda db: ClaimRepository(db).lessons.of(1),
    "deletion": lambda db: ClaimRepository(db).delete([LAST], NOW),
    "hot take counted": lambda db: HotTakeRepository(db).count({LAST: ReactionTally()}),
    "hours that are over": lambda db: HotTakeRepository(db).end_hours(NOW),
    "quote saved": lambda db: QuoteRepository(db).save(SAID, text="t", saver_id=2, by_reaction=True, at=NOW),
    "quote taken back": lambda db: QuoteRepository(db).take_back(LAST, 1),
    "quote of the day": lambda db: QuoteRepository(db).choose(1, "most", now=NOW, since=NOW),
}


class Tap:
    """A database that notes the statements it is asked for."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.statements: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        passed_on = getattr(self._db, name)

        async def noted(query: str, params: Any = None) -> Any:
            self.statements.append((query, params))
            return await passed_on(query, params)

        return noted


@pytest.fixture
async def filled(db: Database) -> Database:
    await PartitionRepository(db).ensure(NOW)
    sizes = {
        "people": PEOPLE,
        "channels": CHANNELS,
        "rows": ROWS,
        "first": FIRST,
        "step": STEP,
        "month": NOW.date(),
    }
    async with db.direct_connection() as connection:
        for statement in FILL:
            await connection.execute(statement, sizes if "%" in statement else None)
    return db


@pytest.mark.endurance
@pytest.mark.timeout(600)
async def test_hot_statements_use_an_index_however_they_are_planned(filled: Database) -> None:
    tables = await filled.fetch_all("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 900")
    large = {name for (name,) in tables}
    scans = {}
    for name, call in HOT.items():
        tap = Tap(filled)
        await call(cast(Database, tap))
        assert tap.statements, name
        for query, params in tap.statements:
            for mode in ("force_custom_plan", "force_generic_plan"):
                plan = await planned(filled, query, params, mode)
                scans[name, mode] = large & set(sequential(plan))
    assert {how: found for how, found in scans.items() if found} == {}


async def planned(db: Database, query: str, params: Any, mode: str) -> Any:
    """Return the plan of a statement prepared once."""
    numbered, values = positional(query, params)
    async with db.transaction() as connection:
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        types = ", ".join(TYPES.get(type(value), "unknown") for value in values)
        await connection.execute(f"PREPARE asked ({types}) AS {numbered}")
        literals = sql.SQL(", ").join(map(sql.Literal, values))
        cursor = await connection.execute(sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE asked({})").format(literals))
        plan = await cursor.fetchone()
        await connection.execute("DEALLOCATE asked")
    assert plan is not None
    return plan[0]


def positional(query: str, params: Mapping[str, Any] | Sequence[Any]) -> tuple[str, list[Any]]:
    """Return a statement with PostgreSQL's own placeholders, and their values."""
    names = iter(range(len(params)))
    values: list[Any] = []

    def number(match: re.Match[str]) -> str:
        key: Any = match[1] if isinstance(params, Mapping) else next(names)
        values.append(params[key])
        return f"${len(values)}"

    return re.sub(r"%(?:\((\w+)\))?s", number, query).replace("%%", "%"), values


def sequential(plan: Any) -> Iterator[str]:
    """Yield the tables that a plan reads from end to end."""
    if isinstance(plan, list):
        for part in plan:
            yield from sequential(part)
    elif isinstance(plan, dict):
        if plan.get("Node Type") == "Seq Scan":
            yield plan["Relation Name"]
        for part in plan.values():
            yield from sequential(part)
