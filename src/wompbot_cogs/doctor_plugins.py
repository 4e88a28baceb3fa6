"""What could keep plugins from working, read from their manifests and the database; none of them is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from wompbot_cogs.control.client import ask
from wompbot_cogs.control.request import Request
from wompbot_cogs.errors import ConsentAwaited, PluginError
from wompbot_cogs.finding import Finding
from wompbot_cogs.host import Found, discover
from wompbot_cogs.host.own_data import read_migrations
from wompbot_cogs.host.provision import consented
from wompbot_cogs.host.wanted import permissions_wanted
from wompbot_cogs.settings import BotSettings
from wompcore.db import Database, look_at_schema, migrations_in, pending_migrations
from wompcore.errors import DatabaseError, WompError
from wompcore.repos.personal_data import PersonalDataRepository
from wompcore.repos.plugins import PluginRepository, PluginWish

_LOOK = "`wompbot plugins list` tells more, and so does the bot's log."
_NOBODY = "no bot with these settings runs here, to tell which permissions it lacks in which server"
_GIVE = "Give its role that in the server, or invite the bot again by the link above."
_ROLES = "ALTER ROLE <the role of database.url> CREATEROLE; then swap the plugin."


async def look_at_plugins(settings: BotSettings) -> list[Finding]:
    """Read the manifest of every installed plugin."""
    plugins = discover()
    found = [
        Finding(f"plugin {plugin.id}", False, plugin.problem.problem, plugin.problem.hint)
        for plugin in plugins.values()
        if plugin.problem is not None
    ]
    found += [
        Finding(f"plugin {id_}", False, "not installed", "Correct bot.plugins or pip install it.")
        for id_ in settings.bot.plugins
        if id_ not in plugins
    ]
    found += [
        Finding(f"plugin {id_}", False, f"[plugins.{id_}] is set, but it is not installed", "Remove it.")
        for id_ in settings.plugins
        if id_ not in plugins
    ]
    return found or [Finding("plugins", True, ", ".join(plugins) or "none installed")]


async def look_at_running_plugins(settings: BotSettings) -> list[Finding]:
    """Ask a bot that runs here how its plugins are."""
    if (reply := await ask(settings, Request(verb="list"))) is None:
        return [Finding("running", True, _NOBODY)]
    rows = reply["plugins"]
    found = [
        Finding(f"plugin {row['id']}", False, f"{row['state']}: {problem}", _LOOK)
        for row in rows
        if (problem := row["problem"] or ("" if row["well"] in (True, None) else row["health"] or "not well"))
    ]
    found += [
        Finding(f"plugin {row['id']}", False, f"lacks {what}", _GIVE) for row in rows for what in row["lacks"]
    ]
    if problem := reply["slash_problem"]:
        found.append(Finding("commands", False, problem, "`wompbot sync` registers them now."))
    live = sum(row["state"] == "live" for row in rows)
    return found or [Finding("running", True, f"{live} plugins are live; none says that it is unwell")]


async def permissions_to_invite_with(settings: BotSettings) -> frozenset[str]:
    """Return what the installed plugins that are to run must be allowed in a server.

    Where the database cannot tell what was decided about them, the settings alone decide.
    """
    plugins = [plugin for plugin in discover().values() if plugin.manifest and plugin.manifest.permissions]
    wishes: Mapping[str, PluginWish] = {}
    if plugins:
        with suppress(DatabaseError):  # a line of its own says what is wrong with it
            async with Database.open(settings.database) as db:
                if not await pending_migrations(db, "core", migrations_in("wompcore.repos")):
                    wishes = await PluginRepository(db).wishes()
    return frozenset().union(*permissions_wanted(plugins, wishes, settings.bot.plugins).values())


async def look_at_plugin_data(settings: BotSettings) -> list[Finding]:
    """Tell which plugins wait for the owner's consent, and how their tables are."""
    plugins = [plugin for plugin in discover().values() if plugin.manifest and not plugin.built_in]
    if not plugins:
        return []
    async with Database.open(settings.database) as db:
        if await pending_migrations(db, "core", migrations_in("wompcore.repos")):
            return [Finding("plugin data", True, "none yet: migrations are to be applied first")]
        wishes = await PluginRepository(db).wishes()
        found = [*_consents(plugins, wishes)]
        for plugin in plugins:
            found += await _tables(db, plugin)
    return found


def _consents(plugins: Iterable[Found], wishes: dict[str, PluginWish]) -> Iterable[Finding]:
    for plugin in plugins:
        wish = wishes.get(plugin.id, PluginWish(plugin.id, "", enabled=True))
        try:
            consented(wish, plugin)
        except ConsentAwaited as error:
            if wish.enabled:
                yield Finding(f"plugin {plugin.id}", False, error.problem, error.hint)


async def _tables(db: Database, plugin: Found) -> list[Finding]:
    manifest, subject = plugin.manifest, f"plugin {plugin.id}"
    if manifest is None or plugin.folder is None or "db" not in manifest.needs:
        return []
    try:
        migrations = read_migrations(manifest, plugin.folder)
        pending = await pending_migrations(db, manifest.schema_name, migrations)
    except WompError as error:
        problem = error.problem if isinstance(error, PluginError) else error.message
        return [Finding(subject, False, problem, error.hint)]
    waiting = ", ".join(name.partition("/")[2] for name in pending)
    detail = f"migrations to apply: {waiting}" if pending else "tables are up to date"
    found = [Finding(subject, True, detail)]
    if await look_at_schema(db, manifest.schema_name) == "without_role":
        found.append(Finding(subject, False, "its tables have no role of their own", _ROLES))
    undeclared = await PersonalDataRepository(db).undeclared(manifest.schema_name, manifest.holders())
    if undeclared:
        hint = "Its author must declare them in [[plugin.personal_data]], or name them otherwise."
        found.append(Finding(subject, False, f"undeclared personal data: {', '.join(undeclared)}", hint))
    return found
