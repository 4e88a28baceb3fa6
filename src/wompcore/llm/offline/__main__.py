"""Runs the offline server until interrupted: ``python -m wompcore.llm.offline --port 8080``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from wompcore.errors import PortTaken
from wompcore.llm.offline.server import MODEL, offline_server


async def _serve(host: str, port: int, model: str) -> None:
    async with offline_server(host, port, model_name=model) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m wompcore.llm.offline", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen")
    parser.add_argument("--port", type=int, default=0, help="0 for any free one")
    parser.add_argument("--model", default=MODEL, help="what it calls itself")
    chosen = parser.parse_args()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(chosen.host, chosen.port, chosen.model))
    except PortTaken as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
