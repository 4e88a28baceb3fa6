"""Fixtures of the model client."""

from __future__ import annotations

from llm_client import ledger, open_client

__all__ = ["ledger", "open_client"]
