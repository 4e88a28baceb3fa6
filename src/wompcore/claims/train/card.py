"""Writes the model card: what the weights come from, what they are worth, what they are bad at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from string import Template
from typing import Final

from wompcore.claims.linear import LinearModel, written
from wompcore.claims.reading import hedged, prose, shapes
from wompcore.claims.screen import THRESHOLDS, Screen
from wompcore.claims.train.measure import Figures, Judged, figures, macro, ranking
from wompcore.claims.train.rows import CHAT, LABELLED, MAY_TRAIN, TWEETS, Row
from wompcore.claims.train.thresholds import CALLS

_TEMPLATE: Final = "card.md"


class Study:
    """How a screen does on rows.

    Args:
        screen: Judges.
        rows: Of all sets; those of the ``fit`` part are left out.
        left_out: The same per set, for a screen that never saw that set.
    """

    def __init__(self, screen: Screen, rows: Sequence[Row], left_out: Mapping[str, Study]) -> None:
        self.left_out = left_out
        self._screen = screen
        self._rows = rows

    @cached_property
    def judged(self) -> list[Judged]:
        """Every row that was not fitted on, with its score; of a set left out, every row."""
        held = [row for row in self._rows if row.part != "fit"] if self.left_out else self._rows
        return [(row, self._screen.judge(row.text).score) for row in held]

    @cached_property
    def ranking(self) -> dict[str, float]:
        """Average precision per labelled set."""
        return ranking(self.judged)

    def at(self, threshold: str) -> Figures:
        """Return the figures at a named threshold."""
        return figures(self.judged, THRESHOLDS[threshold], is_hedged)


def is_hedged(text: str) -> bool:
    """Return whether a message is hedged, by the rule of the screen itself."""
    line = prose(text)
    return hedged(line, set(shapes(line)))


def card(study: Study, model: LinearModel) -> str:
    """Return the page about a model.

    Args:
        study: How it does.
        model: Its weights.
    """
    template = Template(files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    return template.substitute(
        words=f"{len(model.words):,}",
        pairs=f"{len(model.pairs):,}",
        size=f"{len(written(model)) / 1000:.0f}",
        tuned_standard=f"{CALLS['standard']:g}",
        tuned_thorough=f"{CALLS['thorough']:g}",
        totals=_totals(study),
        labelled=_labelled(study),
        ordinary=_ordinary(study),
        left_out=_left_out(study),
    )


def _totals(study: Study) -> str:
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("calls per 1,000 chat messages, macro", lambda f: f"{macro(f.calls):.1f}"),
        ("recall, macro", lambda f: f"{macro(f.recall):.3f}"),
        ("precision, macro", lambda f: f"{macro(f.precision):.3f}"),
        ("fires per 1,000 ordinary tweets", lambda f: f"{f.tweets:.0f}"),
        ("fires per 1,000 questions in chat", lambda f: f"{f.questions:.1f}"),
        ("fires per 1,000 hedged chat messages", lambda f: f"{f.hedged:.1f}"),
    ]
    lines = [[name, shown(study.at("standard")), shown(study.at("thorough"))] for name, shown in rows]
    lines.append(["average precision, mean of six sets", *[f"{macro(study.ranking):.3f}"] * 2])
    return table(["", "`standard`", "`thorough`"], lines)


def _labelled(study: Study) -> str:
    standard, thorough = study.at("standard"), study.at("thorough")
    lines = [
        [
            f"{name}{'' if name in MAY_TRAIN else ' (never trained on)'}",
            f"{study.ranking[name]:.3f}",
            *(f"{at.recall[name]:.2f} / {at.precision[name]:.2f}" for at in (standard, thorough)),
        ]
        for name in LABELLED
    ]
    return table(["set", "average precision", "recall / precision, `standard`", "`thorough`"], lines)


def _ordinary(study: Study) -> str:
    standard, thorough = study.at("standard").calls, study.at("thorough").calls
    lines = [
        [f"{name}{' (never trained on)' if name in CHAT and name not in MAY_TRAIN else ''}"]
        + [f"{calls[name]:.1f}" for calls in (standard, thorough)]
        for name in standard
    ]
    return table(["chat source", "calls, `standard`", "`thorough`"], lines)


def _left_out(study: Study) -> str:
    lines = []
    for name, alone in study.left_out.items():
        standard, thorough = alone.at("standard"), alone.at("thorough")
        if name in LABELLED:
            lines.append([name, f"average precision {alone.ranking[name]:.3f}"])
        elif name == TWEETS:
            lines.append([name, f"fires {standard.tweets:.0f} / {thorough.tweets:.0f}"])
        else:
            lines.append([name, f"calls {macro(standard.calls):.1f} / {macro(thorough.calls):.1f}"])
    return table(["left out", "what it does there, `standard` / `thorough`"], lines)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table.

    Args:
        head: Of the columns.
        lines: Cells.
    """
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))
