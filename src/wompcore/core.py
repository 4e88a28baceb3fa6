"""The library, opened as one: every service in order, closed in reverse."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from wompcore.cache import Cache
from wompcore.claims import ClaimWatcher, HotTakes, Quotes, Rater
from wompcore.clock import Clock, SystemClock
from wompcore.config import CoreSettings
from wompcore.consent import Gate
from wompcore.costs import Budgets, Ledger, PriceBook
from wompcore.db import Database, Listener, migrate, migrations_in
from wompcore.http import HttpSessions
from wompcore.ids import EntryIds
from wompcore.ingest import MessageStore
from wompcore.jobs import Jobs, Outbox, jobs_migrations
from wompcore.limits import Limits
from wompcore.llm import Breakers, ChatClient, OpenAiStyle, model_provider, read_states
from wompcore.observe import SILENT, Labels, Meter
from wompcore.privacy import Privacy
from wompcore.repos import breakers, consents
from wompcore.repos.claims import ClaimRepository
from wompcore.repos.claims_retention import ClaimRetention
from wompcore.repos.costs import CostRepository
from wompcore.repos.costs_budgets import BudgetRepository
from wompcore.repos.costs_retention import CostRetention
from wompcore.repos.deliveries import DeliveryRepository
from wompcore.repos.guilds import GuildRepository
from wompcore.repos.holders import CORE_HOLDERS, HolderRepository
from wompcore.repos.hot_takes import HotTakeRepository
from wompcore.repos.messages import MessageRepository
from wompcore.repos.partitions import PartitionRepository
from wompcore.repos.personal_data import PersonalDataRepository
from wompcore.repos.plugins import PluginRepository
from wompcore.repos.quotes import QuoteRepository
from wompcore.repos.reply_context import ReplyContexts
from wompcore.search import WebSearch, provider_of, search_origin

_INSTANCE = "SELECT nextval('instance_numbers')"


@dataclass(frozen=True, slots=True)
class Repositories:
    """What is kept, by aggregate.

    Args:
        messages: What was said.
        contexts: What a reply needs to know.
        costs: What was spent.
        guilds: What guilds decided.
        plugins: Which plugins should run.
        holders: Who keeps personal data where.
    """

    messages: MessageRepository
    contexts: ReplyContexts
    costs: CostRepository
    guilds: GuildRepository
    plugins: PluginRepository
    holders: HolderRepository

    @classmethod
    def on(cls, db: Database) -> Repositories:
        """Make the repositories of a database."""
        return cls(
            MessageRepository(db),
            ReplyContexts(db),
            CostRepository(db),
            GuildRepository(db),
            PluginRepository(db),
            HolderRepository(db),
        )


@dataclass(frozen=True, slots=True)
class Core:
    """Every service, open. Made by :meth:`open`.

    Args:
        settings: What everything was opened with.
        clock: The time that limits and records go by.
        db: The database.
        listener: Brings what other processes tell.
        repos: What is kept.
        consent: May we?
        messages: The message store.
        http: The two ways out.
        ledger: The money.
        budgets: What may be spent.
        llm: The one path to the model.
        cache: Answers of outside services, kept for a while.
        search: Searches the web, when a service is set up.
        claims: Finds claims.
        hot_takes: Counts what a server argues about.
        quotes: Keeps what people want kept.
        limits: Who may ask how often.
        jobs: Durable jobs; whoever wants them run here starts the worker.
        outbox: Messages that must arrive once.
        privacy: Exports and erases people.
    """

    settings: CoreSettings
    clock: Clock
    db: Database
    listener: Listener
    repos: Repositories
    consent: Gate
    messages: MessageStore
    http: HttpSessions
    ledger: Ledger
    budgets: Budgets
    llm: ChatClient
    cache: Cache
    search: WebSearch
    claims: ClaimWatcher
    hot_takes: HotTakes
    quotes: Quotes
    limits: Limits
    jobs: Jobs
    outbox: Outbox
    privacy: Privacy

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: CoreSettings,
        *,
        clock: Clock | None = None,
        temporary: bool = False,
        meter: Meter = SILENT,
    ) -> AsyncIterator[Core]:
        """Open every service; closing finishes what was begun.

        Args:
            settings: The settings.
            clock: The time that limits and records go by; the system's when left out.
            temporary: Use an embedded database that is thrown away at the end.
            meter: Is told what the services do, such as a
                :class:`wompcore.observe.prometheus.PrometheusMeter`.

        Raises:
            WompError: A service cannot be opened; says which and what to do.
        """
        clock = clock or SystemClock()
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            db = await enter(Database.open(settings.database, temporary=temporary))
            await migrate(db, "core", migrations_in("wompcore.repos"))
            await migrate(db, "jobs", jobs_migrations())
            listener = await enter(Listener.open(db))
            repos = Repositories.on(db)
            await repos.holders.declare(CORE_HOLDERS)
            consent = await enter(
                Gate.open(consents.ConsentRepository(db), listener, clock, channel=consents.CHANNEL)
            )
            jobs = await enter(Jobs.open(db, listener))
            await _keep_partitions_ahead(PartitionRepository(db), jobs)
            outbox = Outbox(jobs, DeliveryRepository(db))
            origins = filter(None, [settings.llm.base_url, search_origin(settings.search)])
            http = await enter(HttpSessions.open(settings.http, trusted_origins=origins))
            ids = EntryIds(await db.fetch_value(_INSTANCE))
            ledger = Ledger(
                repos.costs,
                PriceBook.installed(settings.costs),
                ids,
                clock,
                may_name=lambda person: not consent.refuses(person),
            )
            stack.push_async_callback(ledger.close)
            jobs.register("costs.sweep", ledger.sweep, cron="* * * * *")
            budgets = Budgets(BudgetRepository(db), clock)
            jobs.register("budgets.forget", budgets.forget, cron="29 * * * *")
            if months := settings.costs.keep_months:
                _drop_old_costs(CostRetention(db), months, clock, jobs)
            provider = model_provider(http.trusted, settings.llm)
            llm = ChatClient(
                provider,
                settings.llm,
                ledger,
                media=provider if isinstance(provider, OpenAiStyle) else None,
                breakers=await enter(_shared_breakers(db, listener)) if settings.llm.shared_breaker else None,
                meter=meter,
            )
            stack.callback(meter.watch("llm_breaker_state", lambda: read_states(llm.breakers()), max))
            stack.callback(meter.watch("http_requests", lambda: _by_origin(http, "requests")))
            stack.callback(meter.watch("http_connections", lambda: _by_origin(http, "connections")))
            cache = await enter(Cache.open(settings.cache))
            search = WebSearch(provider_of(settings.search, http.trusted), settings.search, cache, ledger)
            _blank_deleted_claims(ClaimRetention(db), clock, jobs)
            messages = await enter(MessageStore.open(repos.messages, consent, settings.ingest))
            consent.before_withdrawal(messages.flush)
            claims = await enter(
                ClaimWatcher.open(
                    ClaimRepository(db),
                    llm,
                    consent,
                    settings.claims,
                    clock,
                    listener,
                    model_name=settings.llm.claim_model,
                )
            )
            takes = HotTakeRepository(db)
            rater = Rater(takes, llm, consent, settings.llm.claim_model)
            opening = HotTakes.open(takes, rater, listener, clock, settings.claims, claims.tracked.add)
            hot_takes = await enter(opening)
            jobs.register("hot_takes.end_hours", hot_takes.end_hours, cron="* * * * *")
            jobs.register("claims.learn", claims.learning.learn, cron="*/5 * * * *")
            jobs.register("claims.forget", claims.forget_limits, cron="53 4 * * *")
            yield cls(
                settings,
                clock,
                db,
                listener,
                repos,
                consent,
                messages,
                http,
                ledger,
                budgets,
                llm,
                cache,
                search,
                claims,
                hot_takes,
                await enter(Quotes.open(QuoteRepository(db), listener, clock)),
                Limits.of(settings.limits),
                jobs,
                outbox,
                Privacy(PersonalDataRepository(db), repos.holders, consent, jobs, clock),
            )


async def _keep_partitions_ahead(partitions: PartitionRepository, jobs: Jobs) -> None:
    """Make the partitions of the next months now and daily: months of real time, whatever the clock."""

    async def ensure() -> None:
        await partitions.ensure(SystemClock().now())

    jobs.register("partitions.ensure", ensure, cron="17 3 * * *")
    await ensure()


def _drop_old_costs(retention: CostRetention, months: int, clock: Clock, jobs: Jobs) -> None:
    async def drop() -> None:
        await retention.keep(months, clock.now())

    jobs.register("costs.drop", drop, cron="37 4 * * *")


def _blank_deleted_claims(retention: ClaimRetention, clock: Clock, jobs: Jobs) -> None:
    async def blank() -> None:
        await retention.blank_deleted(clock.now())

    jobs.register("claims.blank", blank, cron="7 5 * * *")


def _shared_breakers(db: Database, listener: Listener) -> AbstractAsyncContextManager[Breakers]:
    return Breakers.shared(breakers.BreakerRepository(db), listener, breakers.CHANNEL)


def _by_origin(
    http: HttpSessions, what: Literal["requests", "connections"]
) -> Iterator[tuple[Labels, float]]:
    for origin, traffic in http.trusted.traffic.items():
        yield {"origin": origin}, getattr(traffic, what)
    yield {"origin": "guarded"}, getattr(http.guarded.traffic, what)
