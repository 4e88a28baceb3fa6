"""What people read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from discord.utils import escape_markdown, escape_mentions

from wompcore.costs import MonthReport
from wompcore.money import show_usd
from wompcore.repos.costs import CostTotal
from wompcore.text import clean_name

EVERYWHERE = "everywhere"
THIS_SERVER = "this server"
YOU = "you"
YOU_HERE = "you in this server"
OPTED_OUT = "someone who opted out"

_LONGEST = 2000


def spending(
    report: MonthReport, where: str, *, person: Callable[[str], str], guild: Callable[[str], str]
) -> str:
    """Return a report as people read it.

    Args:
        report: The report.
        where: What it covers.
        person: Shows the person of an id.
        guild: Shows the server of an id.
    """
    total = report.total
    tokens = total.input_tokens + total.output_tokens
    lines = [
        f"**{report.month}, {where}: {show_usd(total.cost_usd)}** ({_calls(total)}, {tokens:,} tokens)",
        *_section("By person", report.people, person),
        *_section("By purpose", report.purposes, lambda purpose: purpose.replace("_", " ")),
        *_section("By model", report.models, plain),
        *_section("By plugin", report.plugins, plain),
        *_section("By server", report.guilds, guild),
    ]
    return "\n".join(lines)[:_LONGEST]


def plain(name: str) -> str:
    """Return a name as one line that formats nothing and calls nobody."""
    return escape_mentions(escape_markdown(clean_name(name)))


def _section(title: str, totals: Iterable[CostTotal], show: Callable[[str], str]) -> list[str]:
    lines = [f"- {show(total.key)}: {show_usd(total.cost_usd)} ({_calls(total)})" for total in totals]
    return [title, *lines] if lines else []


def _calls(total: CostTotal) -> str:
    return f"{total.calls:,} call" if total.calls == 1 else f"{total.calls:,} calls"
