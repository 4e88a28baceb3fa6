"""A model that says what a test tells it to, over real HTTP."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from wompcore.llm.offline import Fault, OfflineAnswer, OfflineServer, offline_server

_RECORDED = 100


class ScriptedModel:
    """The offline model with a script, followed in order. What is not in it the model answers by itself.

    Args:
        server: Serves it.
        faults: For each request of the script, the failure it shall meet; the server reads them.
    """

    def __init__(self, server: OfflineServer, faults: deque[Fault | None]) -> None:
        self._server = server
        self._faults = faults

    @property
    def base_url(self) -> str:
        """Where it is."""
        return self._server.base_url

    @property
    def requests(self) -> int:
        """Requests so far."""
        return self._server.requests

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The last 100 requests as JSON, the oldest first: ``messages`` and ``tools``."""
        return [json.loads(request.body) for request in self._server.recorded if request.body]

    def says(self, text: str) -> None:
        """Answer the next request with a text."""
        self._faults.append(None)
        self._server.script.append(OfflineAnswer(text, None, "stop", input_tokens=1, output_tokens=1))

    def calls(self, tool: str, /, **arguments: Any) -> None:
        """Answer the next request with the call of a tool."""
        call = (tool, arguments)
        self._faults.append(None)
        self._server.script.append(OfflineAnswer("", call, "tool_calls", input_tokens=1, output_tokens=1))

    def fails(self, status: int = 503) -> None:
        """Answer the next request with an HTTP error."""
        self._faults.append(Fault(status=status))


@asynccontextmanager
async def scripted_model() -> AsyncIterator[ScriptedModel]:
    """Run a scripted model on a free port of loopback."""
    faults: deque[Fault | None] = deque()

    def next_faults() -> Iterator[Fault | None]:
        while True:
            yield faults.popleft() if faults else None

    async with offline_server(faults=next_faults(), record=_RECORDED) as server:
        yield ScriptedModel(server, faults)
