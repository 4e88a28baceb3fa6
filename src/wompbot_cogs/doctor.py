"""What could keep the bot from working, looked at one by one, each within its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection

from wompbot_cogs.account import look_up
from wompbot_cogs.doctor_plugins import (
    look_at_plugin_data,
    look_at_plugins,
    look_at_running_plugins,
    permissions_to_invite_with,
)
from wompbot_cogs.errors import IntentsRefused
from wompbot_cogs.finding import Finding
from wompbot_cogs.settings import BotSettings
from wompcore.db import Database, migrations_in, pending_migrations
from wompcore.errors import TransportFailed, WompError
from wompcore.http import HttpSessions
from wompcore.jobs import jobs_migrations
from wompcore.llm import model_provider
from wompcore.repos.breakers import BreakerRepository

_LIMIT_S = 20.0
_FIRST_START_S = 60.0
"""The embedded server makes its files at its first start."""

_LEFT_ALONE = "The endpoint failed repeatedly; it is tried again by itself."


async def examine(settings: BotSettings, *, only: Collection[str] = ()) -> list[Finding]:
    """Look at database (and migrations), model endpoint, breakers, token (and intents) and plugins.

    No schema is changed and nothing costs money. Each look ends in time, whatever it meets.

    Args:
        settings: What the bot would run with.
        only: What to look at; empty for everything.
    """
    looks: list[tuple[str, Callable[[BotSettings], Awaitable[list[Finding]]], float]] = [
        ("database", look_at_database, _FIRST_START_S),
        ("model", look_at_model, _LIMIT_S),
        ("breakers", look_at_breakers, _FIRST_START_S),
        ("token", look_at_account, _FIRST_START_S),
        ("plugins", look_at_plugins, _LIMIT_S),
        ("plugin data", look_at_plugin_data, _FIRST_START_S),
        ("running", look_at_running_plugins, _LIMIT_S),
    ]
    found = await asyncio.gather(
        *(_in_time(subject, look(settings), s) for subject, look, s in looks if not only or subject in only)
    )
    return [finding for findings in found for finding in findings]


async def look_at_database(settings: BotSettings) -> list[Finding]:
    """Connect, and compare the schema with the migrations."""
    async with Database.open(settings.database) as db:
        version = await db.fetch_value("SHOW server_version")
        place = "" if settings.database.url else ", embedded"
        found = [Finding("database", True, f"PostgreSQL {version}{place}")]
        try:
            waiting = [
                *await pending_migrations(db, "core", migrations_in("wompcore.repos")),
                *await pending_migrations(db, "jobs", jobs_migrations()),
            ]
        except WompError as error:
            return [*found, Finding("migrations", False, error.message, error.hint)]
    detail = f"{len(waiting)} to apply; the next start does it" if waiting else "all applied"
    return [*found, Finding("migrations", True, detail)]


async def look_at_model(settings: BotSettings) -> list[Finding]:
    """Ask the model endpoint whether it is there and takes the key."""
    async with HttpSessions.open(settings.http, trusted_origins=[settings.llm.base_url]) as http:
        detail = await model_provider(http.trusted, settings.llm).probe(settings.llm.model)
    return [Finding("model", True, detail)]


async def look_at_breakers(settings: BotSettings) -> list[Finding]:
    """Tell which models are being left alone: what processes share, or what the running bot says."""
    if not settings.llm.shared_breaker:
        return [await _ask_running_bot(settings)]
    async with Database.open(settings.database) as db:
        if await pending_migrations(db, "core", migrations_in("wompcore.repos")):
            return [Finding("breakers", True, "none yet: migrations are to be applied first")]
        found = await BreakerRepository(db).not_closed()
    states = [
        f"{model} at {address} " + (f"open for {open_s:.0f} s more" if open_s else "waits for a probe")
        for address, model, open_s in found
    ]
    return [Finding("breakers", not found, "; ".join(states) or "all closed", _LEFT_ALONE if found else "")]


async def _ask_running_bot(settings: BotSettings) -> Finding:
    """Breakers that are not shared are known to their own process only; it tells them where it is let."""
    if not settings.metrics.port:
        detail = "the running bot keeps its own; with metrics.port set it tells them here"
        return Finding("breakers", True, detail)
    url = settings.metrics.url
    try:
        async with HttpSessions.open(settings.http, trusted_origins=[url]) as http:
            answer = await http.trusted.get(f"{url}/healthz", read_timeout_s=_LIMIT_S / 2)
        states: dict[str, str] = json.loads(answer.body)["breakers"]
    except (TransportFailed, ValueError, LookupError, TypeError):
        return Finding("breakers", True, f"no bot with these settings answers at {url}")
    found = [f"{endpoint} is {state.replace('_', '-')}" for endpoint, state in states.items()]
    failing = any(state != "closed" for state in states.values())
    return Finding(
        "breakers", not failing, "; ".join(found) or "none used yet", _LEFT_ALONE if failing else ""
    )


async def look_at_account(settings: BotSettings) -> list[Finding]:
    """Ask Discord whose the token is and which intents it has."""
    account = await look_up(settings.discord)
    invite_url = account.invite_url(await permissions_to_invite_with(settings))
    found = [Finding("token", True, f"{account.name}, invited at {invite_url}")]
    if account.refused_intents:
        error = IntentsRefused(account.refused_intents, account.application_id)
        return [*found, Finding("intents", False, error.message, error.hint)]
    detail = (
        "all that the settings ask for" if settings.discord.message_content else "mentions and slash only"
    )
    return [*found, Finding("intents", True, detail)]


async def _in_time(subject: str, look: Awaitable[list[Finding]], limit_s: float) -> list[Finding]:
    try:
        async with asyncio.timeout(limit_s):
            return await look
    except WompError as error:
        return [Finding(subject, False, error.message, error.hint)]
    except TimeoutError:
        return [Finding(subject, False, f"no answer within {limit_s:.0f} s")]
    except Exception as error:
        return [Finding(subject, False, f"unexpected {type(error).__name__}: {error}")]
