"""How the screen reads a message: which part, which tokens, and what it never counts."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

READ_CHARS: Final = 1000
"""How much of a message is read, characters; of the rest only whether it ends in a question mark."""

SHORTEST_CHARS: Final = 15
_FEWEST_WORDS: Final = 5
_FEWEST_LETTERED: Final = 3  # of them; the rest may be numbers

_TOKEN: Final = re.compile(r"(?:[^\W\d_]|')+|\d+(?:[.,:]\d+)*|[^\w\s\x00-\x1f\x7f]|\n")
_ASCII_TOKEN: Final = re.compile(r"[a-z']+|[0-9]+(?:[.,:][0-9]+)*|[!-&(-/:-@\[-^`{-~\n]")  # as fast again
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
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
_HEDGING_WORDS: Final = _words(
    "think guess suspect assume doubt hope wonder wish feel seems opinion sure chances let's"
)  # one of them stands in every phrase
_JOKES: Final = _words("lol lmao rofl jk kidding haha hahaha hahahaha hehe hehehe")
_TELLING: Final = _JOKES | {",", ":", "/"}
_JOKE_MARK: Final = re.compile(r"(?<!\S)/(?:s|j|jk)(?!\S)")
_OPENINGS: Final = _words(
    "? how why where who what which is are am do does did can could will would should has anyone anybody"
    " yes yeah yep nope ok okay no"
)
_AFTER_NO: Final = _words("way chance one doubt shot team")  # "no way they win" is no answer
_ADDRESS_ENDS: Final = (1, 2, 3)


def prose(text: str) -> str:
    """Return the part that is read: lower case, without links, names, tags, code and quotes.

    Args:
        text: A message.
    """
    line = text[:READ_CHARS].lower()[:READ_CHARS].rstrip()
    if not line.isascii():
        line = line.replace("’", "'")
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
    """Return the tokens of a line with every digit as 0: a year is ``0000`` whichever it is.

    Args:
        line: Prose.
    """
    # Bytes, as on them a translation takes a fifth of the time.
    if line.isascii():
        return _ASCII_TOKEN.findall(line.encode().translate(_DIGITS).decode())
    plain = line.encode("utf-8", "surrogatepass").translate(_DIGITS)
    return _TOKEN.findall(plain.decode("utf-8", "surrogatepass"))


def tokens(line: str) -> list[str]:
    """Return the tokens of a line as they stand; as many as :func:`shapes` returns.

    Args:
        line: Prose.
    """
    return (_ASCII_TOKEN if line.isascii() else _TOKEN).findall(line)


def unfit(text: str) -> bool:
    """Return whether a message is too short to be read, or asks something.

    Args:
        text: The message.
    """
    said = text.rstrip()
    return len(said) < SHORTEST_CHARS or said.endswith("?")


def says_nothing(line: str, tokens: list[str], found: AbstractSet[str]) -> bool:
    """Return whether a line is too short, opens like a question or an answer, or is a joke.

    Args:
        line: Prose.
        tokens: Its tokens.
        found: The same as a set.
    """
    return (
        len(tokens) < _FEWEST_WORDS
        or (tokens[0] in _OPENINGS and not _no_answer(tokens, 0))
        or (not _TELLING.isdisjoint(found) and (_addresses_badly(tokens) or _jokes(line, found)))
        or _few_words(tokens)
    )


def _addresses_badly(tokens: list[str]) -> bool:
    """Return whether a question or an answer follows after an address ("anna: ...")."""
    marks = [at for at in _ADDRESS_ENDS if tokens[at] in ",:"]
    return bool(marks) and any(tokens[at + 1] in _OPENINGS and not _no_answer(tokens, at + 1) for at in marks)


def _jokes(line: str, found: AbstractSet[str]) -> bool:
    return not _JOKES.isdisjoint(found) or ("/" in found and bool(_JOKE_MARK.search(line)))


def _no_answer(tokens: list[str], at: int) -> bool:
    """Return whether a "no" is none: "no way they win"."""
    return tokens[at] == "no" and tokens[at + 1 : at + 2] != [] and tokens[at + 1] in _AFTER_NO


def _few_words(tokens: list[str]) -> bool:
    if "".join(tokens[:_FEWEST_WORDS]).isalpha() or sum(map(str.isalpha, tokens[:12])) >= _FEWEST_WORDS:
        return False  # most lines; the exact count takes five times as long
    letters = sum(token[0].isalpha() for token in tokens)
    return letters < _FEWEST_LETTERED or letters + sum(token[0].isdigit() for token in tokens) < _FEWEST_WORDS


def hedged(line: str, found: AbstractSet[str]) -> bool:
    """Return whether the speaker leaves it open.

    Args:
        line: Prose.
        found: Its tokens.
    """
    if not _HEDGES.isdisjoint(found):
        return True
    return not _HEDGING_WORDS.isdisjoint(found) and any(phrase in line for phrase in _HEDGING_PHRASES)
