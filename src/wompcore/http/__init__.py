"""Outgoing HTTP: one trusted and one guarded session, the only users of aiohttp's client."""

from __future__ import annotations

from wompcore.http.address import AddressPolicy, is_public
from wompcore.http.exchange import HttpAnswer, Traffic
from wompcore.http.guarded import GuardedSession
from wompcore.http.sessions import HttpSessions
from wompcore.http.streaming import HttpStream
from wompcore.http.trusted import TrustedSession

__all__ = [
    "AddressPolicy",
    "GuardedSession",
    "HttpAnswer",
    "HttpSessions",
    "HttpStream",
    "Traffic",
    "TrustedSession",
    "is_public",
]
