"""How the screen reads a message: which part, which tokens, and what it never counts."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

READ_CHARS: Final = 1000
"""How much of a message is read, characters; of the rest only whether it ends in a question mark."""

SHORTEST_CHARS: Final = 15
_FEWEST_WORDS: Final = 5

_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+(?:[.,:]\d+)*|[^\w\s]|\n")
_DIGITS: Final = str.maketrans("123456789", "000000000")
_NOT_PROSE: Final = re.compile(
    r"https?://\S+|<[^\s<>]{1,80}>|```.*?(?:```|\Z)|`[^`\n]*+`|^>[^\n]*+", re.DOTALL | re.MULTILINE
)
_TAG: Final = re.compile(r"(?<!\w)[@#]\w+")
_QUOTED: Final = re.compile(r'(?<!\w)"[^"\n]*+"')


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HEDGES: Final = _words("maybe probably possibly perhaps might could may imo imho hopefully apparently")
_HEDGING_PHRASES: Final = (
    "i think",
    "i guess",
    "i suspect",
    "i assume",
    "i doubt",
    "i hope",
    "i wonder",
    "i wish",
    "i feel like",
    "seems like",
    "in my opinion",
    "not sure",
    "had to guess",
    "chances are",
    "let's see",
)
_JOKES: Final = _words("lol lmao rofl jk kidding haha hahaha hahahaha hehe hehehe")
_JOKE_MARK: Final = re.compile(r"(?<!\S)/(?:s|j|jk)(?!\S)")
_ADDRESS: Final = re.compile(r"\s*(?:\S{1,40}[:,]\s+)?")
_ANSWER: Final = re.compile(r"(?:yes|yeah|yep|nope|ok|okay|no(?! (?:way|chance|one|doubt|shot|team)))\b")
_QUESTION: Final = re.compile(
    r"\?|(?:how|why|where|who|what|which|is|are|am|do|does|did|can|could|will|would|should|has|any(?:one|body))\b"
)


def prose(text: str) -> str:
    """Return the part that is read: lower case, without links, names, tags, code and quotes.

    Args:
        text: A message.
    """
    line = text[:READ_CHARS].lower()[:READ_CHARS].replace("’", "'")
    if "going to" in line:
        line = line.replace("going to", "gonna")
    if "://" in line or "`" in line or ">" in line:
        line = _NOT_PROSE.sub(" ", line)
    if "@" in line or "#" in line:
        line = _TAG.sub(" ", line)
    if '"' in line:
        line = _QUOTED.sub(' " ', line)
    return line


def shapes(line: str) -> list[str]:
    """Return the tokens of a line with every digit as 0: a year is ``0000`` whichever it is."""
    return _TOKEN.findall(line.translate(_DIGITS))


def tokens(line: str) -> list[str]:
    """Return the tokens of a line as they stand; as many as :func:`shapes` returns."""
    return _TOKEN.findall(line)


def says_nothing(text: str, line: str, tokens: list[str], found: AbstractSet[str]) -> bool:
    """Return whether a line is too short, a question, an answer or a joke.

    Args:
        text: The message.
        line: Its prose.
        tokens: The tokens of that.
        found: The same as a set.
    """
    if len(tokens) < _FEWEST_WORDS or not _JOKES.isdisjoint(found) or text.rstrip().endswith("?"):
        return True
    address = _ADDRESS.match(line)
    start = address.end() if address else 0
    return bool(
        _QUESTION.match(line, start)
        or _ANSWER.match(line, start)
        or ("/" in found and _JOKE_MARK.search(line))
        or len([token for token in tokens if token[0].isalnum()]) < _FEWEST_WORDS
    )


def hedged(line: str, found: AbstractSet[str]) -> bool:
    """Return whether the speaker leaves it open.

    Args:
        line: Prose.
        found: Its tokens.
    """
    return not _HEDGES.isdisjoint(found) or any(phrase in line for phrase in _HEDGING_PHRASES)
