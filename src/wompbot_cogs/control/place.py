"""Where a bot's socket is: in a folder of its owner's that nobody else may enter."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import platformdirs

from wompbot_cogs.errors import ControlUnavailable
from wompbot_cogs.settings import BotSettings

_PATH_BYTES = 100
"""Systems take 104 to 108 bytes for a socket's path, the closing NUL included."""


def folder_of(settings: BotSettings) -> Path:
    """Return the folder of the sockets, which need not exist."""
    own = settings.bot.control_dir
    return own or platformdirs.user_data_path("wompbot", appauthor=False) / "run"


def make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone.

    Raises:
        ControlUnavailable: It cannot be made, or others may enter it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ControlUnavailable(str(folder), (error.strerror or str(error)).lower()) from error
    check_folder(folder)


def check_folder(folder: Path) -> None:
    """Refuse a folder that somebody else made, may enter, or put in its place.

    Raises:
        ControlUnavailable: It is not ours alone.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise ControlUnavailable(str(folder), (error.strerror or str(error)).lower()) from error
    if not stat.S_ISDIR(found.st_mode):
        raise ControlUnavailable(str(folder), "not a folder")
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ControlUnavailable(str(folder), "others may enter it", hint=f"chmod 700 {folder}")


def socket_of_this_process(settings: BotSettings) -> Path:
    """Return where this process listens.

    Raises:
        ControlUnavailable: The path is longer than a socket's may be.
    """
    path = folder_of(settings) / f"{_tag(settings)}-{os.getpid()}.sock"
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise ControlUnavailable(str(path), "too long for a socket", hint="Set bot.control_dir.")
    return path


def sockets_of(settings: BotSettings) -> list[Path]:
    """Return the sockets of the processes that run with the same database, dead ones among them."""
    folder = folder_of(settings)
    if not folder.exists():
        return []
    check_folder(folder)
    return sorted(folder.glob(f"{_tag(settings)}-*.sock"))


def _tag(settings: BotSettings) -> str:
    """Return what tells bots of one owner apart: the database they share."""
    database = settings.database
    where = database.url or str(database.data_dir and database.data_dir.absolute())
    return hashlib.blake2b(where.encode(), digest_size=6).hexdigest()
