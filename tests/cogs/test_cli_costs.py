"""``wompbot costs`` without Discord: once as an operator runs it, else without the start of a process."""

from __future__ import annotations

import asyncio
import csv
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from command_line import Outcome, Wompbot, variables
from wompbot_cogs.commands.costs import costs
from wompcore.clock import SystemClock
from wompcore.config import CostSettings, DatabaseSettings
from wompcore.costs import Budget, Budgets, Call, Ledger, PriceBook
from wompcore.db import Database
from wompcore.ids import EntryIds
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.usage import Attribution, Purpose, Usage

EXAMPLES = 300 if os.environ.get("WOMPBOT_ENDURANCE") else 25
WHO = Attribution(Purpose.CHAT, plugin="=chat", guild_id=7, person_id=9)


@pytest.fixture
async def database(database_settings: DatabaseSettings, db: Database) -> dict[str, Any]:
    """A database in which three dollars were spent."""
    ledger = Ledger(CostRepository(db), PriceBook(CostSettings(), {}), EntryIds(1), SystemClock())
    for _ in range(3):
        [reservation] = await ledger.reserve([Call("p", "m", WHO, fixed_cost=Decimal(1))])
        await ledger.settle([(reservation, Usage())])
    await ledger.close()
    return {"url": database_settings.url}


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Take back what a command sets for the log of a whole process."""
    loggers = map(logging.getLogger, ("", *logging.Logger.manager.loggerDict))
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    try:
        yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers[:] = handlers


@pytest.fixture
def run(database: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wompbot:
    """Runs a command of ``wompbot costs`` in this process, to its end."""
    monkeypatch.chdir(tmp_path)  # no settings but these
    environment = variables({"database": database})

    async def run(*arguments: str) -> Outcome:
        with logging_as_before():
            done = await asyncio.to_thread(CliRunner().invoke, costs, arguments, env=environment)
        return Outcome(done.exit_code, done.stdout, done.stderr)

    return run


async def test_the_month_is_reported_and_exported(
    wompbot: Wompbot, run: Wompbot, database: dict[str, Any], tmp_path: Path
) -> None:
    report = await wompbot("costs", "report", "--json", database=database)
    assert report.code == 0, report.err
    assert Decimal(report.json["total"]["cost_usd"]) == 3
    assert [(person["key"], person["calls"]) for person in report.json["people"]] == [("9", 3)]
    assert [Decimal(usd) for usd in report.json["days"].values()] == [3]
    file = tmp_path / "calls.csv"
    assert (await run("export", str(file))).code == 0
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [(Decimal(row["cost_usd"]), row["plugin"]) for row in rows] == [(1, "'=chat")] * 3
    bad = await run("export", str(file), "--month", "9999-12")
    assert (bad.code, bad.err) == (2, "error: that is no month\n hint: A month is written like 2026-11.\n")
    assert len(file.read_text("utf-8").splitlines()) == 4  # what was there is not touched


async def test_totals_that_are_wrong_are_told_and_mended(run: Wompbot, db: Database) -> None:
    await Budgets(BudgetRepository(db), SystemClock()).set(Budget("all", amount=Decimal(10)))
    await db.execute("UPDATE cost_totals SET calls = 4 WHERE scope = 'model' AND guild_id = 0")
    await db.execute("DELETE FROM cost_totals WHERE scope = 'all'")
    await db.execute("UPDATE budget_meters SET spent = 9")
    bad = await run("check", "--json")
    assert bad.code == 1
    assert [line[8:] for line in bad.json["totals"]] == ["all  guild 0", "model m guild 0"]
    assert bad.json["meters"] == ["budget 1 "]
    assert (await run("rebuild", "--json")).json == {"months": 1}
    good = await run("check")
    assert (good.code, good.out) == (0, "Totals and meters are the sums of the entries.\n")


async def test_budgets_are_set_listed_lifted_and_removed(run: Wompbot, db: Database) -> None:
    wanted = ("guild", "7", "--amount", "20.5", "--background", "10", "--period", "day")
    kept = await run("budgets", "set", *wanted, "--json")
    assert kept.code == 0, kept.err
    assert (kept.json["amount"], kept.json["background_amount"]) == ("20.5", "10")
    listed = await run("budgets", "list")
    assert "guild 7, per day (UTC): 20.5 usd, refuse, background calls stop at 10" in listed.out
    assert "7: 3 spent, 0 in progress" in listed.out
    await db.execute("UPDATE budget_meters SET barred = true")
    assert (await run("budgets", "lift", "1")).code == 0
    assert (await run("budgets", "remove", "1")).code == 0
    assert await db.fetch_value("SELECT count(*) FROM budgets") == 0


async def test_people_who_opted_out_are_not_named(run: Wompbot, db: Database) -> None:
    await Budgets(BudgetRepository(db), SystemClock()).set(Budget("person", "*", amount=Decimal(10)))
    await db.execute(
        "INSERT INTO consents (person_id, purpose, withdrawn, policy, method, changed_at, revision)"
        " VALUES (9, 'messages', true, '1', 'test', now(), 1)"
    )
    for arguments in (("report",), ("budgets", "list")):
        shown, as_json = await run(*arguments), await run(*arguments, "--json")
        assert "someone who opted out" in shown.out
        assert "someone who opted out" in as_json.out
        assert not re.search(r"\b9\b", shown.out), shown.out


HOSTILE = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "1e999999", "1e-999999", "sNaN", "Infinity", "9" * 400, "--", "--json", "*"]
    ),
    st.sampled_from(["9999-12", "0001-01", "2026-13", "\udcff", "\u202e", "a\nb", "/", "/dev/full", "../.."]),
    st.sampled_from(["all", "guild", "person", "usd", "tokens", "Europe/Berlin", "refuse", "warn", "1.5"]),
    st.text(st.characters(exclude_characters="/\0"), max_size=12),  # no shell passes a NUL
)
OPTIONS = st.sampled_from(
    ["--amount", "--background", "--step", "--period", "--zone", "--unit", "--action", "--month", "--config"]
)
COMMANDS = st.sampled_from(
    [("report",), ("export",), ("check",), ("rebuild",), ("budgets", "list"), ("budgets", "set"),
     ("budgets", "set", "all"), ("budgets", "set", "person"), ("budgets", "remove"), ("budgets", "lift")]
)  # fmt: skip


@pytest.mark.endurance
@given(COMMANDS, st.lists(HOSTILE, max_size=2), st.lists(st.tuples(OPTIONS, HOSTILE), max_size=3))
@example(("export",), ["x.csv"], [("--month", "9999-12")])
@example(("export",), ["x.csv"], [("--month", "0001-01")])
@example(("export",), ["/dev/full"], [])
@example(("export",), ["no/such/folder/x.csv"], [])
@example(("budgets", "lift"), ["9" * 30], [])
@example(("budgets", "set", "all"), [], [("--amount", "1e-999999")])
@example(("budgets", "set", "all"), [], [("--amount", "1e-12"), ("--step", "0.000001")])
@example(("budgets", "set", "model"), ["\udcff"], [("--amount", "1")])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_argument_makes_a_fault_of_the_program(
    run: Wompbot, command: tuple[str, ...], values: list[str], options: list[tuple[str, str]]
) -> None:
    arguments = (*command, *(part for option in options for part in option), *values)
    outcome = asyncio.run(run(*arguments))
    assert outcome.code in (0, 1, 2), outcome
    assert outcome.code == 0 or outcome.err.strip(), arguments
    assert "fault of the program" not in outcome.err, outcome.err
    assert "Traceback" not in outcome.err


async def test_a_budget_that_makes_no_sense_is_bad_input(run: Wompbot) -> None:
    for arguments, says in (
        (("all", "--amount", "much"), "'much' is no amount"),
        (("person", "bob", "--amount", "1"), "a person is named by its id"),
        (("all", "--amount", "1", "--zone", "Mars"), "there is no time zone 'Mars'"),
        (("all", "--step", "0.000001"), "almost every call"),
    ):
        outcome = await run("budgets", "set", *arguments)
        assert (outcome.code, says in outcome.err) == (2, True), outcome.err
