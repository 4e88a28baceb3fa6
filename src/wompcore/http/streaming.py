"""An answer that is read while it arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from wompcore.errors import AnswerTooLarge
from wompcore.http.exchange import failure, origin_of


class HttpStream:
    """An answer whose headers are here and whose body is still coming.

    Args:
        response: The answer; whoever made this closes it.
        max_bytes: Size of the decompressed body at most.
    """

    def __init__(self, response: aiohttp.ClientResponse, max_bytes: int) -> None:
        self._response = response
        self._max_bytes = self._left = max_bytes

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """By name, in any case."""
        return self._response.headers

    async def read(self, within_s: float | None) -> bytes:
        """Return the next bytes, decompressed, as they come; empty at the end.

        Args:
            within_s: Seconds to wait for them.

        Raises:
            TransportFailed: They did not come.
            AnswerTooLarge: The body is larger than allowed.
        """
        content = self._response.content
        try:
            chunk = content.read_nowait()
            if not chunk:
                async with asyncio.timeout(within_s):
                    chunk = await content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise failure(origin_of(self._response.url), error) from error
        self._left -= len(chunk)
        if self._left < 0:
            raise AnswerTooLarge(origin_of(self._response.url), self._max_bytes)
        return chunk

    async def read_all(self, within_s: float | None) -> bytes:
        """Return the rest of the body.

        Args:
            within_s: Seconds to wait for each part.

        Raises:
            TransportFailed: It did not come.
            AnswerTooLarge: The body is larger than allowed.
        """
        chunks = []
        while chunk := await self.read(within_s):
            chunks.append(chunk)
        return b"".join(chunks)
