"""How the documentation is built: ``nox -s docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from wompcore import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "WompBot"
copyright = "the WompBot authors, MIT licence"
release = version = __version__

HOOKS = ["commands_page", "rooms_page", "settings_page"]  # in _ext: pages made from the code itself
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", *HOOKS]
exclude_patterns = ["_build", "_ext"]
nitpicky = False
suppress_warnings = ["ref.python"]  # a name that a room's door hands on is documented in both rooms

html_theme = "furo"
html_title = f"WompBot {release}"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
