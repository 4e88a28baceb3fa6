"""What a command says, where, and with which exit code."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from wompbot_cogs.errors import TokenMissing
from wompcore.errors import (
    BudgetInvalid,
    ConfigInvalid,
    DataFolderUnusable,
    LogUnreadable,
    MonthInvalid,
    WompError,
)
from wompcore.text import clean

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

_BAD_INPUT = (BudgetInvalid, ConfigInvalid, DataFolderUnusable, LogUnreadable, MonthInvalid, TokenMissing)
_UNEXPECTED = "This is a fault of the program: --debug shows where; please report it."

# They tell of every job, every save, every missing voice library, and what we tell in our own words.
_TALKATIVE = {
    "procrastinate": logging.WARNING,
    "watchfiles": logging.WARNING,
    "discord.client": logging.ERROR,
    "discord.ext.commands.bot": logging.ERROR,
}


class Terminal:
    """The operator's side of a command: text, or with ``--json`` one JSON value, on standard output.

    Args:
        as_json: Write the result as JSON and no text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def say(self, text: str) -> None:
        """Write a line for people."""
        if not self.as_json:
            typer.echo(clean(text))

    def result(self, value: Any) -> None:
        """Write what programs read."""
        if self.as_json:
            typer.echo(clean(json.dumps(value, ensure_ascii=False, default=str)))


@contextmanager
def reporting(*, as_json: bool, debug: bool) -> Iterator[Terminal]:
    """Run a command's body: what it raises becomes one line, a hint and an exit code.

    Args:
        as_json: Write JSON on standard output, an error as ``{"error": ..., "hint": ...}``.
        debug: Show tracebacks.
    """
    terminal = Terminal(as_json=as_json)
    log_to_stderr("error", debug=debug)
    try:
        yield terminal
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if debug:
            traceback.print_exception(error)
        raise typer.Exit(_tell(terminal, _innermost(error))) from None


def _innermost(error: BaseException) -> BaseException:
    """Return the first error of a group, which several tasks at once make of theirs."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _tell(terminal: Terminal, error: BaseException) -> int:
    """Write an error and return the exit code it asks for."""
    match error:
        case WompError():
            message, hint = error.message, error.hint
        case OSError():
            message, hint = str(error), ""
        case _:
            message, hint = f"unexpected {type(error).__name__}: {error}", _UNEXPECTED
    message = clean(" ".join(message.split()))
    typer.secho("error: ", err=True, fg="red", nl=False)
    typer.echo(message, err=True)
    if hint:
        typer.echo(f" hint: {hint}", err=True)
    terminal.result({"error": message, "hint": hint})
    return BAD_INPUT if isinstance(error, _BAD_INPUT) else FAILED


def log_to_stderr(level: str, *, debug: bool) -> None:
    """Write log lines to standard error; other libraries' details, which quote messages, never.

    Args:
        level: The least important line of ours: debug, info, warning or error.
        debug: Show tracebacks in full, not only their last line.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(debug=debug))
    ours = logging.getLevelName(level.upper())
    logging.basicConfig(handlers=[handler], level=max(ours, logging.INFO), force=True)
    for name in ("wompcore", "wompbot_cogs"):
        logging.getLogger(name).setLevel(ours)
    for name, least in _TALKATIVE.items():
        logging.getLogger(name).setLevel(max(ours, least))


class _Formatter(logging.Formatter):
    """One line per record, an exception included, unless its traceback is asked for."""

    def __init__(self, *, debug: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and not self._debug:
            error = record.exc_info[1]
            text = f"{record.getMessage()} ({type(error).__name__}: {error})"
            record = logging.makeLogRecord({**vars(record), "msg": " ".join(text.split()), "args": ()})
            record.exc_info = record.exc_text = None
        return super().format(record)
