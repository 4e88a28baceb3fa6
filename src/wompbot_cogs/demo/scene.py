"""A short scene: people chat, and every part of the bot has its moment."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from decimal import Decimal

import psutil
from rich.console import Console

from wompbot_cogs.demo.house import OWNER, House, open_house
from wompbot_cogs.demo.pages import PAGES
from wompbot_cogs.demo.show import Show
from wompbot_cogs.demo.talk import talk, typed_lines
from wompcore.clock import SystemClock
from wompcore.config import DatabaseSettings
from wompcore.money import ZERO, show_usd
from wompcore.usage import Purpose

_BEAT_S = 0.002
_CROWD = ("emil", "fay", "gus", "hana", "ivo")
_CROWD_LINES = 300


@dataclass(frozen=True, slots=True)
class SceneSummary:
    """What happened in the scene, measured.

    Args:
        ready_s: Seconds from the start of the program until the bot was ready.
        messages_in: Messages of people that the bot received.
        messages_stored: Those that are stored.
        opted_out_dropped: Those dropped since their author withdrew.
        said_during_swap: Messages said while a cog was swapped.
        lost_during_swap: Those of them that never arrived.
        claims_stored: Claims kept.
        replies: Answers of the bot.
        llm_calls: Calls to the model.
        cost_usd: What they cost, exact.
        db_statements: Statements sent to the database.
        errors: Errors of the bot and its plugins.
    """

    ready_s: float
    messages_in: int
    messages_stored: int
    opted_out_dropped: int
    said_during_swap: int
    lost_during_swap: int
    claims_stored: int
    replies: int
    llm_calls: int
    cost_usd: Decimal
    db_statements: int
    errors: int


class Scene:
    """Plays the scene in an open house.

    Args:
        house: The bot and its guild.
        show: Prints it.
    """

    def __init__(self, house: House, show: Show) -> None:
        self._app, self._core, self._guild = house.app, house.app.core, house.guild
        self._bot_name = house.app.settings.discord.name
        self._show = show
        self._said_during_swap = self._lost_during_swap = 0

    async def play(self, ready_s: float) -> SceneSummary:
        """Play it from beginning to end.

        Args:
            ready_s: Seconds until the bot was ready.
        """
        statements = self._core.db.statements
        self._show.narrate(
            "No token, no key, no database server: PostgreSQL runs embedded, the model is an offline "
            f"stand-in at {self._app.settings.llm.base_url}, Discord is simulated. The rest is the product."
        )
        await self._chat()
        await self._search()
        await self._catch_a_claim()
        await self._opt_out()
        await self._swap()
        await self._spend()
        return await self._summary(ready_s, statements)

    async def _chat(self) -> None:
        self._show.narrate("People chat. The bot listens, and answers when it is addressed.")
        await self._say("ann", "morning! who is coming to the meetup on friday?")
        await self._say("ben", "me, and I bring the projector")
        await self._say("chloe", "I bring cake: apple, and one without nuts for dana")
        await self._say("dana", "you are the best")
        await self._say("ann", f"{self._bot_name}, who brings cake on friday?")

    async def _search(self) -> None:
        self._show.narrate(
            f"The model may search the web: here, a server on this machine that knows {len(PAGES)} pages."
        )
        await self._say("emil", f"{self._bot_name}, search the web for PostgreSQL")

    async def _catch_a_claim(self) -> None:
        self._show.narrate("Claims are caught by a local filter, checked by the model and kept as receipts.")
        await self._say("ben", "I guarantee Rust 3.0 will be released before the end of this year")
        await self._core.claims.settled()
        await self._say("chloe", "!receipts")

    async def _opt_out(self) -> None:
        self._show.narrate("Whoever opts out is no longer stored: what was kept is blanked at once.")
        await self._slash("dana", "optout")
        await self._say("dana", "and this stays between us")
        await self._say("ben", f"{self._bot_name}, what did dana say?")

    async def _swap(self) -> None:
        self._show.narrate(
            f"{len(_CROWD)} people talk without a pause while the owner swaps the chat cog under them."
        )
        seen = self._app.bot.flow.counts.seen
        talking = asyncio.create_task(self._talk_without_pause())
        await self._say(OWNER, "!plugins swap chat")
        await talking
        # The owner's command is a message too.
        self._lost_during_swap = _CROWD_LINES + 1 - (self._app.bot.flow.counts.seen - seen)
        self._said_during_swap = _CROWD_LINES
        self._show.narrate(
            f"{_CROWD_LINES} messages were said meanwhile, {self._lost_during_swap} were lost."
        )
        await self._say("chloe", f"{self._bot_name}, are you a real model?")

    async def _talk_without_pause(self) -> None:
        for number in range(_CROWD_LINES):
            self._guild.post(_CROWD[number % len(_CROWD)], f"bla {number}")
            await asyncio.sleep(_BEAT_S)

    async def _spend(self) -> None:
        self._show.narrate(
            "Each call to the model is booked once, exactly: by person, purpose and plugin. "
            "(The stand-in is free; the demo books it at the price of a small hosted model.)"
        )
        await self._slash(OWNER, "spend month")

    async def _say(self, name: str, text: str) -> None:
        self._show.person(name, text)
        await self._guild.say(name, text)
        self._show.news()

    async def _slash(self, name: str, command: str) -> None:
        self._show.person(name, f"/{command}")
        for answer in await self._guild.slash(name, command):
            self._show.bot(answer)

    async def _summary(self, ready_s: float, statements: int) -> SceneSummary:
        core, counts, flow = self._core, self._core.messages.counts, self._app.bot.flow.counts
        await core.messages.flush()
        spent = await core.repos.costs.ever_by_purpose()
        return SceneSummary(
            ready_s=round(ready_s, 2),
            messages_in=flow.seen,
            messages_stored=counts.stored,
            opted_out_dropped=counts.opted_out,
            said_during_swap=self._said_during_swap,
            lost_during_swap=self._lost_during_swap,
            claims_stored=core.claims.counts.stored,
            replies=len(self._guild.answers()),
            llm_calls=sum(total.calls for why, total in spent.items() if why != Purpose.SEARCH),
            cost_usd=sum((total.cost_usd for total in spent.values()), ZERO),
            db_statements=core.db.statements - statements,
            errors=self._app.bot.failures + self._app.host.errors,
        )


def _rows(summary: SceneSummary) -> list[tuple[str, str]]:
    """Return the summary as names and values for people."""
    return [
        ("ready after", f"{summary.ready_s:.1f} s"),
        ("messages", f"{summary.messages_in:,} in, {summary.messages_stored:,} stored"),
        ("opted out", f"{summary.opted_out_dropped:,} dropped"),
        ("during the swap", f"{summary.said_during_swap:,} said, {summary.lost_during_swap:,} lost"),
        ("claims", f"{summary.claims_stored:,} kept"),
        ("answers", f"{summary.replies:,}"),
        ("model", f"{summary.llm_calls:,} calls, {show_usd(summary.cost_usd)}"),
        ("database", f"{summary.db_statements:,} statements"),
        ("errors", f"{summary.errors:,}"),
    ]


async def run_scene(*, database: DatabaseSettings | None = None, to_stderr: bool = False) -> SceneSummary:
    """Open a house, play the scene, and let whoever sits at a terminal talk afterwards.

    Args:
        database: The database; ``None`` for an embedded one that is thrown away at the end.
        to_stderr: Print on standard error instead of standard output.

    Raises:
        WompError: A part of the product cannot be opened.
    """
    console = Console(stderr=to_stderr, highlight=False)
    async with open_house(clock=SystemClock(), database=database, pages=PAGES) as house:
        ready_s = time.time() - psutil.Process().create_time()
        show = Show(console, house.guild)
        summary = await Scene(house, show).play(ready_s)
        show.table("Summary", _rows(summary))
        if console.is_terminal and sys.stdin.isatty():
            await talk(house.guild, show, typed_lines())
    return summary
