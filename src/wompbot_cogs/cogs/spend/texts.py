"""What people read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wompbot_cogs.cogs.spend.chart import MOST_ROWS, Picture
from wompbot_cogs.cogs.spend.names import Names, plain
from wompcore.costs import Forecast, MonthReport
from wompcore.jobs import Untold
from wompcore.money import ZERO, Usd, show_usd
from wompcore.repos.costs import CostTotal
from wompcore.text import bound

EVERYWHERE = "everywhere"
THIS_SERVER = "this server"
YOU = "you"
YOU_HERE = "you in this server"

PRIVATE = ("person", "channel", "server")
"""What is shown only where the asker alone reads."""

NOT_HERE = "Spending by {by} is for your eyes only: use `/spend month`, whose answer only you see."
EXPORT_NOT_HERE = "A table names people: use `/spend export`, whose answer only you see."
TOO_LARGE = "That month is larger than 200 MB. The owner can write it with `wompbot costs export`."
EXPORTED = "Every call of {month} that is settled and kept; times are UTC, amounts US dollars."
NO_PICTURES = '-# With `pip install "wompcore[charts]"` there is a picture too.'

UNTOLD = "**{alerts} could not be delivered** ({error}). Set `discord.alert_channel`, or let me message you."

_LONGEST = 1900  # leaves room for a hint below 2,000
_ALT_TEXT = 1024
_KINDS = {"server": "guild"}


def spending(report: MonthReport, where: str, names: Names, *, by: str | None = None, limit: int = 0) -> str:
    """Return a report as people read it.

    Args:
        report: The report.
        where: What it covers.
        names: Tells who and what is meant.
        by: The only list to show, with shares; every short list when left out.
        limit: Lines that a list has at most; one with as many may have left some out.
    """
    total = report.total
    tokens = total.input_tokens + total.output_tokens
    lines = [f"**{report.month}, {where}: {show_usd(total.cost_usd)}** ({_calls(total)}, {tokens:,} tokens)"]
    if report.forecast:
        lines.append(_forecast(report.forecast))
    if by == "day":
        lines += [f"- {day.day} {day:%B}: {show_usd(cost)}" for day, cost in sorted(report.days.items())]
    for kind, totals in _lists(report).items():
        if by in (None, kind) and totals:
            lines += [
                _heading(kind, len(totals), limit),
                *(_line(one, kind, names, total.cost_usd if by else ZERO) for one in totals),
            ]
    return _fitting(lines)


def picture(
    report: MonthReport, where: str, names: Names, now: datetime, *, by: str | None = None, limit: int = 0
) -> Picture:
    """Return what is drawn of a report; arguments as for :func:`spending`."""
    kind = by or "purpose"
    totals = _lists(report).get(kind, ())
    rows = tuple((names.drawn(_KINDS.get(kind, kind), one.key), one.cost_usd) for one in totals[:MOST_ROWS])
    heading = _heading(kind, len(totals), min(limit, MOST_ROWS))
    title = f"{report.month}, {where}"
    return Picture(title, report.total.cost_usd, heading, rows, now.date(), report.days, report.forecast)


def untold(alerts: Sequence[Untold]) -> str:
    """Return the alerts that have reached nobody, as the owner reads them."""
    count = "An alert" if len(alerts) == 1 else f"{len(alerts):,} alerts"
    first_lines = [alert.text.partition("\n")[0] for alert in alerts]
    head = UNTOLD.format(alerts=count, error=plain(alerts[-1].error))
    return _fitting([head, *(f"- {line}" for line in first_lines)])


def alt_text(picture: Picture) -> str:
    """Return a picture in words, for those who cannot see it."""
    words = [f"Bar charts. {picture.title}: {show_usd(picture.total)}."]
    if picture.days:
        day, most = max(picture.days.items(), key=lambda item: item[1])
        words.append(f"Day by day; the dearest was {day:%d %B} with {show_usd(most)}.")
    if picture.forecast:
        words.append(_forecast(picture.forecast))
    rows = ", ".join(f"{name} {show_usd(cost)}" for name, cost in picture.rows[:MOST_ROWS])
    if rows:
        words.append(f"{picture.title_of_rows}: {rows}.")
    return bound(" ".join(words), _ALT_TEXT)


def _lists(report: MonthReport) -> dict[str, tuple[CostTotal, ...]]:
    return {
        "person": report.people,
        "purpose": report.purposes,
        "model": report.models,
        "plugin": report.plugins,
        "channel": report.channels,
        "server": report.guilds,
    }


def _heading(kind: str, count: int, limit: int) -> str:
    """Return a list's heading; one that is full may have left some out."""
    return f"By {kind}, the {limit} dearest" if 0 < limit <= count else f"By {kind}"


def _forecast(seen: Forecast) -> str:
    between = f"8 times in 10 between {show_usd(seen.low)} and {show_usd(seen.high)}"
    return (
        f"Forecast for the month: {show_usd(seen.expected)}, {between}, "
        f"if days go on like the {seen.days} whole ones so far."
    )


def _line(total: CostTotal, kind: str, names: Names, whole: Usd) -> str:
    share = f", {total.cost_usd / whole:.0%}" if whole else ""
    name = names.shown(_KINDS.get(kind, kind), total.key)
    return f"- {name}: {show_usd(total.cost_usd)} ({_calls(total)}{share})"


def _calls(total: CostTotal) -> str:
    return f"{total.calls:,} call" if total.calls == 1 else f"{total.calls:,} calls"


def _fitting(lines: list[str]) -> str:
    """Return as many whole lines as a message takes."""
    while len(text := "\n".join(lines)) > _LONGEST:
        lines = [*lines[:-2], "…"]
    return text
