"""Ogg files, page by page."""

from __future__ import annotations

import struct


def page(position: int, payload: bytes, serial: int = 7) -> bytes:
    """Return one page with one packet of less than 255 bytes."""
    return b"OggS" + struct.pack("<BBqIIIBB", 0, 0, position, serial, 0, 0, 1, len(payload)) + payload


def voice_message(seconds: float, skipped: int = 312) -> bytes:
    """Return a recording as Discord's apps make it: Opus, with some samples to skip at its start."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, skipped, 48_000, 0, 0)
    return page(0, head) + page(0, b"OpusTags") + page(round(seconds * 48_000) + skipped, bytes(80))
