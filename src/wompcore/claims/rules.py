"""What the screen looks for: the four families of spec 04, section 1, as sequences of words.

The first word of a rule may stand anywhere; each further one must follow within so many words, in the
same sentence. Words are lower case, and "going to" is read as "gonna".
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["prediction", "fact", "guarantee", "absolute"]

WEIGHTS: Final[dict[Kind, float]] = {"guarantee": 0.45, "prediction": 0.40, "fact": 0.35, "absolute": 0.30}
"""Score per family, from spec 04; also the order in which a verdict names its kinds."""

EVIDENCE: Final = 0.40
"""Score of a fact that brings a number or a source along: it can be checked as it stands."""


class Rule(NamedTuple):
    """One sequence of words.

    Args:
        kind: The family it belongs to.
        first: The words it can start with.
        then: The word sets that follow, each with the number of words within which it must come.
        weight: What it adds to the score; each family counts once, by its heaviest rule.
        general: Whether it counts only when the line is not about the speaker's own surroundings.
    """

    kind: Kind
    first: frozenset[str]
    then: tuple[tuple[int, frozenset[str]], ...]
    weight: float
    general: bool


def words(text: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(text.split())


def _rule(
    kind: Kind,
    first: str | frozenset[str],
    *then: str | frozenset[str] | int,
    weight: float = 0,
    general: bool = False,
) -> Rule:
    """Build a rule; a number before a word set is its reach, which is 1 when left out."""
    steps: list[tuple[int, frozenset[str]]] = []
    reach = 1
    for step in then:
        if isinstance(step, int):
            reach = step
        else:
            steps.append((reach, words(step) if isinstance(step, str) else step))
            reach = 1
    start = words(first) if isinstance(first, str) else first
    return Rule(kind, start, tuple(steps), weight or WEIGHTS[kind], general)


_YEAR = frozenset(["0000"])  # a line's digits are read as 0
_MONTH = words("january february march april may june july august september october november december")
_SEASON = words("spring summer autumn winter season christmas year decade century")
_HORIZON = _YEAR | _MONTH | _SEASON | words("years seasons decades")
_BY = words("by before within in until")
_WILL = words("will won't wont gonna shall he'll she'll they'll it'll there'll that'll")
_IS = words("is are isn't aren't was were it's he's she's they're that's")
OWN: Final = words("my our us we i'm here today tonight cpu ram memory disk battery gb mb")
"""A line with one of these is about the speaker's own surroundings."""

_VERB = words("is are does do")
_ALL = words("all every everyone everybody nobody none always never")
_OUTCOME = words(
    "win lose beat flop collapse crash fold dominate overtake outsell outlive replace bankrupt"
    " skyrocket double triple resign retire disappear vanish raise ban cancel qualify"
)
_FATE = words(
    "dead obsolete extinct forgotten bankrupt banned illegal relegated replaced champion champions"
    " huge massive awful terrible worthless useless irrelevant delayed cancelled gone over finished"
)
_FIRST_OR_LAST = words("first next last best worst biggest greatest end death")
_PLAINLY = words("obviously clearly undeniably undoubtedly unquestionably objectively")
_COMPARED = words("better worse faster slower safer cheaper smarter stronger bigger smaller more less")

RULES: Final = (
    # "the shop will be gone by 2030", "they are going to win next season", "no way they ship by march"
    _rule("prediction", _WILL, 14, _BY, 5, _HORIZON),
    _rule("prediction", _WILL, 10, "next", _SEASON),
    _rule("prediction", "no", "way chance", 10, _BY, 5, _HORIZON),
    _rule("prediction", "no", "way chance", "he she they we it that this the any anyone"),
    # "I predict a draw", "mark my words", "I bet they'll cancel it"
    _rule("prediction", "predict predicts predicting forecast"),
    _rule("prediction", "mark", "my", "words"),
    _rule("prediction", "calling", "it", "now"),
    _rule("prediction", "heard", "it", "here", "first"),
    _rule("prediction", "screenshot", "this"),
    _rule("prediction", "bet", 8, _WILL),
    # "it will definitely", "will never", "nobody will", "won't ever"
    _rule("prediction", "guarantee guaranteed definitely surely certainly", 2, _WILL),
    _rule("prediction", _WILL, 2, "definitely surely certainly inevitably"),
    _rule("prediction", _WILL, 2, "never always ever"),
    _rule("prediction", "never always", _WILL),
    _rule("prediction", "everyone everybody nobody", 2, _WILL),
    _rule("prediction", "no", "one", 2, _WILL),
    # "she will win", "they will soon be forgotten", "this will be the end of it"
    _rule("prediction", _WILL, 2, _OUTCOME),
    _rule("prediction", _WILL, 2, "be", 2, _FATE),
    _rule("prediction", _WILL, "be", "the", _FIRST_OR_LAST),
    # "all of them are", "no one really is", "it is actually", "tea is better than", "has never"
    _rule("fact", _ALL, 4, _VERB, general=True),
    _rule("fact", "no", "one", 4, _VERB, general=True),
    _rule("fact", "actually literally", "is are"),
    _rule("fact", "is are", "actually literally"),
    _rule("fact", "is are", 2, _COMPARED, 3, "than", general=True),
    _rule("fact", "has have", "never always", general=True),
    # "80% of people are", "two million of them", "studies show", "scientifically proven", "is a myth"
    _rule("fact", "% percent", 2, "of are is", weight=EVIDENCE, general=True),
    _rule("fact", "percent million billion trillion", weight=EVIDENCE, general=True),
    _rule("fact", "half quarter third", "of", "all people", weight=EVIDENCE, general=True),
    _rule("fact", "proven scientifically statistically", weight=EVIDENCE),
    _rule("fact", "study studies research science", "show shows prove proves say says", weight=EVIDENCE),
    _rule("fact", _IS, 2, "a", "myth hoax scam lie fact", weight=EVIDENCE),
    # "I will never", "I promise", "I'll always", "you have my word"
    _rule("guarantee", "i", "will", "never always"),
    _rule("guarantee", "i'll", "never always"),
    _rule("guarantee", "i", "guarantee promise swear"),
    _rule("guarantee", "have", "my", "word"),
    _rule("guarantee", "eat", "my", "hat"),
    # "without a doubt this is", "obviously the map is", "it is clearly rigged"
    _rule("guarantee", "without", "a any", "doubt", 4, _IS),
    _rule("guarantee", _IS, 2, "without", "a any", "doubt"),
    _rule("guarantee", _PLAINLY, 4, _IS | words("true false")),
    _rule("guarantee", _IS, _PLAINLY),
    # "best band ever", "of all time", "impossible", "no chance"
    _rule("absolute", "best worst greatest", 4, "ever"),
    _rule("absolute", "of", "all", "time"),
    _rule("absolute", "impossible inevitable certain"),
    _rule("absolute", "no", "way chance"),
)
