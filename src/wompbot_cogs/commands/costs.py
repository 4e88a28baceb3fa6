"""``wompbot costs``: the ledger, for an operator without Discord."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompcore.errors import BudgetInvalid
from wompcore.ids import MAX_ID
from wompcore.money import show_usd

if TYPE_CHECKING:
    from wompcore.core import Core
    from wompcore.costs import BudgetUse, MonthReport
    from wompcore.jobs import Untold
    from wompcore.repos.costs import CostTotal

T = TypeVar("T")

OPTED_OUT = "someone who opted out"

costs = typer.Typer(help="What was spent, and what may be.", no_args_is_help=True)
budgets = typer.Typer(help="What may be spent.", no_args_is_help=True)
costs.add_typer(budgets, name="budgets")

Number = Annotated[int, typer.Argument(min=1, max=MAX_ID, help="The budget's number; `list` shows it.")]
File = Annotated[Path, typer.Argument(help="The CSV file to write.", dir_okay=False)]
Month = Annotated[str, typer.Option(metavar="YYYY-MM", help="UTC month; the current one when left out.")]
Scope = Annotated[
    Literal["all", "guild", "channel", "person", "plugin", "purpose", "model"],
    typer.Argument(help="What it is for."),
]
Key = Annotated[
    str, typer.Argument(help="Which one: an id or a name; '*' for each on its own; none for all.")
]
Amount = Annotated[str, typer.Option(help="What may be spent, exactly; empty: alerts at each step only.")]
Background = Annotated[
    str,
    typer.Option(help="Where calls that nobody waits for stop, such as claim checks and embeddings."),
]
Step = Annotated[str, typer.Option(help="Alert at every multiple of this.")]
Period = Annotated[Literal["hour", "day", "month", "total"], typer.Option(help="The window.")]
Zone = Annotated[str, typer.Option(help="Time zone in which days and months begin.")]
Unit = Annotated[Literal["usd", "tokens"], typer.Option(help="What is counted.")]
Action = Annotated[
    Literal["refuse", "fall_back", "warn"] | None,
    typer.Option(help="What is done with a call beyond it; left out: refuse, and warn without an amount."),
]


@costs.command()
def report(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Show what the current UTC month cost so far."""
    with reporting(as_json=as_json, debug=debug) as terminal:

        async def ask(core: Core) -> tuple[MonthReport, Sequence[Untold]]:
            from wompcore.costs import CostReport

            found = await CostReport(core.repos.costs, core.clock).of_guild()
            people = (replace(one, key=_who(core, one.key)) for one in found.people)
            return replace(found, people=tuple(people)), await core.outbox.untold()

        found, untold = _with_core(config, ask)
        for alert in untold:
            terminal.say(f"Told to nobody ({alert.error}): {alert.text}")
        terminal.say(f"{found.month}: {_sum(found.total)}")
        if found.forecast:
            terminal.say(f"Forecast for its end: {show_usd(found.forecast.expected)}")
        for name in ("people", "purposes", "models", "plugins", "channels", "guilds"):
            _list(terminal.say, name, getattr(found, name))
        days = {str(day): cost for day, cost in found.days.items()}
        nobody = [{"text": alert.text, "error": alert.error} for alert in untold]
        terminal.result({**asdict(found), "days": days, "untold": nobody})


@costs.command()
def export(
    file: File, month: Month = "", config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Write every call of a month to FILE. People who opted out are left blank."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        from wompcore.costs import CostExport, month_named

        at = month_named(month) if month else None

        async def write(core: Core) -> None:
            with file.open("w", encoding="utf-8", newline="") as out:
                async for lines in CostExport(core.repos.costs).csv(
                    at or core.clock.now(), hides=core.consent.refuses
                ):
                    out.write(lines)

        _with_core(config, write)
        size = file.stat().st_size
        terminal.say(f"Wrote {file}, {size:,} bytes.")
        terminal.result({"file": str(file), "bytes": size})


@costs.command()
def check(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Prove that all totals are the sums of the entries; exit code 1 if one is not."""
    with reporting(as_json=as_json, debug=debug) as terminal:

        async def compare(core: Core) -> dict[str, list[str]]:
            ledger = core.repos.costs
            wrong = [
                f"{month:%Y-%m} {scope} {key} guild {guild}"
                for month in await ledger.months()
                for scope, key, guild in await ledger.check_totals(month)
            ]
            meters = [f"budget {number} {key}" for number, key, _ in await core.budgets.check_totals()]
            return {"totals": wrong, "meters": meters}

        found = _with_core(config, compare)
        for kind, wrong in found.items():
            for one in wrong:
                terminal.say(f"wrong: {kind}: {one}")
        terminal.result(found)
        if any(found.values()):
            terminal.say("`wompbot costs rebuild` sums them anew.")
            raise typer.Exit(FAILED)
        terminal.say("Totals and meters are the sums of the entries.")


@costs.command()
def rebuild(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Sum all totals and meters anew; calls wait meanwhile."""
    with reporting(as_json=as_json, debug=debug) as terminal:

        async def sum_anew(core: Core) -> int:
            months = await core.repos.costs.months()
            for month in months:
                await core.repos.costs.rebuild_totals(month)
            await core.budgets.rebuild_totals()
            return len(months)

        months = _with_core(config, sum_anew)
        terminal.say(f"Summed {months} months and all budgets anew.")
        terminal.result({"months": months})


@budgets.command("list")
def list_budgets(config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Show every budget and what is used of it."""
    with reporting(as_json=as_json, debug=debug) as terminal:

        async def ask(core: Core) -> list[BudgetUse]:
            return [_unnamed(core, use) for use in await core.budgets.all()]

        uses = _with_core(config, ask)
        for use in uses:
            terminal.say(_described(use))
        terminal.result([asdict(use) for use in uses])


@budgets.command("set")
def set_budget(
    scope: Scope,
    key: Key = "",
    amount: Amount = "",
    background: Background = "",
    step: Step = "",
    period: Period = "month",
    zone: Zone = "UTC",
    unit: Unit = "usd",
    action: Action = None,
    config: Config = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Set a budget, or change the one with the same scope, key, period, unit and action."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        from wompcore.costs import Budget, BudgetUse

        wanted = Budget(
            scope,
            key,
            period,
            zone,
            unit,
            action or ("refuse" if amount else "warn"),
            _exact(amount),
            _exact(background),
            alert_step=_exact(step),
        )
        kept = _with_core(config, lambda core: core.budgets.set(wanted))
        terminal.say(_described(BudgetUse(kept, ())))
        terminal.result(asdict(kept))


@budgets.command()
def remove(number: Number, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Remove a budget."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        if not _with_core(config, lambda core: core.budgets.remove(number)):
            raise BudgetInvalid(f"there is no budget {number}", hint="`wompbot costs budgets list`")
        terminal.say(f"Removed budget {number}.")
        terminal.result({"removed": number})


@budgets.command()
def lift(number: Number, config: Config = None, as_json: Json = False, debug: Debug = False) -> None:
    """Open a budget that a call above its reservation closed."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        if not _with_core(config, lambda core: core.budgets.lift(number)):
            raise BudgetInvalid(f"budget {number} is not closed", hint="`wompbot costs budgets list`")
        terminal.say(f"Budget {number} is open again.")
        terminal.result({"lifted": number})


def _with_core(config: Path | None, work: Callable[[Core], Awaitable[T]]) -> T:
    from wompcore.core import Core

    async def run() -> T:
        async with Core.open(settings_of(config)) as core:
            return await work(core)

    return asyncio.run(run())


def _exact(text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as error:
        raise BudgetInvalid(f"'{text}' is no amount", hint="Write it as 12.50.") from error


def _list(say: Callable[[str], None], title: str, totals: Iterable[CostTotal]) -> None:
    for place, total in enumerate(totals):
        say(f"{'' if place else title:<10}{total.key or '-':<28}{_sum(total)}")


def _sum(total: CostTotal) -> str:
    return f"{show_usd(total.cost_usd)} ({total.calls:,} calls)"


def _who(core: Core, person: str) -> str:
    return OPTED_OUT if person.isdecimal() and core.consent.refuses(int(person)) else person


def _unnamed(core: Core, use: BudgetUse) -> BudgetUse:
    """Return a budget's use without the ids of people who opted out."""
    if use.budget.scope != "person":
        return use
    used = tuple(replace(one, key=_who(core, one.key)) for one in use.used)
    return replace(use, budget=replace(use.budget, key=_who(core, use.budget.key)), used=used)


def _described(use: BudgetUse) -> str:
    budget = use.budget
    of = f"{budget.scope} {budget.key}".strip()
    parts = ["no limit" if budget.amount is None else f"{budget.amount:f} {budget.unit}", budget.action]
    if budget.background_amount is not None:
        parts.append(f"background calls stop at {budget.background_amount:f}")
    if budget.alert_step is not None:
        parts.append(f"told of every {budget.alert_step:f}")
    lines = [f"{budget.id:>4}  {of}, per {budget.period} ({budget.zone}): {', '.join(parts)}"]
    for used in use.used:
        state = ", closed" if used.barred else ""
        lines.append(f"      {used.key or 'all'}: {used.spent:f} spent, {used.held:f} in progress{state}")
    return "\n".join(lines)
