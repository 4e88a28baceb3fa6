"""Whatever of a call's attempts is charged: each is booked by itself, within what was reserved for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import product
from typing import Literal

import pytest

from llm_client import FOR, asking
from wompcore.clock import SystemClock
from wompcore.config import LlmSettings
from wompcore.costs import Budget, Budgets, Ledger
from wompcore.db import Database
from wompcore.errors import BudgetExceeded, ModelError, ModelUnavailable
from wompcore.llm import ChatClient, ChatRequest
from wompcore.llm.estimate import expected, worst
from wompcore.llm.reply import Delta, ProviderAnswer
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.usage import Usage

Outcome = Literal["charged", "free", "ok"]
REQUEST = asking(max_tokens=100)
MOST = worst(REQUEST)
WORST = Usage(MOST.input, MOST.output)
TOKENS = MOST.input + MOST.output


@dataclass
class Dear:
    """A provider that charges the most it may for what its script says, and keeps account."""

    script: list[Outcome]
    models: list[str] = field(default_factory=list)
    charged: int = 0
    name: str = "dear"
    address: str = "http://dear.example"

    def encode(self, request: ChatRequest, model: str, *, stream: bool = False) -> bytes:
        return model.encode()

    async def complete(self, body: bytes) -> ProviderAnswer:
        self.models.append(body.decode())
        outcome = self.script.pop(0)
        if outcome == "free":
            raise ModelUnavailable("busy", retryable=True)
        self.charged += 1
        if outcome == "charged":
            error = ModelUnavailable("it broke off", retryable=True)
            error.usage = WORST
            raise error
        return ProviderAnswer("yes", (), "stop", WORST, body.decode(), "")

    async def stream(
        self, body: bytes, *, first_token_s: float, idle_s: float
    ) -> AsyncGenerator[Delta, None]:
        yield Delta((await self.complete(body)).text)

    async def probe(self, model: str) -> str:
        return model


def client_of(provider: Dear, ledger: Ledger, **settings: object) -> ChatClient:
    async def sleep(seconds: float) -> None:
        """Lose no time."""

    made = LlmSettings.model_validate({"model": "big", "attempts": 3, **settings})
    return ChatClient(provider, made, ledger, sleep=sleep)


@pytest.fixture
def budgets(db: Database) -> Budgets:
    return Budgets(BudgetRepository(db), SystemClock())


@pytest.mark.parametrize("room", [1, 2, 3])
async def test_charged_attempts_neither_pass_a_hard_budget_nor_close_it(
    db: Database, ledger: Ledger, budgets: Budgets, room: int
) -> None:
    limit = Decimal(room * TOKENS)
    budget = await budgets.set(Budget("all", unit="tokens", action="refuse", amount=limit))
    for script in product(("charged", "free", "ok"), repeat=3):
        await budgets.remove(budget.id)
        await db.execute("TRUNCATE cost_entries, cost_totals, cost_reservations")
        budget = await budgets.set(Budget("all", unit="tokens", action="refuse", amount=limit))
        provider = Dear(list(script))
        refused = False
        try:
            await client_of(provider, ledger).complete(REQUEST)
        except BudgetExceeded:
            refused = True
        except ModelError:
            assert "ok" not in script
        [use] = await budgets.all()
        [spent] = [(one.spent, one.held, one.barred) for one in use.used] or [(0, 0, False)]
        assert spent == (provider.charged * TOKENS, 0, False)
        assert spent[0] <= limit
        assert refused == (
            provider.charged == room and provider.script != [] and "ok" not in script[: len(provider.models)]
        )
        assert (
            await db.fetch_value("SELECT count(*) FROM cost_entries WHERE NOT above_reserved")
            == provider.charged
        )
        assert await budgets.check_totals() == []


async def test_a_reply_costs_what_all_its_attempts_did(db: Database, ledger: Ledger) -> None:
    reply = await client_of(Dear(["charged", "charged", "ok"]), ledger).complete(REQUEST)
    assert reply.cost == await ledger.month_total() > 0
    outcomes = await db.fetch_all("SELECT outcome FROM cost_entries ORDER BY id")
    assert outcomes == [("failed",), ("failed",), ("ok",)]


async def test_soft_budgets_are_judged_by_what_the_request_probably_takes(
    ledger: Ledger, budgets: Budgets
) -> None:
    likely = expected(REQUEST)
    needed = Decimal(likely.input + likely.output)
    assert needed < TOKENS
    await budgets.set(Budget("all", unit="tokens", action="fall_back", amount=needed))
    provider = Dear(["ok", "ok"])
    client = client_of(provider, ledger, cheap_model="small")
    await client.complete(REQUEST)
    await client.complete(REQUEST)
    assert provider.models == ["big", "small"]


async def test_a_cheaper_model_answers_once_a_budget_asks_for_one(
    db: Database, ledger: Ledger, budgets: Budgets
) -> None:
    await budgets.set(Budget("person", str(FOR.person_id), action="fall_back", amount=Decimal(0)))
    provider = Dear(["free", "ok"])
    reply = await client_of(provider, ledger, cheap_model="small").complete(REQUEST)
    assert provider.models == ["small", "small"]
    assert (reply.model, reply.attempts) == ("small", 2)
    assert [(passed.model, passed.reason) for passed in reply.passed_over] == [("big", "budget")]
    assert await db.fetch_value("SELECT count(*) FROM cost_reservations") == 0


@pytest.mark.parametrize("cheap", ["", "big"])
async def test_without_a_cheaper_model_a_soft_budget_stops_nothing(
    ledger: Ledger, budgets: Budgets, cheap: str
) -> None:
    await budgets.set(Budget("all", action="fall_back", amount=Decimal(0)))
    reply = await client_of(Dear(["ok"]), ledger, cheap_model=cheap).complete(REQUEST)
    assert (reply.model, reply.passed_over) == ("big", ())


async def test_a_retry_falls_back_when_the_first_attempt_used_the_budget_up(
    ledger: Ledger, budgets: Budgets
) -> None:
    await budgets.set(Budget("all", unit="tokens", action="fall_back", amount=Decimal(TOKENS)))
    provider = Dear(["charged", "ok"])
    reply = await client_of(provider, ledger, cheap_model="small").complete(REQUEST)
    assert provider.models == ["big", "small"]
    assert reply.attempts == 2


async def test_a_streamed_reply_falls_back_too(ledger: Ledger, budgets: Budgets) -> None:
    await budgets.set(Budget("all", action="fall_back", amount=Decimal(0)))
    provider = Dear(["ok"])
    async with client_of(provider, ledger, cheap_model="small").stream(REQUEST) as stream:
        assert [delta.text async for delta in stream] == ["yes"]
        assert stream.reply.passed_over[0].reason == "budget"
    assert provider.models == ["small"]
