from __future__ import annotations

from wompcore.db import Database


async def test_a_statement_returns_its_rows(db: Database) -> None:
    assert await db.fetch_value("SELECT count(*) FROM messages") == 0
    assert await db.fetch_all("SELECT * FROM generate_series(1, 3)") == [(1,), (2,), (3,)]
    assert await db.fetch_one("SELECT 1 WHERE false") is None


async def test_every_statement_is_counted(db: Database) -> None:
    before = db.statements
    await db.execute("SELECT 1")
    async with db.transaction() as connection:
        await connection.execute("SELECT 1")
    assert db.statements - before == 4
