"""The author's doctor: a plugin's project, looked at as it lies there and then run in a simulated guild."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from wompbot_cogs.app import App, open_app
from wompbot_cogs.authoring.leaks import find_leaks, swap_often
from wompbot_cogs.authoring.project import PluginProject, importable, project_of
from wompbot_cogs.errors import ManifestInvalid, MigrationRefused, PluginError
from wompbot_cogs.finding import Finding
from wompbot_cogs.hooks import HookSpecs
from wompbot_cogs.hooks.marks import rules_of
from wompbot_cogs.host import Found, discover
from wompbot_cogs.host.expand_rules import problems_of_expand
from wompbot_cogs.host.own_data import FOLDER, read_migrations
from wompbot_cogs.manifest import Manifest
from wompbot_cogs.settings import BotSettings
from wompbot_cogs.simulated import SimulatedGuild
from wompcore.db import Database, EmbeddedServer, migrate, migrations_in
from wompcore.errors import ConfigInvalid, WompError
from wompcore.llm.offline import MODEL, offline_server
from wompcore.repos.personal_data import PersonalDataRepository
from wompcore.repos.plugins import PluginRepository, PluginWish

SWAPS = 20

_DRAIN_S = 2.0
_DECLARE = "Declare them in [[plugin.personal_data]], for export and erasure; or name them otherwise."
_LEAK = "End it in `cog_unload`, or acquire it through the Context."
_NO_PLUGIN = 'no entry point of "wompbot.cogs"'


async def check(path: Path, values: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Finding]:
    """Look at a plugin's project. No token, no network: an embedded database and a simulated guild.

    Args:
        path: The project's folder, with its ``pyproject.toml``.
        values: What is set for plugins, by id.

    Raises:
        ConfigInvalid: That is no plugin's project.
    """
    project = read_project(path)
    with tempfile.TemporaryDirectory(prefix="wompbot-check-") as folder, importable(project, Path(folder)):
        for plugin in project.plugins:
            found = discover()[plugin]
            at_rest = list(_at_rest(project, found))
            for finding in at_rest:
                yield finding
            if all(finding.good for finding in at_rest) and found.manifest is not None:
                async for finding in _alive(found.manifest, values):
                    yield finding


def read_project(path: Path) -> PluginProject:
    """Read what a folder holds.

    Raises:
        ConfigInvalid: It is no plugin's project.
    """
    hint = "`wompbot plugins new NAME` makes one."
    file = path / "pyproject.toml"
    try:
        if not file.is_file():
            raise ConfigInvalid(str(file), "is not there", hint=hint)
        project = project_of(path.resolve())
        if project.folder != path.resolve():
            raise LookupError("it is that of a folder above")
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(str(file), str(error)) from error
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ConfigInvalid(str(file), _NO_PLUGIN, hint=hint) from error
    return project


def _at_rest(project: PluginProject, found: Found) -> Iterator[Finding]:
    """Look at files. No code of the plugin is run."""
    subject = f"plugin {found.id}"
    if found.problem is not None:
        yield Finding(subject, False, f"manifest: {found.problem.problem}", found.problem.hint)
        return
    manifest, place = found.manifest, found.place
    if place is not None and not place.resolve().is_relative_to(project.folder):
        yield Finding(subject, False, f"{place} is installed and hides this one", "pip uninstall it.")
        return
    if manifest is None:
        yield Finding(subject, False, "manifest: missing", ManifestInvalid.hint)
        return
    asks = ", ".join(sorted(manifest.asks)) or "nothing"
    told = f"manifest: version {manifest.version}, interface level {manifest.api}, asks for {asks}"
    yield Finding(subject, True, told)
    if found.folder is not None:
        yield from _migrations(manifest, found.folder)


def _migrations(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    subject = f"plugin {manifest.id}"
    try:
        migrations = read_migrations(manifest, folder)
    except PluginError as error:
        yield Finding(subject, False, f"migrations: {error.problem}", error.hint)
        return
    good = True
    for migration in migrations:
        problems = problems_of_expand(migration.sql) if migration.name.endswith(".expand") else []
        for problem in problems:
            good = False
            file = f"{FOLDER}/{migration.number:04d}_{migration.name}.sql"
            yield Finding(subject, False, f"migrations: {file}: {problem}", MigrationRefused.hint)
    if migrations and good:
        yield Finding(
            subject, True, f"migrations: {len(migrations)}, each leaves the version before it working"
        )


async def _alive(manifest: Manifest, values: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Finding]:
    """Run a plugin beside the built-in ones."""
    plugin = manifest.id
    async with _bot_for(manifest, values) as app:
        try:
            await app.host.load(plugin)
        except PluginError as error:
            yield Finding(f"plugin {plugin}", False, f"loading: {error.problem}", error.hint)
            return
        hooks = [hook for hook in rules_of(HookSpecs) if plugin in app.hooks.implementers(hook)]
        told = f"hooks: {', '.join(hooks)}" if hooks else "no hooks"
        yield Finding(f"plugin {plugin}", True, f"loading: beside the built-in plugins; {told}")
        personal = PersonalDataRepository(app.core.db)
        if undeclared := await personal.undeclared(manifest.schema_name, manifest.holders()):
            names = ", ".join(undeclared)
            yield Finding(f"plugin {plugin}", False, f"data: undeclared personal data: {names}", _DECLARE)
        elif "db" in manifest.needs:
            yield Finding(
                f"plugin {plugin}", True, "data: no column that looks like a person's id is undeclared"
            )
        async for finding in _swapped(app, plugin):
            yield finding


async def _swapped(app: App, plugin: str) -> AsyncIterator[Finding]:
    errors = app.host.errors
    try:
        leaks = await swap_often(app, plugin, SWAPS) or await find_leaks(app, plugin)
    except WompError as error:
        yield Finding(f"plugin {plugin}", False, f"swaps: {error.message}", error.hint)
        return
    for leak in dict.fromkeys(leaks):
        yield Finding(f"plugin {plugin}", False, f"swaps: left behind: {leak}", _LEAK)
    if more := app.host.errors - errors:
        yield Finding(f"plugin {plugin}", False, f"swaps: {more} errors meanwhile", "--debug shows them.")
    if not leaks and not more:
        yield Finding(f"plugin {plugin}", True, f"swaps: {SWAPS} swaps and 2 unloads left nothing behind")


@asynccontextmanager
async def _bot_for(manifest: Manifest, values: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[App]:
    """Open a bot with the built-in plugins, in which a plugin may have what it asks for."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(offline_server())
        server = await stack.enter_async_context(EmbeddedServer.open())
        built_in = [found.id for found in discover().values() if found.built_in]
        settings = BotSettings.model_validate(
            {
                "database": {"url": server.url()},
                "llm": {"base_url": model.base_url, "model": MODEL},
                "costs": {"default_price": {"input": "1", "output": "1"}},
                "discord": {"members": "members" in manifest.intents},
                "bot": {"plugins": (*built_in, manifest.id), "drain_s": _DRAIN_S},
                "plugins": {id_: dict(table) for id_, table in values.items() if id_ == manifest.id},
            }
        )
        async with Database.open(settings.database) as db:
            await migrate(db, "core", migrations_in("wompcore.repos"))
            granted = tuple(sorted(manifest.asks))
            await PluginRepository(db).wish(PluginWish(manifest.id, "", enabled=False, granted=granted))
        app = await stack.enter_async_context(open_app(settings, shard_count=1))
        await stack.enter_async_context(SimulatedGuild.open(app.bot))
        yield app
