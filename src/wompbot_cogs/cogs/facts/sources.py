"""Who is behind a page: its registrable domain, by the Public Suffix List as it was installed.

The only module that uses publicsuffixlist. The list is part of that package: nothing is fetched.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList


class Domains:
    """Tells pages of one owner from pages of another. Made by :meth:`open`."""

    def __init__(self, suffixes: PublicSuffixList) -> None:
        self._suffixes = suffixes

    @classmethod
    async def open(cls) -> Domains:
        """Read the list, which takes about 0.1 s, in a thread."""
        return cls(await asyncio.to_thread(PublicSuffixList))

    def of(self, url: str) -> str | None:
        """Return the registrable domain of a page: ``bbc.co.uk`` for ``https://www.bbc.co.uk/news``.

        Args:
            url: Any text.

        Returns:
            ``None`` for what has none: a bare address, a name without a public suffix, or a link that
            browsers and Python read differently.
        """
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return None
        if not host or "\\" in url:
            return None
        try:
            ip_address(host)
        except ValueError:
            return self._registrable(host)
        return None

    def _registrable(self, host: str) -> str | None:
        try:
            name = host.rstrip(".").encode("idna").decode("ascii")
        except UnicodeError:
            return None
        return self._suffixes.privatesuffix(name, accept_unknown=False)
