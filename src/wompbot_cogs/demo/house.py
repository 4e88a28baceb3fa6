"""The whole product on one machine: embedded database, offline model over HTTP, simulated guild."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from wompbot_cogs.app import App, open_app
from wompbot_cogs.settings import BotSettings, DiscordSettings
from wompbot_cogs.simulated import GUILD_ID, SimulatedGuild, member_id
from wompcore.clock import Clock
from wompcore.config import ClaimSettings, CostSettings, DatabaseSettings, LlmSettings, Price, SearchSettings
from wompcore.llm.offline import MODEL, offline_server
from wompcore.repos.log_sources import LogSourceRepository
from wompcore.search import SearchResult
from wompcore.search.offline import offline_search

OWNER = "olivia"

_PRICE = Price(input=Decimal("0.27"), output=Decimal("1.10"))  # what a small hosted model costs


@dataclass(frozen=True, slots=True)
class House:
    """Everything the demo stands on. Made by :func:`open_house`.

    Args:
        app: The product.
        guild: Where it lives.
    """

    app: App
    guild: SimulatedGuild


@asynccontextmanager
async def open_house(
    *,
    clock: Clock,
    bot_name: str = "wompbot",
    database: DatabaseSettings | None = None,
    guild_id: int | None = None,
    channels: Mapping[str, int] | Sequence[str] = ("general",),
    pages: Sequence[SearchResult] = (),
) -> AsyncIterator[House]:
    """Open everything and let the bot log in.

    Args:
        clock: The time that limits and records go by.
        bot_name: The name it answers to.
        database: The database; ``None`` for an embedded one that is thrown away at the end.
        guild_id: The guild's id; ``None`` for any.
        channels: Names of text channels, or their ids by name.
        pages: What a web search finds; none for no search.

    Raises:
        WompError: A part cannot be opened; says which and what to do.
    """
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(offline_server())
        search = SearchSettings()
        if pages:
            engine = await stack.enter_async_context(offline_search(pages))
            search = SearchSettings(provider="searxng", base_url=engine.base_url)
        settings = BotSettings(
            database=database or DatabaseSettings(),
            llm=LlmSettings(base_url=model.base_url, model=MODEL),
            costs=CostSettings(prices={MODEL: _PRICE}),
            search=search,
            claims=ClaimSettings(explore_share=0),  # the same log gives the same numbers
            discord=DiscordSettings(name=bot_name, owner_ids=frozenset({member_id(OWNER)})),
        )
        async with open_app(settings, clock=clock, temporary=database is None, shard_count=1) as app:
            run = await LogSourceRepository(app.core.db).next_run()
            async with SimulatedGuild.open(
                app.bot,
                clock=clock,
                run=run,
                guild_id=guild_id or GUILD_ID,
                channels=channels,
                bot_name=bot_name,
                owner=OWNER,
            ) as guild:
                yield House(app, guild)
