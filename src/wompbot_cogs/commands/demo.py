"""``wompbot demo``: the bot at work, without token, key or database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wompbot_cogs.commands.options import Debug, named_by_data
from wompbot_cogs.commands.reading import BadLines, progress_bar
from wompbot_cogs.commands.terminal import FAILED, reporting
from wompcore.config import DatabaseSettings
from wompcore.errors import ConfigInvalid, ExtraMissing

if TYPE_CHECKING:
    from wompbot_cogs.demo.replay import ReplaySummary

Replay = Annotated[Path | None, typer.Option(help="Send this chat log through the bot instead of the scene.")]
Data = Annotated[Path | None, typer.Option(help="Folder that keeps the database; left out: thrown away.")]
AsNick = Annotated[str | None, typer.Option("--as", help="Nickname of the log whose part the bot takes.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Messages of the log to send at most.")]
Out = Annotated[
    Path | None, typer.Option("--json", help="Write the summary as JSON to this file; - for standard output.")
]

_STDOUT = Path("-")


def demo(
    replay: Replay = None,
    data: Data = None,
    as_nick: AsNick = None,
    limit: Limit = None,
    out: Out = None,
    debug: Debug = False,
) -> None:
    """Play a short scene, or a chat log, with the real bot in a simulated guild."""
    with reporting(as_json=out == _STDOUT, debug=debug) as terminal, named_by_data(data):
        if find_spec("simcord") is None:
            raise ExtraMissing("demo", "the demo")
        _check(replay, as_nick, limit, out)
        if replay is None:
            from wompbot_cogs.demo.scene import run_scene

            summary: Any = asyncio.run(run_scene(database=_kept_in(data), to_stderr=terminal.as_json))
            bad = summary.errors or summary.lost_during_swap
        else:
            summary = asyncio.run(_replay(replay, data, as_nick, limit))
            bad = summary.errors or summary.bad_lines
            for name, value in asdict(summary).items():
                terminal.say(f"{name:<18} {value}")
        terminal.result(asdict(summary))
        if out not in (None, _STDOUT):
            out.write_text(json.dumps(asdict(summary), default=str, indent=2) + "\n", encoding="utf-8")
        if bad:
            raise typer.Exit(FAILED)


def _check(replay: Path | None, as_nick: str | None, limit: int | None, out: Path | None) -> None:
    """Refuse what cannot work before anything is opened."""
    if replay is None and (as_nick is not None or limit is not None):
        raise ConfigInvalid("--as and --limit", "belong to --replay")
    if as_nick is not None and not 2 <= len(as_nick) <= 32:
        raise ConfigInvalid("--as", "a name has 2 to 32 characters")
    if out not in (None, _STDOUT):
        is_new = not out.exists()
        try:
            out.open("a").close()
        except OSError as error:
            raise ConfigInvalid("--json", f"{out}: {(error.strerror or str(error)).lower()}") from error
        if is_new:
            out.unlink()  # a run that fails leaves none


def _kept_in(folder: Path | None) -> DatabaseSettings | None:
    return None if folder is None else DatabaseSettings(data_dir=folder)


async def _replay(file: Path, data: Path | None, as_nick: str | None, limit: int | None) -> ReplaySummary:
    from wompbot_cogs.demo.replay import replay_log

    with progress_bar(file.name) as move:
        return await replay_log(
            file,
            database=_kept_in(data),
            as_nick=as_nick,
            limit=limit,
            on_bad_line=BadLines(),
            on_start=lambda total: move(total=total),
            on_progress=move,
        )
