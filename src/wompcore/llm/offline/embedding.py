"""Deterministic vectors: texts that share words point the same way. Pure."""

from __future__ import annotations

import hashlib
import math

from wompcore.llm.offline.prompt import stems

DEFAULT_DIMENSIONS = 256


def embed(text: str, dimensions: int = DEFAULT_DIMENSIONS) -> list[float]:
    """Return a unit vector of a text: each word adds or takes one at a place its hash chooses.

    Source: K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009.

    Args:
        text: Any text; one without telling words gives the vector of the empty word.
        dimensions: Length of the vector, from 1.
    """
    vector = [0.0] * dimensions
    for word in stems(text) or [""]:
        digest = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())
        vector[(digest >> 1) % dimensions] += 1.0 if digest & 1 else -1.0
    length = math.sqrt(sum(value * value for value in vector))
    if length == 0.0:  # words that met at one place and cancelled out
        vector[0] = length = 1.0
    return [value / length for value in vector]
