"""A plugin's own tables, settings, jobs and consent, in a running bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from living_bot import OWNER, Living, Opener
from plugin_site import PluginSite
from wompbot_cogs.app import App, open_app
from wompbot_cogs.doctor_plugins import look_at_plugin_data
from wompbot_cogs.errors import (
    ConsentAwaited,
    ManifestInvalid,
    MigrationRefused,
    NotGranted,
    PluginError,
    SettingsInvalid,
)
from wompbot_cogs.host.contracts import Contracts
from wompbot_cogs.host.purge import purge
from wompbot_cogs.manifest import read_manifest
from wompbot_cogs.settings import BotSettings
from wompcore.clock import SteppedClock, SystemClock
from wompcore.db import Database

KEEPER = """
from discord.ext import commands
from wompbot_cogs import Plugin

class Keeper(commands.Cog, name="{id}"):
    def __init__(self, context):
        self.context = context

plugin = Plugin(Keeper)
"""
NOTES_ARE_PERSONAL = """
[[plugin.personal_data]]
table = "notes"
person = "author_id"
holds = "your notes"
"""
TABLE = "CREATE TABLE notes (id bigserial PRIMARY KEY, author_id bigint, text text NOT NULL)"


def install(
    site: PluginSite, *, manifest: str = "", migrations: dict[str, str] | None = None, **more: Any
) -> Path:
    """Install a plugin with tables; ``manifest`` is added to its own."""
    folder = site.install("keeper", KEEPER, needs=more.pop("needs", ["db"]), **more)
    with (folder / "wompbot.toml").open("a") as file:
        file.write("\n" + manifest)
    (folder / "migrations").mkdir(exist_ok=True)
    for name, sql in (migrations or {}).items():
        (folder / "migrations" / f"{name}.sql").write_text(sql)
    return folder


def context(living: Living) -> Any:
    return living.app.bot.cogs["keeper"].context  # type: ignore[attr-defined] # the cog of KEEPER


async def until(holds: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(15):
        while not await holds():  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.02)


# -- tables --------------------------------------------------------------------------------------


async def test_a_plugins_tables_are_made_in_its_own_schema_under_its_own_role(
    living: Living, site: PluginSite
) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    await living.app.host.load("keeper")
    db = context(living).db
    await db.execute("INSERT INTO notes (author_id, text) VALUES (1, 'a')")
    query = "SELECT tableowner FROM pg_tables WHERE schemaname = 'plugin_keeper'"
    assert await living.app.core.db.fetch_value(query) == "plugin_keeper"
    assert await db.fetch_value("SELECT current_user") == "plugin_keeper"


async def test_an_expand_migration_that_could_break_the_old_version_is_refused_and_the_old_one_serves(
    living: Living, site: PluginSite
) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    await living.app.host.load("keeper")
    install(site, migrations={"0002_tidy.expand": "ALTER TABLE notes DROP COLUMN text"}, version="2")
    with pytest.raises(MigrationRefused, match=r"migrations/0002_tidy\.expand\.sql: .* drops something"):
        await living.app.host.swap("keeper")
    assert await context(living).db.fetch_value("SELECT count(text) FROM notes") == 0
    [state] = [state for state in living.app.host.states() if state.id == "keeper"]
    assert (state.state, state.version) == ("live", "1")
    assert "drops something" in state.problem


async def test_a_contract_migration_waits_until_the_old_version_is_gone(
    living: Living, site: PluginSite
) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    host, db = living.app.host, living.app.core.db
    await host.load("keeper")
    install(
        site,
        migrations={
            "0002_title.expand": "ALTER TABLE notes ADD COLUMN title text",
            "0003_tidy.contract": "ALTER TABLE notes DROP COLUMN text",
        },
        version="2",
    )
    await host.swap("keeper")
    assert await context(living).db.fetch_value("SELECT count(title) + count(text) FROM notes") == 0
    loaded, draining = host._serving.loaded, host._draining
    contracts = Contracts(living.app.core.repos.plugins, draining, SystemClock(), 0.0, 90.0, tell_nobody)
    await db.execute("INSERT INTO plugin_processes (process, runs) VALUES ('other', '{\"keeper\": \"1\"}')")
    await until(lambda: _ended(draining))
    await contracts.look(loaded)
    columns = """
        SELECT count(*) FROM information_schema.columns
        WHERE table_schema = 'plugin_keeper' AND table_name = 'notes' AND column_name = 'text'
    """
    assert await db.fetch_value(columns) == 1  # another process still runs version 1
    await db.execute("UPDATE plugin_processes SET runs = '{\"keeper\": \"2\"}' WHERE process = 'other'")
    await contracts.look(loaded)
    await contracts.look(loaded)
    assert await db.fetch_value(columns) == 0


async def test_a_version_whose_migrations_are_finished_leaves_nothing(
    living: Living, site: PluginSite
) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    host = living.app.host
    contracts = Contracts(
        living.app.core.repos.plugins, host._draining, SystemClock(), 0.0, 90.0, tell_nobody
    )
    await host.load("keeper")
    await contracts.look(host._serving.loaded)
    await host.unload("keeper")
    await until(lambda: _ended(host._draining))
    assert host.receipts() == {}


async def tell_nobody(key: str, text: str) -> None:
    """Stand for the owners where nothing is to be told."""
    raise AssertionError(text)


async def test_a_contract_migration_that_fails_is_shown_told_once_and_tried_again(
    living: Living, site: PluginSite
) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    host, db, clock = living.app.host, living.app.core.db, SteppedClock(datetime.now(UTC))
    await host.load("keeper")
    told: list[str] = []

    async def tell(key: str, text: str) -> None:
        told.append(text)

    contracts = host._contracts = Contracts(
        living.app.core.repos.plugins, host._draining, clock, 0.0, 90.0, tell
    )
    install(site, migrations={"0002_one.contract": "ALTER TABLE notes ADD UNIQUE (text)"}, version="2")
    await db.execute("INSERT INTO plugin_keeper.notes (text) VALUES ('same'), ('same')")
    await host.swap("keeper")
    await until(lambda: _ended(host._draining))
    for _ in range(2):
        await contracts.look(host._serving.loaded)
        clock.advance(61)
    [state] = [state for state in host.states() if state.id == "keeper"]
    assert (state.state, state.version) == ("live", "2")
    assert "its migrations are not finished: UniqueViolation" in state.problem
    assert await context(living).db.fetch_value("SELECT count(*) FROM notes") == 2  # it serves
    [text] = told
    assert "`keeper` 2 serves, but" in text

    async with db.connection() as reading, reading.transaction():  # a long one, that a lock waits for
        await reading.execute("DELETE FROM plugin_keeper.notes WHERE id = 1")
        clock.advance(3600)
        await contracts.look(host._serving.loaded)
    assert "LockNotAvailable" in host.states()[[state.id for state in host.states()].index("keeper")].problem
    clock.advance(3600)
    await contracts.look(host._serving.loaded)
    assert {state.problem for state in host.states()} == {""}


async def _ended(draining: Any) -> bool:
    return not draining.is_draining("keeper")


async def test_after_an_expansion_the_version_before_may_come_back(living: Living, site: PluginSite) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    await living.app.host.load("keeper")
    folder = install(site, migrations={"0002_t.expand": "ALTER TABLE notes ADD COLUMN t text"}, version="2")
    await living.app.host.swap("keeper")
    (folder / "migrations" / "0002_t.expand.sql").unlink()
    install(site, version="1")
    assert (await living.app.host.swap("keeper")).version == "1"


@pytest.mark.parametrize(
    ("name", "sql", "problem"),
    [
        ("0001_notes", TABLE, "neither kind"),
        ("notes.expand", TABLE, "not named NNNN"),
        ("0002_notes.expand", TABLE, "where number 0001 is due"),
        ("0001_notes.expand", "CREATE TABLE notes (id nonsense)", "nonsense"),
        ("0001_notes.contract", "DROP TABLE public.people", "must be owner|permission denied"),
    ],
)
async def test_migrations_that_are_wrong_keep_the_plugin_from_loading(
    living: Living, site: PluginSite, name: str, sql: str, problem: str
) -> None:
    install(site, migrations={name: sql})
    with pytest.raises(PluginError, match=problem):
        await living.app.host.load("keeper")
    assert await living.app.core.db.fetch_value("SELECT to_regclass('people') IS NOT NULL")


async def test_an_edited_migration_is_noticed(living: Living, site: PluginSite) -> None:
    install(site, migrations={"0001_notes.expand": TABLE})
    await living.app.host.load("keeper")
    install(site, migrations={"0001_notes.expand": TABLE + ";"}, version="2")
    with pytest.raises(PluginError, match="edited after it was applied"):
        await living.app.host.swap("keeper")


async def test_personal_data_that_is_declared_must_be_there(living: Living, site: PluginSite) -> None:
    wrong = NOTES_ARE_PERSONAL.replace("author_id", "writer_id")
    more = "; ALTER TABLE notes ADD small_id int; CREATE VIEW seen AS SELECT author_id FROM notes"
    install(site, manifest=wrong, migrations={"0001_notes.expand": TABLE + more})
    with pytest.raises(ManifestInvalid, match=r"plugin_keeper\.notes\.writer_id"):
        await living.app.host.load("keeper")
    blanked = NOTES_ARE_PERSONAL.replace("author_id", "id") + 'on_erase = "blank"\n'
    install(site, manifest=blanked)
    with pytest.raises(ManifestInvalid, match=r"plugin_keeper\.notes\.id cannot be blanked"):
        await living.app.host.load("keeper")
    for table, person, problem in (
        ("seen", "author_id", ", which is no column of a table"),
        ("notes_id_seq", "last_value", ", which is no column of a table"),
        ("notes", "small_id", " cannot hold every person's id"),
    ):
        misfit = NOTES_ARE_PERSONAL.replace("notes", table, 1).replace("author_id", person)
        install(site, manifest=misfit)
        with pytest.raises(ManifestInvalid, match=rf"plugin_keeper\.{table}\.{person}{problem}"):
            await living.app.host.load("keeper")
    for name in ("public.people", 'notes"; DROP TABLE people; --', "../notes", "n" * 64):
        install(site, manifest=NOTES_ARE_PERSONAL.replace('"notes"', f"'{name}'", 1))
        with pytest.raises(ManifestInvalid, match=r"plugin\.personal_data\.0\.table"):
            await living.app.host.load("keeper")
    install(site, manifest=NOTES_ARE_PERSONAL * 2)
    with pytest.raises(ManifestInvalid, match=r"notes\.author_id is declared twice"):
        await living.app.host.load("keeper")
    install(site, manifest=NOTES_ARE_PERSONAL * 2000)
    with pytest.raises(ManifestInvalid, match=r"personal_data.*100 items|larger than"):
        await living.app.host.load("keeper")
    install(site, manifest=NOTES_ARE_PERSONAL)
    await living.app.host.load("keeper")
    holders = [holder for holder in await living.app.core.repos.holders.all() if holder.owner == "keeper"]
    assert [(holder.table, holder.person_column) for holder in holders] == [
        ("plugin_keeper.notes", "author_id")
    ]


# -- settings ------------------------------------------------------------------------------------

SETTINGS = """
from pydantic import BaseModel, Field
class Settings(BaseModel, extra="forbid"):
    step: int = Field(1, ge=1)
    name: str = "x"
"""
NAMES_SETTINGS = 'settings = "keeper_plugin.own:Settings"'


async def test_settings_come_from_the_operator_and_change_on_swap(
    bot_settings: BotSettings, open_bot: Opener, site: PluginSite
) -> None:
    values = {"keeper": {"step": "7"}}
    living = await open_bot(bot_settings.model_copy(update={"plugins": values}))
    install(site, manifest=NAMES_SETTINGS, own=SETTINGS, needs=[])
    await living.app.host.load("keeper")
    assert context(living).settings.step == 7
    values["keeper"]["step"] = "8"
    assert context(living).settings.step == 7
    await living.app.host.swap("keeper")
    assert context(living).settings.step == 8


async def test_every_bad_value_is_named_before_the_plugin_is_made(
    bot_settings: BotSettings, open_bot: Opener, site: PluginSite
) -> None:
    living = await open_bot(bot_settings.model_copy(update={"plugins": {"keeper": {"step": 0, "nmae": "y"}}}))
    install(site, manifest=NAMES_SETTINGS, own=SETTINGS, needs=[])
    with pytest.raises(
        SettingsInvalid, match=r"plugins\.keeper\.step: .*; plugins\.keeper\.nmae: "
    ) as refused:
        await living.app.host.load("keeper")
    assert "[plugins.keeper]" in refused.value.hint


async def test_a_server_decides_the_settings_that_are_marked_for_it(
    living: Living, bot_settings: BotSettings, site: PluginSite
) -> None:
    own = """
from typing import Annotated
from pydantic import BaseModel, Field
from wompbot_cogs import PER_GUILD

class Settings(BaseModel):
    step: Annotated[int, PER_GUILD] = Field(3, ge=1, le=9, description="how far")
    secret: str = "s"
"""
    install(site, manifest=NAMES_SETTINGS, own=own, needs=[])
    await living.app.host.load("keeper")
    guild = living.guild.id
    assert "`keeper step` is 7 now" in await living.ask(OWNER, "!settings plugin keeper step 7")
    of = context(living).settings_of
    assert (of(guild).step, of(guild).secret, of(1).step, of(None).step) == (7, "s", 3, 3)
    assert "less than or equal to 9" in await living.ask(OWNER, "!settings plugin keeper step 10")
    assert "No plugin has" in await living.ask(OWNER, "!settings plugin keeper secret x")
    assert "for a bot admin" in await living.ask("bob", "!settings plugin keeper step 5")
    assert "`keeper step`: **7** - how far" in await living.ask(OWNER, "!settings")
    async with open_app(bot_settings) as other:
        cog: Any = other.bot.cogs["keeper"]
        assert cog.context.settings_of(guild).step == 7
        await living.ask(OWNER, "!settings plugin keeper step 5")
        await until(lambda: _now(cog.context.settings_of(guild).step == 5))
    install(site, manifest=NAMES_SETTINGS, own=own.replace("le=9", "le=4"), needs=[])
    await living.app.host.swap("keeper")
    assert context(living).settings_of(guild).step == 3
    assert "`keeper step` is 3 now" in await living.ask(OWNER, "!settings plugin keeper step")
    await living.app.host.unload("keeper")
    assert "keeper" not in await living.ask(OWNER, "!settings")


async def _now(holds: bool) -> bool:
    return holds


@pytest.mark.parametrize(
    "named", ["os.path:join", "keeper_plugin.own:Nothing", "keeper_plugin.own:BaseModels"]
)
async def test_a_settings_model_is_one_of_the_plugins_own(
    living: Living, site: PluginSite, named: str
) -> None:
    install(site, manifest=f'settings = "{named}"', own=SETTINGS, needs=[])
    with pytest.raises(ManifestInvalid):
        await living.app.host.load("keeper")


async def test_a_plugin_without_settings_is_told_so(living: Living, site: PluginSite) -> None:
    install(site, needs=[])
    await living.app.host.load("keeper")
    with pytest.raises(NotGranted, match="no settings model"):
        _ = context(living).settings
    with pytest.raises(NotGranted, match="'memory' is not in its manifest"):
        _ = context(living).memory


# -- consent -------------------------------------------------------------------------------------


async def test_an_update_that_asks_for_more_waits_for_the_owner(living: Living, site: PluginSite) -> None:
    host = living.app.host
    install(site, needs=["db"], migrations={"0001_notes.expand": TABLE}, content=False)
    await host.load("keeper")
    more = 'intents = ["guilds"]\npermissions = ["ban_members"]'
    install(site, needs=["db", "http"], version="2", manifest=more)
    with pytest.raises(ConsentAwaited) as awaited:
        await host.swap("keeper")
    asked = ("http", "intent:guilds", "message_content", "permission:ban_members")
    assert awaited.value.asks == asked
    assert all(f"`wompbot plugins grant keeper {ask}`" in awaited.value.hint for ask in asked)
    [state] = [state for state in host.states() if state.id == "keeper"]
    assert (state.state, state.version) == ("live", "1")
    assert state.problem.startswith("last update refused: waits for the owner")
    assert "consent to http, intent:guilds" in state.problem
    for ask in asked:
        await host.grant("keeper", ask)
    assert (await host.swap("keeper")).version == "2"
    assert context(living).http is living.app.core.http.guarded


async def test_what_was_agreed_to_holds_after_a_restart(bot_settings: BotSettings, site: PluginSite) -> None:
    install(site, needs=["cache"])
    async with open_app(bot_settings) as app:
        assert state_of(app)[0] == "live"
    install(site, needs=["cache", "http"], version="2")
    async with open_app(bot_settings) as app:
        state, problem = state_of(app)
    assert state == "failed"
    assert "consent to http" in problem
    findings = {finding.subject: finding for finding in await look_at_plugin_data(bot_settings)}
    assert "consent to http" in findings["plugin keeper"].detail
    assert not findings["plugin keeper"].good


def state_of(app: App) -> tuple[str, str]:
    """Return how the plugin is doing, and what is wrong with it."""
    return next((state.state, state.problem) for state in app.host.states() if state.id == "keeper")


async def test_each_plugin_has_cache_keys_of_its_own(living: Living, site: PluginSite) -> None:
    install(site, needs=["cache"])
    await living.app.host.load("keeper")
    assert await context(living).cache.get_or_make("k", _text, ttl_s=60) == "made"
    assert await living.app.core.cache.get_or_make("k", _other_text, ttl_s=60) == "other"


async def _other_text() -> str:
    return "other"


async def _text() -> str:
    return "made"


async def test_an_intent_the_bot_does_not_have_is_named(living: Living, site: PluginSite) -> None:
    install(site, manifest='intents = ["presences"]', needs=[])
    with pytest.raises(PluginError, match="presences"):
        await living.app.host.load("keeper")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('intents = ["telepathy"]', "no 'telepathy'"),
        ('permissions = ["fly"]', "no 'fly'"),
        ('host = "newest"', "no range of versions"),
        ('colour = "red"', "plugin.colour: unknown"),
        ('[[plugin.personal_data]]\ntable = "a"', "personal_data.0.person: missing"),
        ('[[plugin.personal_data]]\ntable = "a.b"\nperson="c"\nholds="d"', "personal_data.0.table"),
        ("[settings]\na = 1", "unknown table 'settings'"),
    ],
)
def test_a_wrong_manifest_says_what_to_do(site: PluginSite, line: str, problem: str) -> None:
    folder = install(site, manifest=line, needs=["db"])
    with pytest.raises(ManifestInvalid, match=problem) as refused:
        read_manifest("keeper", folder / "wompbot.toml")
    assert "wompbot.toml" in refused.value.hint or "[plugin]" in refused.value.hint


def test_personal_data_needs_a_database(site: PluginSite) -> None:
    folder = install(site, manifest=NOTES_ARE_PERSONAL, needs=[])
    with pytest.raises(ManifestInvalid, match="without a database"):
        read_manifest("keeper", folder / "wompbot.toml")


# -- jobs ----------------------------------------------------------------------------------------

WORKER = KEEPER.replace(
    "        self.context = context\n",
    "        self.context = context\n        context.jobs.register('note', self.note)\n"
    "    async def note(self, text):\n"
    "        await self.context.db.execute('INSERT INTO notes (text) VALUES (%s)', [text + '{mark}'])\n",
)


async def test_a_job_that_is_due_while_its_plugin_is_unloaded_waits(living: Living, site: PluginSite) -> None:
    host = living.app.host
    install(site, migrations={"0001_notes.expand": TABLE}, needs=["db", "jobs"])
    site.install("keeper", WORKER.replace("{mark}", "1"), needs=["db", "jobs"])
    await host.load("keeper")
    jobs, db = context(living).jobs, context(living).db
    await jobs.defer("note", text="first")
    await until(lambda: db.fetch_value("SELECT EXISTS (SELECT FROM notes WHERE text = 'first1')"))
    await host.unload("keeper")
    await jobs.defer("note", text="second")
    await jobs.defer("gone", text="of a version that is no more")
    await asyncio.sleep(0.3)
    assert await db.fetch_value("SELECT count(*) FROM notes") == 1
    site.install("keeper", WORKER.replace("{mark}", "2"), needs=["db", "jobs"], version="2")
    await host.load("keeper")
    await until(lambda: db.fetch_value("SELECT EXISTS (SELECT FROM notes WHERE text = 'second2')"))
    waiting = "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'plugin.keeper.gone'"
    assert await living.app.core.db.fetch_value(waiting) == "todo"


async def test_a_job_goes_to_the_newest_version_through_swaps(living: Living, site: PluginSite) -> None:
    host = living.app.host
    install(site, migrations={"0001_notes.expand": TABLE}, needs=["db", "jobs"])
    for number in range(4):
        site.install(
            "keeper", WORKER.replace("{mark}", str(number)), needs=["db", "jobs"], version=str(number)
        )
        await host.load("keeper")
        await context(living).jobs.defer("note", text="x")
        query = f"SELECT EXISTS (SELECT FROM notes WHERE text = 'x{number}')"
        await until(partial(context(living).db.fetch_value, query))


SLOW = KEEPER.replace(
    "        self.context = context\n",
    "        self.context = context\n        context.jobs.register('slow', self.slow)\n"
    "    async def slow(self):\n"
    "        await self.context.db.execute(\"INSERT INTO notes (text) VALUES ('begun')\")\n"
    "        await asyncio.sleep(60)\n",
)


async def test_a_job_that_is_cut_off_by_an_unload_runs_again(
    bot_settings: BotSettings, open_bot: Opener, site: PluginSite
) -> None:
    hasty = bot_settings.bot.model_copy(update={"drain_s": 0.1})
    living = await open_bot(bot_settings.model_copy(update={"bot": hasty}))
    install(site, migrations={"0001_notes.expand": TABLE}, needs=["db", "jobs"])
    site.install("keeper", "import asyncio\n" + SLOW, needs=["db", "jobs"])
    await living.app.host.load("keeper")
    jobs, db = context(living).jobs, context(living).db
    await jobs.defer("slow")
    begun = "SELECT count(*) FROM notes WHERE text = 'begun'"
    await until(partial(db.fetch_value, begun))
    await living.app.host.unload("keeper")
    waits = "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name ~ 'keeper' AND status = 'todo')"
    await until(partial(living.app.core.db.fetch_value, waits))
    await living.app.host.load("keeper")
    await until(partial(db.fetch_value, begun + " HAVING count(*) = 2"))


# -- the doctor ----------------------------------------------------------------------------------


async def test_the_doctor_tells_how_a_plugins_tables_are(bot_settings: BotSettings, site: PluginSite) -> None:
    async def details() -> dict[str, bool]:
        return {finding.detail: finding.good for finding in await look_at_plugin_data(bot_settings)}

    install(site, migrations={"0001_notes.expand": TABLE})
    assert await details() == {"migrations to apply: 0001_notes.expand": True}
    async with open_app(bot_settings) as app:
        undeclared = "undeclared personal data: notes.author_id"
        assert await details() == {"tables are up to date": True, undeclared: False}
        await app.core.db.execute("ALTER TABLE plugin_keeper.notes OWNER TO postgres")
    install(site, manifest=NOTES_ARE_PERSONAL)
    assert await details() == {"tables are up to date": True, "its tables have no role of their own": False}


# -- purge ---------------------------------------------------------------------------------------


async def test_a_purge_leaves_nothing_and_refuses_what_runs(living: Living, site: PluginSite) -> None:
    host, core = living.app.host, living.app.core
    tables = {"0001_notes.expand": TABLE}
    install(site, manifest=NOTES_ARE_PERSONAL, migrations=tables, needs=["db", "jobs"])
    await host.load("keeper")
    await context(living).jobs.defer("gone")
    with pytest.raises(PluginError, match="is loaded by"):
        await purge(core.db, "keeper")
    await host.unload("keeper")
    await purge(core.db, "keeper")
    left = """
        SELECT to_regnamespace('plugin_keeper')::text,
            (SELECT count(*) FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid  -- roles are shared
                WHERE b.datname = current_database() AND refobjid = to_regrole('plugin_keeper')),
            (SELECT count(*) FROM holders WHERE owner = 'keeper'),
            (SELECT count(*) FROM schema_migrations WHERE namespace = 'plugin_keeper'),
            (SELECT count(*) FROM procrastinate_jobs WHERE queue_name LIKE 'plugin.keeper.%')
    """
    assert await core.db.fetch_one(left) == (None, 0, 0, 0, 0)
    await host.load("keeper")  # installed again, it begins anew
    assert await context(living).db.fetch_value("SELECT count(*) FROM notes") == 0


@pytest.mark.parametrize("plugin", ["chat", "nobody", 'x"; DROP TABLE people; --'])
async def test_a_purge_of_what_is_built_in_or_unknown_is_refused(db: Database, plugin: str) -> None:
    with pytest.raises(PluginError):
        await purge(db, plugin)
    assert await db.fetch_value("SELECT to_regclass('people') IS NOT NULL")
