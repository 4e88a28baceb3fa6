"""A folder that several processes use: who may change it, and who is the last one out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from wompcore.errors import DatabaseUnavailable

if sys.platform != "win32":
    import fcntl


class SharedFolder:
    """Two locks in a folder. The kernel frees them when a process dies, however it dies.

    Args:
        folder: The folder.

    Raises:
        DatabaseUnavailable: The system has no such locks.
    """

    def __init__(self, folder: Path) -> None:
        if sys.platform == "win32":
            raise DatabaseUnavailable(
                "the embedded database server does not run on Windows",
                hint="Set database.url to a server, or run under WSL.",
            )
        self._folder = folder
        self._membership: IO[bytes] | None = None

    @property
    def joined(self) -> bool:
        """Whether we are among the users."""
        return self._membership is not None

    @contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[None]:
        """Keep every other process from joining and leaving meanwhile.

        Args:
            wait: Wait for our turn.

        Raises:
            BlockingIOError: It is someone else's turn, and we do not wait.
        """
        with (self._folder / "control.lock").open("ab") as control:
            fcntl.flock(control, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield

    def join(self) -> None:
        """Become a user, if we are not. Call inside :meth:`alone`."""
        if self._membership is None:
            self._membership = (self._folder / "users.lock").open("ab")
            fcntl.flock(self._membership, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Stop being a user, and return whether that leaves none. Call inside :meth:`alone`."""
        membership, self._membership = self._membership, None
        if membership is None:
            return False
        with membership:
            try:
                fcntl.flock(membership, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True
