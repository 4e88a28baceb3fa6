"""What a screen is worth, in numbers: ranking, recall, precision, and calls per 1,000 ordinary messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import mean
from typing import NamedTuple

from wompcore.claims.train.rows import CHAT, LABELLED, TWEETS, Row

Judged = tuple[Row, float]


class Figures(NamedTuple):
    """How a screen does at one threshold.

    Args:
        calls: Fires per 1,000 messages, per chat source.
        tweets: The same for ordinary tweets.
        questions: The same for questions in chat.
        hedged: The same for hedged lines in chat.
        recall: Share of the claims that fire, per labelled set.
        precision: Share of what fires that is a claim, per labelled set.
    """

    calls: dict[str, float]
    tweets: float
    questions: float
    hedged: float
    recall: dict[str, float]
    precision: dict[str, float]


def average_precision(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Return how well scores rank claims before the rest: the area under precision over recall.

    Ties count as one step, so a constant score gets the share of claims.

    Args:
        scores: One per text.
        labels: 1 for a claim.
    """
    order = sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])
    area = found = before = 0.0
    for at, (score, label) in enumerate(order, start=1):
        found += label
        if at == len(order) or order[at][0] != score:
            area += (found - before) * found / at
            before = found
    return area / max(found, 1.0)


def ranking(judged: Iterable[Judged]) -> dict[str, float]:
    """Return the average precision per labelled set.

    Args:
        judged: Rows with their scores.
    """
    by_set: dict[str, tuple[list[float], list[int]]] = {}
    for row, score in judged:
        if row.file in LABELLED:
            scores, labels = by_set.setdefault(row.file, ([], []))
            scores.append(score)
            labels.append(row.label or 0)
    return {name: average_precision(*by_set[name]) for name in LABELLED if name in by_set}


def figures(judged: Sequence[Judged], threshold: float, hedged: Callable[[str], bool]) -> Figures:
    """Return how a screen does at a threshold.

    Args:
        judged: Rows with their scores.
        threshold: Scores from which a row fires.
        hedged: Whether a text is hedged.
    """
    chat = [(row, score) for row, score in judged if row.file in CHAT]
    sources = dict.fromkeys(row.source for row, _ in chat)
    per_source = {s: [(row, score) for row, score in chat if row.source == s] for s in sources}
    return Figures(
        calls={source: _per_thousand(some, threshold) for source, some in per_source.items()},
        tweets=_per_thousand([pair for pair in judged if pair[0].file == TWEETS], threshold),
        questions=_per_thousand([pair for pair in chat if is_question(pair[0])], threshold),
        hedged=_per_thousand([pair for pair in chat if hedged(pair[0].text)], threshold),
        recall={name: _share(judged, name, threshold, of="claims") for name in ranking(judged)},
        precision={name: _share(judged, name, threshold, of="fires") for name in ranking(judged)},
    )


def is_question(row: Row) -> bool:
    """Return whether a chat message asks something: by its dialogue act, or by its end."""
    return row.kind in ("whQuestion", "ynQuestion") or row.text.rstrip().endswith("?")


def macro(shares: dict[str, float]) -> float:
    """Return the mean over sets, each counting the same."""
    return mean(shares.values()) if shares else float("nan")


def _per_thousand(judged: Sequence[Judged], threshold: float) -> float:
    return 1000 * sum(score >= threshold for _, score in judged) / len(judged) if judged else float("nan")


def _share(judged: Sequence[Judged], name: str, threshold: float, *, of: str) -> float:
    rows = [(row.label == 1, score >= threshold) for row, score in judged if row.file == name]
    both = sum(claim and fired for claim, fired in rows)
    whole = sum(claim if of == "claims" else fired for claim, fired in rows)
    return both / whole if whole else 0.0
