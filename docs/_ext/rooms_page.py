"""Lists the rooms of a package with what they export, while the page is read.

A line ``<!-- rooms: package -->`` in a page becomes one section per public module of the package.
"""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MARKER = re.compile(r"<!-- rooms: (?P<package>[\w.]+) -->")
_SECTION = """## `{name}`

```{{eval-rst}}
.. automodule:: {name}
   :members:
```
"""


def rooms_of(package: str) -> list[str]:
    """Return the public modules directly inside a package, by name."""
    modules = iter_modules(import_module(package).__path__, prefix=f"{package}.")
    return sorted(module.name for module in modules if not module.name.rpartition(".")[2].startswith("_"))


def _sections(match: re.Match[str]) -> str:
    return "\n".join(_SECTION.format(name=name) for name in rooms_of(match["package"]))


def _fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = _MARKER.sub(_sections, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _fill_in)
    return {"parallel_read_safe": True}
