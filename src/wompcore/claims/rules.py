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
_SEASON = words(
    "spring summer autumn fall winter season christmas easter year years decade century month week"
)
_DAY = words("monday tuesday wednesday thursday friday saturday sunday weekend tomorrow q0")
_HORIZON = _YEAR | _MONTH | _SEASON | words("years seasons decades months weeks lifetime then")
_BY = words("by before within in until after")
_WILL = words("will won't wont gonna shall he'll she'll they'll it'll there'll that'll")
_IS = words("is are isn't aren't was were it's he's she's they're that's")
_VERB = words("is are does do")
_ALL = words("all every everyone everybody nobody none always never")
_PEOPLE = words("he she they nobody everyone everybody he's she's they're he'll she'll they'll")
_OUTCOME = words(
    "win lose beat flop collapse crash fold dominate overtake outsell outlive replace bankrupt"
    " skyrocket double triple resign retire disappear vanish raise ban cancel qualify"
    " die implode tank plummet finish relegate"
)
_DEED = _OUTCOME | words(
    "fix release announce delay abandon sell leave quit regret admit nerf ruin fail fire break ship drop"
    " mess choke remember care find show come last make turn"
)
_HAPPENS = words(
    "wins loses takes gets finishes ends dies flops hits scores beats ships crashes leaves quits collapses"
    " retires happens drops fails resigns doubles makes sells plays starts closes falls"
)
_FATE = words(
    "dead obsolete extinct forgotten bankrupt banned illegal relegated replaced champion champions"
    " huge massive awful terrible worthless useless irrelevant delayed cancelled canceled gone over finished"
    " outdated closed out fired sacked swept pushed pulled hacked broken sued free president gold"
)
_FIRST_OR_LAST = words("first next last best worst biggest greatest end death")
_PLAINLY = words("obviously clearly undeniably undoubtedly unquestionably objectively")
_FIRMLY = _PLAINLY | words("definitely absolutely certainly guaranteed undisputedly")
_COMPARED = words("better worse faster slower safer cheaper smarter stronger bigger smaller more less")
_I = words("i i'll i'd i'm")

OWN: Final = words("my our us we i'm here today tonight cpu ram memory disk battery gb mb")
"""A line with one of these is about the speaker's own surroundings."""

RULES: Final = (
    # "the shop will be gone by 2030", "they are going to win next season", "no way they ship by march"
    _rule("prediction", _WILL, 14, _BY, 5, _YEAR),
    _rule("prediction", _WILL, 14, _BY, 5, _HORIZON, general=True),
    _rule("prediction", "next", "year's season's month's", 4, _WILL),
    _rule("prediction", _WILL, 10, "next this", _SEASON, general=True),
    _rule("prediction", _PEOPLE, 12, _BY, 5, _YEAR | _SEASON, weight=0.3),
    _rule("prediction", "no", "way chance shot", 10, _BY, 5, _HORIZON),
    _rule("prediction", "no", "way chance shot", "he she they that this the"),
    _rule("prediction", "by", 1, _YEAR, 8, "will won't is are"),
    # "I predict a draw", "mark my words", "I bet they'll cancel it", "give it two weeks"
    _rule("prediction", "predict predicts predicting forecast"),
    _rule("prediction", "my", "prediction"),
    _rule("prediction", "prediction", 1, "time :"),
    _rule("prediction", "mark", "my", "words"),
    _rule("prediction", "calling", "it", "now ,"),
    _rule("prediction", "heard", "it", "here", "first"),
    _rule("prediction", "screenshot", "this"),
    _rule("prediction", "remember", "this", "message post"),
    _rule("prediction", "quote", "me"),
    _rule("prediction", "just", "watch you", weight=0.41),
    _rule("prediction", "you'll", "see"),
    _rule("prediction", "watch", "them him her it", 3, _DEED | words("get be")),
    _rule("prediction", "bet", 8, _WILL),
    _rule("prediction", "i i'd", "bet", 2, _PEOPLE | words("the that this you it")),
    _rule("prediction", "bet", "you", 3, "bucks he she they it"),
    _rule("prediction", "bucks", "says"),
    _rule("prediction", "put putting", 2, "money", 2, "on"),
    _rule("prediction", "bet stake", 1, "my anything", 2, "house life on they he she it that"),
    _rule("prediction", "give", "it that him her them", 3, "weeks months years month year week days hours"),
    _rule("prediction", "i", "give", 4, "months weeks years"),
    _rule("prediction", "matter", "of", "time"),
    _rule("prediction", "sooner", "or", "later"),
    _rule("prediction", "this", "time", "next"),
    _rule("prediction", "i'm", "telling", "you"),
    _rule("prediction", "expect", "a", 4, "in by this next", _HORIZON | words("price")),
    # "it will definitely", "will never", "nobody will", "won't ever"
    _rule("prediction", "guarantee guaranteed definitely surely certainly", 2, _WILL),
    _rule("prediction", _WILL, 2, "definitely surely certainly inevitably"),
    _rule("prediction", _WILL, 2, "never always ever"),
    _rule("prediction", "never always", _WILL),
    _rule("prediction", "never", "gonna"),
    _rule("prediction", _IS, "never", 1, "getting finishing coming winning releasing gonna"),
    _rule("prediction", "everyone everybody nobody", 2, _WILL),
    _rule("prediction", "no", "one", 2, _WILL),
    # "she will win", "they will soon be forgotten", "this will be the end of it"
    _rule("prediction", _WILL, 2, _OUTCOME),
    _rule("prediction", "he she they he'll she'll they'll he's she's they're", 2, _WILL, 3, _DEED),
    _rule("prediction", "he'll she'll they'll", 3, _DEED),
    _rule("prediction", "won't", 1, "last survive make sell get"),
    _rule("prediction", _WILL, 2, "be", 2, _FATE),
    _rule("prediction", _WILL, "get", 2, _FATE),
    _rule("prediction", _WILL, "be", "the", _FIRST_OR_LAST | _FATE),
    _rule("prediction", _WILL, "be", "back", 4, _BY, 1, _HORIZON),
    _rule("prediction", "gonna", "be", 3, "on in a", 1, "fire recession mess disaster war"),
    _rule("prediction", "will", "go", "down", "as"),
    # "hamilton gets pole tomorrow", "eth hits a new high before summer", "not coming out in 2027"
    _rule("prediction", _HAPPENS, 8, _BY, 5, _HORIZON | _DAY),
    _rule("prediction", _HAPPENS, 6, "this next", 1, _SEASON | _DAY),
    _rule("prediction", _HAPPENS, 6, "tomorrow tonight saturday sunday tops easy"),
    _rule("prediction", _IS, 1, "not getting", 4, _BY, 1, _HORIZON),
    _rule("prediction", _IS, 1, "winning losing", 4, "this next", 1, _SEASON),
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
    _rule("fact", "half quarter third", "of", "all people their the", weight=EVIDENCE, general=True),
    _rule("fact", "proven scientifically statistically", weight=EVIDENCE),
    _rule("fact", "study studies research science", "show shows prove proves say says", weight=EVIDENCE),
    _rule("fact", _IS, 2, "a", "myth hoax scam lie fact", weight=EVIDENCE),
    # "I will never", "I promise you", "I'll always", "you have my word", "never buying from them again"
    _rule("guarantee", "i", "will", "never always personally"),
    _rule("guarantee", "i'll", "never always"),
    _rule("guarantee", "i", 2, "guarantee promise swear vow"),
    _rule("guarantee", "i", "can", "assure promise guarantee"),
    _rule("guarantee", ", .", "guaranteed promise"),
    _rule("guarantee", "guaranteed", "to top win"),
    _rule("guarantee", "i'm", "never"),
    _rule("guarantee", "never", "ever", 4, "again"),
    _rule("guarantee", "never", "buying trusting playing going lending watching eating", 8, "again"),
    _rule("guarantee", "have", "my", "word"),
    _rule("guarantee", "eat", "my", "hat shoe shoes words"),
    _rule("guarantee", "hand", "on", "heart"),
    _rule("guarantee", "die", "on", "this", "hill"),
    _rule("guarantee", "no", "matter", "what"),
    _rule("guarantee", "make", "no", "mistake"),
    _rule("guarantee", "rest", "assured"),
    _rule("guarantee", "know", "for", "a", "fact"),
    _rule("guarantee", "to", "the", "bank"),
    _rule("guarantee", "trust", "me", 1, ", that this he she they it"),
    # "if they win I'll shave my head", "I'm done with that company", "I'm 100% sure"
    _rule("guarantee", "if", 8, "i'll", 1, "shave eat buy dye delete quit leave run name donate"),
    _rule("guarantee", "if", 8, "i", "will", 1, "shave eat buy dye delete quit leave run name donate"),
    _rule("guarantee", "if", 6, "i'm", "leaving quitting done deleting out"),
    _rule("guarantee", "i'll", "buy eat", 3, "if", 2, "we they he she it"),
    _rule("guarantee", "i'm", "done", "with", "that this them it"),
    _rule("guarantee", "000", "%", 1, "sure certain he she they a not that it"),
    _rule("guarantee", "absolutely", "certain sure nobody no"),
    # "without a doubt this is", "obviously the map is", "it is clearly rigged"
    _rule("guarantee", "without", "a any", "doubt", 4, _IS),
    _rule("guarantee", _IS, 2, "without", "a any", "doubt"),
    _rule("guarantee", "without", "question"),
    _rule("guarantee", "there's is", "no zero", "doubt chance"),
    _rule("guarantee", "no", "doubt", "about"),
    _rule("guarantee", _PLAINLY, 4, _IS | words("true false")),
    _rule("guarantee", _PLAINLY, "the a", 2, "best worst most"),
    _rule("guarantee", _IS, _PLAINLY),
    _rule("guarantee", "they're he's she's that's", "definitely"),
    _rule("guarantee", "they he she", "is are was were", "definitely"),
    # "best band ever", "of all time", "impossible", "no chance"
    _rule("absolute", "best worst greatest", 4, "ever"),
    _rule("absolute", "best worst greatest most", 6, "in", "history the", 1, "history world"),
    _rule("absolute", "every", "single"),
    _rule("absolute", "of", "all", "time"),
    _rule("absolute", "ever", "made recorded released written"),
    _rule("absolute", "impossible inevitable certain"),
    _rule("absolute", "no", "way chance"),
    _rule("absolute", "no", "team player one man game", "has", "ever", weight=EVIDENCE),
    _rule("absolute", "nobody", "has", "ever", weight=EVIDENCE),
    _rule("absolute", "literally", "no", "one", weight=EVIDENCE),
    _rule("absolute", "every last", "last one", "one of", 2, "them", weight=EVIDENCE),
)
