"""What an operator sees while a chat log is read: a bar, and the lines that are no messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from wompcore.errors import LogLineInvalid

_NAMED_LINES = 20


class BadLines:
    """Names the first malformed lines on standard error and counts them all."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, line: LogLineInvalid) -> None:
        """Take note of a line."""
        self.count += 1
        if self.count <= _NAMED_LINES:
            typer.echo(line.message, err=True)
        elif self.count == _NAMED_LINES + 1:
            typer.echo("further malformed lines are only counted", err=True)


@contextmanager
def progress_bar(title: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar on a terminal's standard error; yields what moves it.

    Args:
        title: What is read.
        total: How many steps make it full, if known.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(title, total=total)

        def move(completed: int | None = None, *, total: int | None = None) -> None:
            progress.update(bar, completed=completed, total=total)

        yield move
