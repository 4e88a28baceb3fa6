"""Answers kept for a while: bounded, made once at a time, in memory or in Redis."""

from __future__ import annotations

from wompcore.cache.cache import Cache

__all__ = ["Cache"]
