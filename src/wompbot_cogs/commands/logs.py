"""``wompbot import``: a chat log into the message store, with its true times."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from wompbot_cogs.commands.options import Config, Debug, Json, named_by_data, settings_of
from wompbot_cogs.commands.reading import BadLines, progress_bar
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompbot_cogs.settings import BotSettings

File = Annotated[Path, typer.Argument(help="Chat log: JSONL, or the JSON of DiscordChatExporter.")]
Data = Annotated[Path | None, typer.Option(help="Folder of the embedded database; wins over database.url.")]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Args:
        messages: Messages of the log: those stored, stored before and left out.
        stored: Newly stored.
        already_stored: Were there already.
        opted_out: Left out: their author withdrew.
        parked: Set aside: the database refused them.
        bad_lines: Malformed lines, left out.
        people: Different authors.
    """

    messages: int
    stored: int
    already_stored: int
    opted_out: int
    parked: int
    bad_lines: int
    people: int


def import_log(
    file: File, data: Data = None, config: Config = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Store the messages of a chat log. Doing it again, or after a stop, stores none twice."""
    with reporting(as_json=as_json, debug=debug) as terminal, named_by_data(data):
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
        if done.bad_lines or done.parked:
            raise typer.Exit(FAILED)


async def _import(settings: BotSettings, file: Path) -> Imported:
    from wompcore.core import Core
    from wompcore.ingest.logs import open_log
    from wompcore.ingest.logs_ids import ids_for_import
    from wompcore.ingest.logs_import import import_log
    from wompcore.repos.log_sources import LogSourceRepository

    log = open_log(file)
    survey = log.survey()
    async with Core.open(settings) as core:
        ids = await ids_for_import(log, survey, LogSourceRepository(core.db))
        with progress_bar(file.name, survey.records + survey.bad_lines) as move:
            found = await import_log(log, ids, core.messages, on_bad_line=BadLines(), on_progress=move)
        counts = core.messages.counts
        return Imported(
            messages=found.messages - counts.parked,
            stored=counts.stored,
            already_stored=counts.already_stored,
            opted_out=counts.opted_out,
            parked=counts.parked,
            bad_lines=found.bad_lines,
            people=found.people,
        )
