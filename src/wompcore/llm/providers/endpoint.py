"""What all HTTP model endpoints have in common: how they are asked, and what goes wrong on the way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from wompcore.clock import Clock, SystemClock
from wompcore.errors import (
    AnswerTooLarge,
    ModelAnswerInvalid,
    ModelError,
    ModelUnavailable,
    TransportFailed,
)
from wompcore.llm.providers.event_reader import EventReader, Patience
from wompcore.llm.providers.failure import error_of_status
from wompcore.llm.providers.wire import json_object, kind_of
from wompcore.llm.reply import Delta
from wompcore.llm.retry import retry_after_s

if TYPE_CHECKING:
    from wompcore.http import TrustedSession

T = TypeVar("T")

_GET_WITHIN_S = 5.0
_WHOLE_ANSWERS = ("application/json", "text/html")


class Endpoint:
    """One API root, its key and its session.

    Args:
        session: Trusts the endpoint's origin.
        root: The API root.
        key: Kept out of errors.
        headers: Sent with each request.
        read_timeout_s: Seconds of silence before giving up on an answer that comes whole; ``None`` for
            the caller's own limit.
        clock: Real time, to read ``Retry-After`` dates.
    """

    def __init__(
        self,
        session: TrustedSession,
        root: str,
        key: str,
        headers: Mapping[str, str],
        read_timeout_s: float | None,
        clock: Clock | None = None,
    ) -> None:
        self._session = session
        self.root = root.rstrip("/")
        self._errors = _ModelErrors(key)
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
        with self._errors:
            answer = await self._session.get(
                self.root + path, headers=self._headers, read_timeout_s=_GET_WITHIN_S
            )
            self._expect_200(answer.status, answer.headers, answer.body)
            return answer.body

    async def post(
        self, path: str, body: bytes, read: Callable[[bytes], T], *, content_type: str = "application/json"
    ) -> T:
        """Send a body and read the answer's.

        Args:
            path: Below the API root.
            body: The request.
            read: Reads the body of a 200.
            content_type: What the request is.

        Raises:
            ModelError: There was no 200, or ``read`` found none in it; the leaf says why.
        """
        with self._errors:
            answer = await self._session.post(
                self.root + path,
                body,
                content_type=content_type,
                headers=self._headers,
                read_timeout_s=self._read_timeout_s,
            )
            self._expect_200(answer.status, answer.headers, answer.body)
            return read(answer.body)

    async def stream(
        self,
        path: str,
        body: bytes,
        *,
        read_event: Callable[[bytes], Delta | None],
        read_whole: Callable[[bytes], Delta],
        first_token_s: float,
        idle_s: float,
    ) -> AsyncGenerator[Delta, None]:
        """Send JSON and hand on what the answer's events bring.

        Args:
            path: Below the API root.
            body: The request.
            read_event: Reads an event's data; ``None`` says that nothing follows.
            read_whole: Reads the answer of a server that does not stream although it was asked to.
            first_token_s: Seconds until the answer begins.
            idle_s: Seconds of silence after that.

        Raises:
            ModelError: The answer did not begin, or ended early; the leaf says why.
        """
        patience = Patience(first_token_s, idle_s)
        with self._errors:
            async with self._session.stream_json(
                self.root + path, body, headers=self._headers, answer_within_s=first_token_s
            ) as answer:
                is_whole = answer.headers.get("Content-Type", "").startswith(_WHOLE_ANSWERS)
                if answer.status != 200 or is_whole:
                    content = await answer.read_all(self._read_timeout_s)
                    self._expect_200(answer.status, answer.headers, content)
                    yield read_whole(content)
                    return
                events = EventReader(answer, patience)
                async for data in events:
                    delta = read_event(data)
                    if delta is None:
                        await events.finish()
                        return
                    patience.saw(delta)
                    yield delta
                events.expect_whole()

    def _expect_200(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        if status != 200:
            wait_s = retry_after_s(headers.get("Retry-After"), self._clock.now())
            raise error_of_status(status, body, provider=self.name, retry_after_s=wait_s)


class _ModelErrors:
    """Turns failures of the transport into ours, and keeps the key out of what a server says."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        match error:
            case AnswerTooLarge():
                raise ModelAnswerInvalid(str(error)) from error
            case TransportFailed():
                raise ModelUnavailable(str(error), retryable=error.retryable) from error
            case ModelError() if self._key and self._key in error.message:
                error.args = (error.message.replace(self._key, "***"),)
