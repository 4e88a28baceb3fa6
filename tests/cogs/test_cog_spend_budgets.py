"""Budgets are the owner's to set and a server's admins' to see."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from booked_calls import ELSEWHERE, spend
from living_bot import OWNER, Living
from wompbot_cogs.cogs.spend.wanted import wanted
from wompcore.costs import Budget
from wompcore.errors import BudgetInvalid

ASKED: dict[str, Any] = {
    "key": None, "here": 7, "window": "month", "unit": "usd", "action": "refuse", "background": None,
    "step": None, "zone": "UTC",
}  # fmt: skip


async def said(living: Living, name: str, command: str, **options: Any) -> str:
    shown = await living.guild.slash(name, f"budget {command}", **options)
    assert all(message.ephemeral for message in shown)
    return "\n".join(message.text for message in shown)


async def kept(living: Living) -> list[Budget]:
    return [use.budget for use in await living.app.core.budgets.all()]


async def test_the_owner_sets_a_budget_with_all_that_it_may_have(living: Living) -> None:
    text = await said(
        living, OWNER, "set", scope="person", key="*", amount="$1,000.50", window="day",
        action="warn", background="2", step="0.25", zone="Europe/Berlin",
    )  # fmt: skip
    assert "**each person**: $1,000.50 a day (Europe/Berlin); only watched" in text
    assert "calls that nobody waits for stop at $2.00, told of every $0.25" in text
    [budget] = await kept(living)
    assert (budget.scope, budget.key, budget.period, budget.zone) == ("person", "*", "day", "Europe/Berlin")
    assert (budget.amount, budget.background_amount) == (Decimal("1000.50"), Decimal(2))
    assert (budget.alert_step, budget.action) == (Decimal("0.25"), "warn")


def test_an_amount_is_a_limit_and_a_step_alone_is_told_of() -> None:
    asked = {**ASKED, "action": None}
    assert wanted("everything", "5", **asked).action == "refuse"
    assert wanted("everything", None, **{**asked, "step": "1"}).action == "warn"


async def test_a_hard_budget_set_here_stops_the_next_call(living: Living) -> None:
    await said(living, OWNER, "set", scope="guild", amount="0", unit="tokens")
    [budget] = await kept(living)
    assert (budget.key, budget.action) == (str(living.guild.id), "refuse")
    await living.ask("alice", "wompbot, who are you?")
    assert (await living.app.core.repos.costs.month_total(living.app.core.clock.now())).calls == 0


async def test_it_is_listed_with_what_is_spent_removed_and_gone(living: Living) -> None:
    await said(living, OWNER, "set", scope="everything", amount="5")
    await living.ask("alice", "wompbot, who are you?")
    [use] = await living.app.core.budgets.all()
    listed = await said(living, OWNER, "list")
    assert f"`{use.budget.id}` **everything**: $5.00 a month (UTC); calls beyond it are refused." in listed
    assert "$0.00 spent" in listed
    assert "is removed" in await said(living, OWNER, "remove", number=use.budget.id)
    assert "There is no budget" in await said(living, OWNER, "remove", number=use.budget.id)
    assert "There are no budgets" in await said(living, OWNER, "list")


async def test_a_closed_budget_is_opened_again(living: Living) -> None:
    await said(living, OWNER, "set", scope="everything", amount="5")
    [budget] = await kept(living)
    assert "was not closed" in await said(living, OWNER, "lift", number=budget.id)
    await spend(living, 1, "alice", "0.1")
    await living.app.core.db.execute("UPDATE budget_meters SET barred = true")
    assert f"/budget lift {budget.id}" in await said(living, OWNER, "list")
    assert "is open again" in await said(living, OWNER, "lift", number=budget.id)
    assert "Closed" not in await said(living, OWNER, "list")


async def test_a_number_that_no_budget_has_is_refused(living: Living) -> None:
    for number in (0, -1, 2**53 - 1):
        assert "There is no budget" in await said(living, OWNER, "remove", number=number)
    assert not living.app.bot.failures


async def test_admins_see_their_servers_budgets_and_set_none(living: Living) -> None:
    await living.ask(OWNER, f"!setadmin <@{living.guild.member('carol').id}>")
    await said(living, OWNER, "set", scope="guild", key=str(ELSEWHERE), amount="77")
    await said(living, OWNER, "set", scope="guild", key="*", amount="5")
    await said(living, OWNER, "set", scope="everything", amount="1000")
    await said(living, OWNER, "set", scope="person", key="*", amount="3")
    await spend(living, 1, "alice", "0.1")
    await spend(living, 2, "bob", "0.2", guild_id=ELSEWHERE)
    shown = await said(living, "carol", "list")
    assert "**each server**: $5.00" in shown
    assert "Simulated Guild: $0.10 spent" in shown
    for hidden in ("$77", f"`{ELSEWHERE}`", "$0.20", "$1,000", "person"):
        assert hidden not in shown
    for command, options in (
        ("set", {"scope": "everything"}),
        ("remove", {"number": 1}),
        ("lift", {"number": 1}),
    ):
        assert "super admin" in await said(living, "carol", command, **options)
    assert "bot admin" in await said(living, "alice", "list")
    assert len(await kept(living)) == 4


async def test_in_public_the_owner_sees_this_servers_budgets_only(living: Living) -> None:
    await said(living, OWNER, "set", scope="person", key=str(living.guild.member("alice").id), amount="3")
    assert "There are no budgets" in await living.ask(OWNER, "!budget")


async def test_people_who_opted_out_are_not_named(living: Living) -> None:
    alice = living.guild.member("alice").id
    await living.ask("alice", "!optout")
    assert str(alice) not in await said(living, OWNER, "set", scope="person", key=f"<@{alice}>", amount="3")
    listed = await said(living, OWNER, "list")
    assert "someone who opted out" in listed
    assert str(alice) not in listed


async def test_it_can_be_typed_without_a_slash(living: Living) -> None:
    text = await living.ask(OWNER, "!budget set scope: purpose key: claim_check amount: 2 window: day")
    assert "**purpose claim check**: $2.00 a day (UTC)" in text


SENSELESS: list[tuple[dict[str, str], str]] = [
    ({"scope": "everything", "amount": "lots"}, "that is no amount. Write 5, 0.25"),
    ({"scope": "everything", "amount": "-1"}, "no amount between 0"),
    ({"scope": "everything", "amount": "NaN"}, "that is no amount"),
    ({"scope": "everything", "amount": "1e999999"}, "no amount between 0"),
    ({"scope": "everything", "amount": "1", "zone": "Mars/Base"}, "there is no time zone 'Mars/Base'"),
    ({"scope": "everything", "amount": "1", "zone": "../../etc/passwd"}, "there is no time zone"),
    ({"scope": "everything", "amount": "1", "background": "2"}, "background calls stop before"),
    ({"scope": "everything", "amount": "1", "step": "0"}, "almost every call"),
    ({"scope": "everything"}, "without an amount"),
    ({"scope": "person", "key": "alice", "amount": "1"}, "that is no person. Give an id"),
    ({"scope": "purpose", "key": "fun", "amount": "1"}, "there is no such purpose. There are chat"),
    ({"scope": "model", "amount": "1"}, "that is no name of a model"),
]


async def test_what_makes_no_sense_is_told_and_nothing_is_set(living: Living) -> None:
    for options, problem in SENSELESS:
        assert problem in await said(living, OWNER, "set", **options)
    assert await kept(living) == []
    assert not living.app.bot.failures


@pytest.mark.parametrize(
    ("scope", "key", "meant"),
    [
        ("everything", None, ""),
        ("guild", None, "7"),
        ("guild", "*", "*"),
        ("channel", "<#12345>", "12345"),
        ("person", "<@!12345>", "12345"),
        ("person", " 12345 ", "12345"),
        ("purpose", "chat", "chat"),
        ("model", "a/b:free", "a/b:free"),
        ("plugin", "*", "*"),
    ],
)
def test_keys_are_read_as_they_are_meant(scope: Any, key: str | None, meant: str) -> None:
    assert wanted(scope, "1", **{**ASKED, "key": key}).key == meant


@pytest.mark.parametrize(
    ("scope", "key"),
    [("everything", "x"), ("guild", "<@12>"), ("channel", "9" * 20), ("model", "a\nb"), ("plugin", "x" * 81)],
)
def test_keys_that_mean_nothing_are_refused(scope: Any, key: str) -> None:
    with pytest.raises(BudgetInvalid):
        wanted(scope, "1", **{**ASKED, "key": key})


def test_tokens_are_whole() -> None:
    assert wanted("everything", "50,000", **{**ASKED, "unit": "tokens"}).amount == 50_000
    with pytest.raises(BudgetInvalid, match="whole"):
        wanted("everything", "0.5", **{**ASKED, "unit": "tokens"})


@pytest.mark.parametrize(
    "amount", ["0,25", "1.000,50", "1,00", "1,0000", ",5", "5 euros", "0." + "0" * 40 + "1"]
)
def test_an_amount_is_never_guessed(amount: str) -> None:
    with pytest.raises(BudgetInvalid, match="no amount"):
        wanted("everything", amount, **ASKED)


@pytest.mark.parametrize("amount", ["1000", "1,000", "$1,000.00", " 1_000 ", "1e3"])
def test_an_amount_may_be_written_in_several_ways(amount: str) -> None:
    assert wanted("everything", amount, **ASKED).amount == 1000
