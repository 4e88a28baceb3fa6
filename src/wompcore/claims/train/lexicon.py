"""Word classes and common words, from the package ``spacy-lookups-data`` (MIT)."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import Any, Final, NamedTuple

COMMON_WORDS: Final = 12_000
"""How many common words get a weight though no training text has them."""


class Lexicon(NamedTuple):
    """What is known of words beyond the training text.

    Args:
        classes: Brown cluster per lower-case word; its lowest bits name the widest class.
        common: The most frequent words that have a class, most frequent first.
    """

    classes: dict[str, int]
    common: list[str]


def lexicon() -> Lexicon:
    """Read the lexicon. Needs the extra ``train``."""
    clusters, frequency = _table("cluster"), _table("prob")
    classes: dict[str, int] = {}
    for word, cluster in clusters.items():
        low = word.lower()
        if cluster and (low == word or low not in clusters):
            classes.setdefault(low, cluster)
    by_frequency = sorted(frequency, key=lambda word: (-frequency[word], word))
    common = [word for word in by_frequency if word in classes and word.isalpha()]
    return Lexicon(classes, common[:COMMON_WORDS])


def _table(name: str) -> dict[str, Any]:
    packed = files("spacy_lookups_data").joinpath(f"data/en_lexeme_{name}.json.gz").read_bytes()
    table: dict[str, Any] = json.loads(gzip.decompress(packed))
    return table
