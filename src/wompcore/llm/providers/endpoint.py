"""What all HTTP model endpoints have in common: how they are asked, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wompcore.clock import Clock, SystemClock
from wompcore.errors import (
    AnswerTooLarge,
    ModelAnswerInvalid,
    ModelUnavailable,
    TransportFailed,
)
from wompcore.llm.providers.failure import error_of_status, json_object, kind_of
from wompcore.llm.reply import Delta
from wompcore.llm.retry import retry_after_s
from wompcore.llm.sse import EventParser

if TYPE_CHECKING:
    from wompcore.http import HttpStream, TrustedSession

_GET_WITHIN_S = 5.0
_LATE_USAGE_S = 2.0
_LEFTOVERS_S = 0.1
_WHOLE_ANSWERS = ("application/json", "text/html")

ReadEvent = Callable[[bytes], Delta | None]
"""Reads an event's data; ``None`` when it says that nothing follows."""


class Endpoint:
    """One API root, its key and its session.

    Args:
        session: Trusts the endpoint's origin.
        root: The API root.
        key: Kept out of errors.
        headers: Sent with each request.
        read_timeout_s: Seconds of silence before giving up on an answer that comes whole.
        clock: Real time, to read ``Retry-After`` dates.
    """

    def __init__(
        self,
        session: TrustedSession,
        root: str,
        key: str,
        headers: Mapping[str, str],
        read_timeout_s: float,
        clock: Clock | None = None,
    ) -> None:
        self._session = session
        self._root = root.rstrip("/")
        self._key = key.encode()
        self._headers = headers
        self._read_timeout_s = read_timeout_s
        self._clock = clock or SystemClock()
        self.name = urlsplit(root).hostname or root
        """The endpoint's host."""

    async def find_model(self, model: str) -> str:
        """Fetch the list of models; return in one line whether ``model`` is one of them.

        Raises:
            ModelError: There was no such list; the leaf says why.
        """
        answer = await self.get("/models")
        listed = json_object(answer)
        if listed is None or not isinstance(listed.get("data"), list):
            raise ModelAnswerInvalid(f"{self.name} answered with {kind_of(answer)}, not a list of models")
        ids = {entry.get("id") for entry in listed["data"] if isinstance(entry, dict)}
        found = "is one of them" if model in ids else "is not among them"
        return f"{self.name} answers with {len(ids)} models; {model} {found}"

    async def get(self, path: str) -> bytes:
        """Fetch a resource and return its body.

        Raises:
            ModelError: There was no 200; the leaf says why.
        """
        with _model_errors():
            answer = await self._session.get(
                self._root + path, headers=self._headers, read_timeout_s=_GET_WITHIN_S
            )
        self._expect_200(answer.status, answer.headers, answer.body)
        return answer.body

    async def post(self, path: str, body: bytes, content_type: str = "application/json") -> bytes:
        """Send a body and return the answer's.

        Raises:
            ModelError: There was no 200; the leaf says why.
        """
        with _model_errors():
            answer = await self._session.post(
                self._root + path,
                body,
                content_type=content_type,
                headers=self._headers,
                read_timeout_s=self._read_timeout_s,
            )
        self._expect_200(answer.status, answer.headers, answer.body)
        return answer.body

    async def stream(
        self,
        path: str,
        body: bytes,
        *,
        read_event: ReadEvent,
        read_whole: Callable[[bytes], Delta],
        first_token_s: float,
        idle_s: float,
    ) -> AsyncGenerator[Delta, None]:
        """Send JSON and hand on what the answer's events bring.

        Args:
            path: Below the API root.
            body: The request.
            read_event: Reads one event.
            read_whole: Reads the answer of a server that does not stream although it was asked to.
            first_token_s: Seconds until the answer begins.
            idle_s: Seconds of silence after that.

        Raises:
            ModelError: The answer did not begin, or ended early; the leaf says why.
        """
        first_token_by = asyncio.get_running_loop().time() + first_token_s
        with _model_errors():
            async with self._session.stream_json(
                self._root + path, body, headers=self._headers, answer_within_s=first_token_s
            ) as answer:
                if answer.status != 200:
                    refusal = await answer.read_all(self._read_timeout_s)
                    self._expect_200(answer.status, answer.headers, refusal)
                if answer.headers.get("Content-Type", "").startswith(_WHOLE_ANSWERS):
                    yield read_whole(await answer.read_all(self._read_timeout_s))
                    return
                async for delta in _deltas(answer, read_event, first_token_by, idle_s):
                    yield delta

    def _expect_200(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status != 200:
            raise error_of_status(
                status,
                body.replace(self._key, b"***") if self._key else body,
                provider=self.name,
                retry_after_s=retry_after_s(headers.get("Retry-After"), self._clock.now()),
            )


async def _deltas(
    answer: HttpStream, read_event: ReadEvent, first_token_by: float, idle_s: float
) -> AsyncIterator[Delta]:
    now = asyncio.get_running_loop().time
    parser = EventParser()
    begun = ended = False
    while True:
        patience_s = _LATE_USAGE_S if ended else idle_s if begun else first_token_by - now()
        try:
            chunk = await answer.read(patience_s)
        except TransportFailed:
            if ended:  # nothing but the usage can be missing
                return
            raise
        for data in parser.feed(chunk) if chunk else parser.close():
            delta = read_event(data)
            if delta is None:
                await _read_leftovers(answer)
                return
            begun = begun or delta.shows
            ended = ended or bool(delta.finish_reason)
            yield delta
        if not chunk:
            if ended:
                return
            raise ModelUnavailable("the stream ended before the answer did", retryable=True)


async def _read_leftovers(answer: HttpStream) -> None:
    """Read what follows the last event, an empty chunk as a rule: only then is the connection kept."""
    with suppress(TransportFailed):
        await answer.read_all(_LEFTOVERS_S)


@contextmanager
def _model_errors() -> Iterator[None]:
    try:
        yield
    except AnswerTooLarge as error:
        raise ModelAnswerInvalid(str(error)) from error
    except TransportFailed as error:
        raise ModelUnavailable(str(error), retryable=error.retryable) from error
