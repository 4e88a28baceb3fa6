"""Row 12, second part: what a server learns from verdicts, and how far its estimates can be trusted.

Each labelled set is a server; rows that the shipped weights were fitted on are left out. One shuffled half
is said there: its labels are the model's verdicts on what fires, and on the share of the rest that is
explored. The other half judges, the shipped weights beside those with what was learned on top. Each round is
another shuffle. Then messages are drawn from each set many times over, and the intervals are counted that
hold the set's own recall and precision.
Not covered: verdicts that are wrong, and talk that changes. Without the sets nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from statistics import fmean
from typing import NamedTuple

from benchmarks.bench_claim_filter import DATA
from benchmarks.measure import Goal, Result
from wompcore.claims import THRESHOLDS, Screen
from wompcore.claims.learner import learn, replayed
from wompcore.claims.train.measure import average_precision
from wompcore.claims.train.rows import LABELLED, rows
from wompcore.claims.worth import CONFIDENCE, worth
from wompcore.repos.lessons import KEPT, Lesson, Tally

ROW = 12
PROMISE = (
    "What a server learns ranks its claims no worse than the shipped weights do, on what it learned from and"
    " on what it did not; intervals of recall and precision hold the truth as often as they say"
)

_FIRES_FROM = THRESHOLDS["standard"]
_SHARE = 0.05  # ten times the default: a set is much shorter than what a server says in 90 days
_DRAWN = 1500  # messages
_DRAWS = 100  # per set
_SLACK = 0.02  # of counting so few draws: more than two standard errors


class _Said(NamedTuple):
    text: str
    score: float
    is_claim: bool

    @property
    def fires(self) -> bool:
        return self.score >= _FIRES_FROM


class _Figures(NamedTuple):
    """Shipped, then learned: ranking and F1 of what was not learned from, and F1 of the lessons."""

    ranked: tuple[float, float]
    f1: tuple[float, float]
    replay: tuple[float, float]


def run(rounds: int) -> Iterator[Result]:
    if not (DATA / "nps_chat.jsonl").exists():
        print(f"  no data in {DATA}: nothing is measured")
        return
    screen = Screen.shipped()
    servers: dict[str, list[_Said]] = {name: [] for name in LABELLED}
    for row in rows(DATA):
        if row.part == "judge" and row.file in servers:
            score = screen.judge(row.text).score
            servers[row.file].append(_Said(row.text, score, row.label == 1))
    learned = {
        name: [_learned(screen, said, seed) for seed in range(rounds)] for name, said in servers.items()
    }
    for name, figures in learned.items():
        yield _result(f"{name}: average precision", [each.ranked for each in figures], None)
    by_round = list(zip(*learned.values(), strict=True))
    goal = Goal("ratio", ">=", 1)
    yield _result(
        "average precision, six sets", [_mean(each.ranked for each in same) for same in by_round], goal
    )
    yield _result("F1 at standard, six sets", [_mean(each.f1 for each in same) for same in by_round], goal)
    every = [each for same in by_round for each in same]
    for what, pairs, least in (
        ("worst of all in ranking", [each.ranked for each in every], 0.99),
        ("worst of all in replaying", [each.replay for each in every], 1.0),
    ):
        worst = min(pairs, key=lambda pair: pair[1] / pair[0])
        yield _result(what, [worst] * 2, Goal("ratio", ">=", least))
    yield from _held(servers.values())


def _learned(screen: Screen, server: Sequence[_Said], seed: int) -> _Figures:
    """Say one half, learn from it, and judge the other."""
    chance = Random(seed)
    said = chance.sample(server, len(server))
    half = len(said) // 2
    lessons = [
        Lesson(screen.features(each.text), each.score, each.fires, _SHARE, each.is_claim)
        for each in said[:half]
        if each.fires or chance.random() < _SHARE
    ]
    weights = learn(lessons[-KEPT:], screen.vocabulary)
    screens = screen, screen.with_delta(weights)
    unseen = said[half:]
    labels = [int(each.is_claim) for each in unseen]
    before, after = ([one.judge(each.text).score for each in unseen] for one in screens)
    return _Figures(
        (average_precision(before, labels), average_precision(after, labels)),
        (_f1(before, labels), _f1(after, labels)),
        (replayed(lessons, {}, _FIRES_FROM), replayed(lessons, weights, _FIRES_FROM)),
    )


def _f1(scores: Sequence[float], labels: Sequence[int]) -> float:
    fired = [label for score, label in zip(scores, labels, strict=True) if score >= _FIRES_FROM]
    return 2 * sum(fired) / (len(fired) + sum(labels))


def _held(servers: Iterable[Sequence[_Said]]) -> Iterator[Result]:
    """Yield how many intervals hold the truth."""
    recalls, precisions = [], []
    chance = Random(12)
    for server in servers:
        claims = [each for each in server if each.is_claim]
        recall = fmean(each.fires for each in claims)
        precision = fmean(each.is_claim for each in server if each.fires)
        for _ in range(_DRAWS):
            found = worth(_tally(chance, chance.choices(server, k=_DRAWN)))
            assert found.recall
            assert found.precision
            recalls.append(found.recall.low <= recall <= found.recall.high)
            precisions.append(found.precision.low <= precision <= found.precision.high)
    goal = Goal("ours", ">=", CONFIDENCE - _SLACK)
    for what, held in (("recall", recalls), ("precision", precisions)):
        share = fmean(held)
        yield Result(f"intervals that hold the {what}", "", "stated", (CONFIDENCE,) * 2, (share,) * 2, goal)


def _tally(chance: Random, said: Sequence[_Said]) -> Tally:
    """Count what a server would know: all that fires, and the share of the rest that is explored."""
    fired = [each.is_claim for each in said if each.fires]
    explored = [each.is_claim for each in said if not each.fires and chance.random() < _SHARE]
    return Tally(
        fired=len(fired),
        hits=sum(fired),
        comparable_hits=sum(fired),
        explored=len(explored),
        misses=sum(explored),
        stood_for=len(explored) / _SHARE,
        missed=sum(explored) / _SHARE,
    )


def _mean(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    before, after = zip(*pairs, strict=True)
    return fmean(before), fmean(after)


def _result(what: str, pairs: Sequence[tuple[float, float]], goal: Goal | None) -> Result:
    before, after = zip(*pairs, strict=True)
    return Result(what, "", "shipped weights", before, after, goal)
