"""Replay a chat log through the bot, as fast as it takes it, and measure what happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from wompbot_cogs.demo.house import House, open_house
from wompbot_cogs.demo.lag import LoopLag
from wompbot_cogs.demo.log_clock import LogClock
from wompbot_cogs.simulated import Said, Work, message_create
from wompbot_cogs.simulated.payloads import Json, author, member
from wompcore.config import DatabaseSettings
from wompcore.errors import LogLineInvalid
from wompcore.ids import snowflake_time
from wompcore.ingest.logs import LogFile, LogRecord, open_log
from wompcore.ingest.logs_ids import RecordIds, channel_id, guild_id, ids_for_replay, person_id
from wompcore.money import ZERO
from wompcore.repos.costs import CostTotal
from wompcore.repos.log_sources import LogSourceRepository
from wompcore.usage import Purpose

_SLICE_S = 0.0005  # fed without letting others run
_AT_ONCE = 10  # tasks in progress; as many replies may wait in a channel before they are refused
_CHECKS_AT_ONCE = 100  # claims waiting for the model; the watcher drops them beyond 1,000
_INTRODUCED = 10_000  # people whose part of a message is kept ready
_DRAIN_S = 120.0


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What a replay did, all of it measured.

    Args:
        messages_in: Messages of the log that the bot received.
        messages_stored: Rows of the log newly written; the bot's own messages are not counted.
        already_stored: Messages that were stored by an earlier run.
        opted_out_dropped: Messages dropped since their author withdrew.
        bad_lines: Malformed lines, skipped.
        people: Different authors.
        prefilter_fires: Messages in which the claim filter saw a claim.
        claim_llm_calls: Calls to the model to check one.
        claims_stored: Claims kept.
        addressed: Messages that spoke to the bot.
        replies: Messages the bot answered.
        llm_calls: Calls to the model in all.
        cost_usd: What they cost, exact.
        db_statements: Statements sent to the database.
        seconds: From the first message to the last write.
        messages_per_s: Messages received per second.
        loop_lag_ms_p50: Median lateness of the event loop.
        loop_lag_ms_p99: Lateness that 99 % of samples do not exceed.
        rss_mb: Memory of this process at the end, MiB.
        errors: Errors of the bot, its plugins and its tasks.
    """

    messages_in: int
    messages_stored: int
    already_stored: int
    opted_out_dropped: int
    bad_lines: int
    people: int
    prefilter_fires: int
    claim_llm_calls: int
    claims_stored: int
    addressed: int
    replies: int
    llm_calls: int
    cost_usd: Decimal
    db_statements: int
    seconds: float
    messages_per_s: float
    loop_lag_ms_p50: float
    loop_lag_ms_p99: float
    rss_mb: float
    errors: int


async def replay_log(
    file: Path,
    *,
    database: DatabaseSettings | None = None,
    as_nick: str | None = None,
    limit: int | None = None,
    on_bad_line: Callable[[LogLineInvalid], None],
    on_start: Callable[[int], None] = lambda total: None,
    on_progress: Callable[[int], None] = lambda count: None,
) -> ReplaySummary:
    """Send a log through a bot of its own; its times are shifted so that it ends now.

    Args:
        file: The log.
        database: The database; ``None`` for an embedded one that is thrown away at the end.
        as_nick: A nickname of the log whose part the bot takes.
        limit: Messages to send at most.
        on_bad_line: Called with each malformed line.
        on_start: Called with the number of messages that will be sent.
        on_progress: Called now and then with the number of messages sent so far.

    Raises:
        LogUnreadable: The log cannot be read, or holds no message.
        WompError: A part of the product cannot be opened.
    """
    log = open_log(file)
    survey = await asyncio.to_thread(log.survey)
    clock = LogClock()
    async with open_house(
        clock=clock,
        database=database,
        bot_name=as_nick or "wompbot",
        guild_id=guild_id(log),
        channels={survey.first.channel: channel_id(log, survey.first.channel)},
    ) as house:
        ids = await ids_for_replay(log, survey, LogSourceRepository(house.app.core.db), clock.now())
        replay = Replay(house, log, ids, clock, as_nick, on_bad_line, on_progress)
        on_start(survey.records if limit is None else min(limit, survey.records))
        return await replay.run(limit)


class Replay:
    """One run of a log through an open house.

    Args:
        house: The bot and its guild; nothing else happens there.
        log: The log.
        ids: Gives its messages their ids.
        clock: The clock that the house was opened with.
        as_nick: The author whose lines are a bot's, if any.
        on_bad_line: Called with each malformed line.
        on_progress: Called now and then with the number of messages sent so far.
    """

    def __init__(
        self,
        house: House,
        log: LogFile,
        ids: RecordIds,
        clock: LogClock,
        as_nick: str | None,
        on_bad_line: Callable[[LogLineInvalid], None],
        on_progress: Callable[[int], None],
    ) -> None:
        self._app, self._core, self._guild = house.app, house.app.core, house.guild
        self._log = log
        self._ids = ids
        self._clock = clock
        self._own_nick = None if as_nick is None else as_nick.casefold()
        self._on_bad_line = on_bad_line
        self._on_progress = on_progress
        self._person_ids: set[int] = set()
        self._introduced: dict[tuple[str, str, int | None], tuple[str, Json, Json]] = {}
        self._bad_lines = self._sent = self._replies = self._stray_errors = 0
        self._guild.listen(self._count_reply)

    async def run(self, limit: int | None = None) -> ReplaySummary:
        """Send the log, wait until every answer is given and every row is written, and sum up."""
        loop, before = asyncio.get_running_loop(), await self._core.repos.costs.ever_by_purpose()
        loop.set_exception_handler(self._count_error)
        statements, began_s = self._core.db.statements, time.perf_counter()
        async with LoopLag.measuring() as lag:
            with self._guild.feeding() as work:
                await self._send(limit, work)
            if not await work.ended(_DRAIN_S):
                self._stray_errors += len(work.tasks)
            await self._core.claims.settled()
            await self._core.messages.flush()
        seconds = time.perf_counter() - began_s
        statements = self._core.db.statements - statements
        loop.set_exception_handler(None)
        return await self._summary(before, statements, seconds, lag)

    async def _send(self, limit: int | None, work: Work) -> None:
        slice_ends_s = time.perf_counter() + _SLICE_S
        for entry in self._log:
            if self._sent == limit:
                break
            try:
                if isinstance(entry, LogLineInvalid):
                    raise entry
                self._send_one(entry)
            except LogLineInvalid as bad_line:
                self._bad_lines += 1
                self._on_bad_line(bad_line)
            if time.perf_counter() >= slice_ends_s:
                self._on_progress(self._sent)
                await self._give_way(work)
                slice_ends_s = time.perf_counter() + _SLICE_S
        self._on_progress(self._sent)

    def _send_one(self, record: LogRecord) -> None:
        message_id = self._ids.id_of(record)
        at = snowflake_time(message_id)
        key = (record.channel, record.author, record.author_id)
        if key not in self._introduced:
            self._introduced[key] = self._introduce(record)
        channel, its_author, its_member = self._introduced[key]
        self._clock.advance_to(at)
        self._guild.feed(
            message_create(
                message_id,
                channel,
                str(self._guild.id),
                its_author,
                its_member,
                record.text,
                at,
                self._ids.reply_to_of(record),
            )
        )
        self._sent += 1

    def _introduce(self, record: LogRecord) -> tuple[str, Json, Json]:
        """Return channel, author and member of somebody's messages; a new channel is made."""
        if len(self._introduced) >= _INTRODUCED:
            self._introduced.clear()
        channel, person = channel_id(self._log, record.channel), person_id(record)
        self._guild.add_channel(record.channel, channel)
        self._person_ids.add(person)
        is_bot = record.is_bot or record.author.casefold() == self._own_nick
        return str(channel), author(person, record.author, is_bot=is_bot), member(record.at)

    async def _give_way(self, work: Work) -> None:
        await asyncio.sleep(0)
        await self._core.messages.room()
        if self._core.claims.waiting > _CHECKS_AT_ONCE:
            await self._core.claims.settled()
        while len(work.tasks) > _AT_ONCE:
            await asyncio.wait(work.tasks, return_when=asyncio.FIRST_COMPLETED)

    def _count_reply(self, message: Said, is_new: bool) -> None:
        self._replies += is_new and message.reply_to_id is not None

    def _count_error(self, _loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
        self._stray_errors += 1

    async def _summary(
        self, before: dict[str, CostTotal], statements: int, seconds: float, lag: LoopLag
    ) -> ReplaySummary:
        core, counts, flow = self._core, self._core.messages.counts, self._app.bot.flow.counts
        after = await core.repos.costs.ever_by_purpose()
        nothing = CostTotal("", 0, 0, 0, ZERO)
        calls = {key: after[key].calls - before.get(key, nothing).calls for key in after}
        cost = sum((total.cost_usd for total in after.values()), ZERO)
        return ReplaySummary(
            messages_in=self._sent - counts.parked,
            messages_stored=counts.stored,
            already_stored=counts.already_stored,
            opted_out_dropped=counts.opted_out,
            bad_lines=self._bad_lines + counts.parked,
            people=len(self._person_ids),
            prefilter_fires=core.claims.counts.fires,
            claim_llm_calls=calls.get(Purpose.CLAIM_CHECK, 0),
            claims_stored=core.claims.counts.stored,
            addressed=flow.addressed,
            replies=self._replies,
            llm_calls=sum(calls.values()),
            cost_usd=cost - sum((total.cost_usd for total in before.values()), ZERO),
            db_statements=statements,
            seconds=round(seconds, 3),
            messages_per_s=round(self._sent / seconds, 1),
            loop_lag_ms_p50=round(lag.percentile_ms(50), 2),
            loop_lag_ms_p99=round(lag.percentile_ms(99), 2),
            rss_mb=round(psutil.Process().memory_info().rss / 2**20, 1),
            errors=self._app.bot.failures + self._app.host.errors + self._stray_errors,
        )
