"""The console script ``wompbot``."""

from __future__ import annotations

import sys

from wompcore.errors import ExtraMissing


def main() -> None:
    """Run the command line: exit code 0 for good, 1 for failed, 2 for bad input."""
    try:
        from wompbot_cogs.commands import menu
    except ModuleNotFoundError as error:
        if str(error.name).startswith(("wompbot_cogs", "wompcore")):
            raise
        missing = ExtraMissing("bot", "the command line")
        sys.exit(f"error: {missing.message}\n hint: {missing.hint}")
    menu()()


if __name__ == "__main__":
    main()
