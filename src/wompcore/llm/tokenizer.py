"""Exact counts of tokens, where the tables for them are on this machine already."""

from __future__ import annotations

import hashlib
import os
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from wompcore.llm.estimate import CountTokens, expected_text

# Name, table's address and SHA-256. Source: tiktoken_ext/openai_public.py of tiktoken 0.7 and later.
_HOST = "https://openaipublic.blob.core.windows.net/encodings/"
_TABLES = (
    ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
    ("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
)
_PIECE_CHARS = 2000  # the time tiktoken takes for one long word grows with its square


def load_counter() -> CountTokens:
    """Return tiktoken's count if it and a table are here, else the rule of thumb; downloads nothing.

    Reads a file of a few megabytes: call it before the event loop runs, or in a thread.
    """
    if find_spec("tiktoken") is not None:
        for name, digest in _TABLES:
            if _is_here(name, digest):
                return _counter(name)
    return expected_text


def _is_here(name: str, digest: str) -> bool:
    """Tell whether tiktoken will find the table whole; it downloads one that is missing or damaged."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    address = f"{_HOST}{name}.tiktoken"
    place = Path(folder or Path(tempfile.gettempdir(), "data-gym-cache"))
    file = place / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


def _counter(name: str) -> CountTokens:
    encoding = import_module("tiktoken").get_encoding(name)

    def count(text: str) -> int:
        pieces = (text[at : at + _PIECE_CHARS] for at in range(0, len(text), _PIECE_CHARS))
        return sum(len(encoding.encode_ordinary(piece)) for piece in pieces)

    return count
