"""How hot a claim sounds: the first, free stage of a hot take. Pure, linear, on a bounded prefix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

CONTROVERSIAL: Final = 0.3
"""Heat from which on a claim is a hot take (spec 04, section 5)."""

_A_MATCH: Final = 0.3
_READ: Final = 2000  # characters
_BETWEEN_WORDS: Final = re.compile(r"[^\w']+")
_HARSH: Final = (
    r"(?:terrible|awful|horrible|trash|garbage|rubbish|worthless|useless|pointless|stupid|dumb|boring"
    r"|disgusting|pathetic|insane|a (?:joke|scam|cult|disgrace))"
)

# Twelve ways to pick a fight and six things that people fight about, from spec 04, section 5.
_PATTERNS: Final = {
    name: re.compile(rf"\b(?:{pattern})\b")
    for name, pattern in {
        "marker": r"hot take|unpopular opinion|controversial (?:take|opinion)|fight me|i said what i said"
        r"|change my mind|come at me",
        "overrated": r"over ?rated|overhyped",
        "underrated": r"under ?rated|slept on",
        "comparison": r"(?:better|worse|greater|smarter|dumber) than",
        "slang verdict": r"mid|goated|washed|cringe|cope|peak|an? l take|straight trash|dogwater|down bad",
        "prove me wrong": r"(?:prove|convince) me (?:i'?m )?(?:wrong|otherwise)",
        "objectively": r"objectively (?:\w+ ){0,2}(?:better|worse|best|worst|bad|good|wrong|right|superior)",
        "harsh verdict": rf"(?:is|are|was|were|\w+'s|\w+'re) (?:\w+ ){{0,2}}{_HARSH}",
        "always was": r"always (?:was|were|has been|have been|will be)|(?:was|were) always",
        "totally": rf"(?:totally|completely|utterly|absolutely|literally) {_HARSH}",
        "superlative": r"(?:best|worst|greatest) (?:\w+ ){1,4}(?:ever|of all time)",
        "ban it": r"should (?:be|have been) (?:banned|illegal|cancell?ed|outlawed|abolished)",
        "pizza topping": r"pineapple (?:\w+ ){0,3}pizzas?|pizzas? (?:\w+ ){0,3}pineapple",
        "gif": r"(?:pronounc\w+|say|said|saying) (?:\w+ ){0,2}[gj]ifs?|[gj]ifs? (?:\w+ ){0,3}pronounced",
        "indent style": r"tabs? (?:\w+ ){0,4}spaces?|spaces? (?:\w+ ){0,4}tabs?",
        "editors": r"(?:neo)?vim (?:\w+ ){0,6}(?:emacs|vs ?code)|(?:emacs|vs ?code) (?:\w+ ){0,6}(?:neo)?vim",
        "phones": r"iphones? (?:\w+ ){0,6}androids?|androids? (?:\w+ ){0,6}iphones?",
        "space sagas": r"star wars (?:\w+ ){0,6}star trek|star trek (?:\w+ ){0,6}star wars",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Heat:
    """How hot a text sounds.

    Args:
        score: 0 to 1.
        cues: What was found, in words a moderator understands.
    """

    score: float
    cues: tuple[str, ...]

    @property
    def is_hot(self) -> bool:
        """Whether it sounds like a hot take."""
        return self.score >= CONTROVERSIAL


def heat_of(text: str) -> Heat:
    """Return how hot a text sounds: 0.3 for each kind of cue, at most 1.

    Args:
        text: Any text; its first 2,000 characters are read.
    """
    line = _BETWEEN_WORDS.sub(" ", text[:_READ].lower().replace("’", "'"))
    cues = tuple(name for name, pattern in _PATTERNS.items() if pattern.search(line))
    return Heat(min(1.0, _A_MATCH * len(cues)), cues)
