"""The commands of ``wompbot``, one module each. Heavy imports wait until a command runs."""

from __future__ import annotations

import typer

from wompbot_cogs.commands.backup import backup, restore
from wompbot_cogs.commands.costs import costs
from wompbot_cogs.commands.demo import demo
from wompbot_cogs.commands.doctor import doctor
from wompbot_cogs.commands.init import init
from wompbot_cogs.commands.logs import import_log
from wompbot_cogs.commands.plugins import plugins
from wompbot_cogs.commands.run import run
from wompbot_cogs.commands.sync import sync


def menu() -> typer.Typer:
    """Return the command line with every command."""
    app = typer.Typer(
        name="wompbot",
        help="A Discord bot whose cogs are swapped while it runs.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for command in (init, run, demo, doctor, sync, backup, restore):
        app.command()(command)
    app.command("import")(import_log)
    app.add_typer(plugins, name="plugins")
    app.add_typer(costs, name="costs")
    return app
