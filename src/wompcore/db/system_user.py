"""The system user an embedded server runs as when we are root."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wompcore.errors import DatabaseUnavailable

if sys.platform != "win32":
    import pwd

NAME = "pgserver"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SystemUser:
    """Who the server runs as.

    Args:
        uid: Its user id; ``None`` when the server runs as ourselves.
        gid: Its group id.
    """

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Give ``path`` to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def as_subprocess(self) -> dict[str, Any]:
        """Return the arguments that make a subprocess run as this user."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_user() -> SystemUser:
    """Return who a server started by us runs as, making the user when we are root.

    Raises:
        DatabaseUnavailable: We are root and the user cannot be made.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return SystemUser()
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise DatabaseUnavailable(
                f"PostgreSQL does not run as root, and the system user '{NAME}' cannot be made",
                hint="Run as another user, or set database.url to a server.",
            ) from error
        entry = pwd.getpwnam(NAME)
    return SystemUser(entry.pw_uid, entry.pw_gid)


def make_reachable(user: SystemUser, *paths: Path) -> None:
    """Let the server's user pass through the folders above ``paths``, themselves included.

    Only the traverse bit is given, and only where it is missing: names in the folders stay hidden.
    """
    if user.uid is None:
        return
    for path in paths:
        for folder in (path, *path.parents):
            found = folder.stat()
            if found.st_uid != user.uid and not found.st_mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)
                _log.info("let the user %s pass through %s, where the database server needs it", NAME, folder)
