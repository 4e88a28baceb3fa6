"""Putting the host together."""

from __future__ import annotations

from collections.abc import Callable

from wompbot_cogs.hooks import Hooks
from wompbot_cogs.host.contracts import Contracts, TellOwners
from wompbot_cogs.host.convergence import BEAT_S, Convergence
from wompbot_cogs.host.discovery import Installed
from wompbot_cogs.host.draining import Draining
from wompbot_cogs.host.host import Host
from wompbot_cogs.host.provision import Provision
from wompbot_cogs.host.quarantine import Tolerance
from wompbot_cogs.host.serving import Serving
from wompbot_cogs.host.site_paths import SitePaths
from wompbot_cogs.host.staging import Staging
from wompbot_cogs.host.switch import AnyBot
from wompbot_cogs.scope import Scope
from wompbot_cogs.settings import HostSettings
from wompcore.clock import Clock
from wompcore.repos.plugins import PluginRepository


def make_host(
    settings: HostSettings,
    bot: AnyBot,
    provision: Provision,
    hooks: Hooks,
    states: PluginRepository,
    clock: Clock,
    *,
    tell_owners: TellOwners,
    changed: Callable[[], None],
    slash_problem: Callable[[], str],
) -> Host:
    """Return a host that runs nothing yet.

    Args:
        settings: How much plugins may fail, and how long their work may last.
        bot: Gets their cogs.
        provision: Gives a version what it may have.
        hooks: Learns what plugins implement.
        states: Keeps which plugins should run.
        clock: Tells the time.
        tell_owners: Tells the owners of a plugin that was taken out, once per key.
        changed: Called when commands came or went.
        slash_problem: Tells what is wrong with the registration of commands.
    """
    tolerance = Tolerance(
        settings.quarantine_errors, settings.quarantine_window_s, settings.quarantine_pause_s
    )

    def tripped(plugin: str, scope: Scope, reason: str) -> None:
        convergence.tripped(plugin, scope, reason)

    draining = Draining(bot, settings.drain_s)
    serving = Serving(bot, Staging(bot, provision, hooks, clock), draining, tolerance, clock, tripped)
    contracts = Contracts(states, draining, clock, settings.drain_s, 3 * BEAT_S, tell_owners)
    installed = Installed(SitePaths())
    convergence = Convergence(serving, installed, contracts, states, clock, tolerance, tell_owners, changed)
    return Host(serving, installed, draining, contracts, convergence, states, slash_problem)
