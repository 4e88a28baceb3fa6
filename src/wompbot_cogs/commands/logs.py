"""``wompbot import``: a chat log into the message store, with its true times."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, settings_of
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompbot_cogs.settings import BotSettings
from wompcore.errors import LogLineInvalid, LogUnreadable

File = Annotated[Path, typer.Argument(help="Chat log: JSONL, or the JSON of DiscordChatExporter.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database; wins over database.url.")]

_NAMED_LINES = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Args:
        messages: Messages in the log.
        stored: Newly stored.
        already_stored: Were there already.
        opted_out: Left out: their author withdrew.
        parked: Set aside: the database refused them.
        bad_lines: Malformed lines, left out.
        people: Different authors.
    """

    messages: int = 0
    stored: int = 0
    already_stored: int = 0
    opted_out: int = 0
    parked: int = 0
    bad_lines: int = 0
    people: int = 0


def import_log(
    file: File, data: Data = None, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Store the messages of a chat log. Doing it again, or after a stop, stores none twice."""
    with reporting(as_json=as_json, debug=debug) as terminal:
        settings = settings_of(config)
        if data is not None:
            database = settings.database.model_copy(update={"url": "", "direct_url": "", "data_dir": data})
            settings = settings.model_copy(update={"database": database})
        done = asyncio.run(_import(settings, file))
        terminal.say(
            f"{done.messages:,} messages of {done.people:,} people: {done.stored:,} stored, "
            f"{done.already_stored:,} stored before, {done.opted_out:,} left out at their author's wish, "
            f"{done.parked:,} set aside, {done.bad_lines:,} malformed lines."
        )
        terminal.result(asdict(done))
        if done.bad_lines:
            raise typer.Exit(FAILED)


class _BadLines:
    """Names the first malformed lines and counts them all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, line: LogLineInvalid) -> None:
        self.count += 1
        if self.count <= _NAMED_LINES:
            typer.echo(line.message, err=True)
        elif self.count == _NAMED_LINES + 1:
            typer.echo("further malformed lines are only counted", err=True)


async def _import(settings: BotSettings, file: Path) -> Imported:
    from rich.console import Console
    from rich.progress import Progress

    from wompcore.core import Core
    from wompcore.ingest.logs import open_log
    from wompcore.ingest.logs_ids import ids_for_import
    from wompcore.ingest.logs_import import import_log
    from wompcore.repos.log_sources import LogSourceRepository

    log = open_log(file)
    survey = log.survey()
    if survey.first is None and survey.bad_lines:
        raise LogUnreadable(str(file), "holds no message that can be read")
    if survey.first is None:
        return Imported()
    async with Core.open(settings) as core:
        ids = await ids_for_import(log, survey, LogSourceRepository(core.db))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(file.name, total=survey.records + survey.bad_lines)
            found = await import_log(
                log,
                ids,
                core.messages,
                on_bad_line=_BadLines(),
                on_progress=lambda count: progress.update(bar, completed=count),
            )
        counts = core.messages.counts
        return Imported(
            messages=found.messages,
            stored=counts.stored,
            already_stored=counts.already_stored,
            opted_out=counts.opted_out,
            parked=counts.parked,
            bad_lines=found.bad_lines,
            people=found.people,
        )
