"""The command ``python -m wompcore.claims.train DATA``: writes the model file and its card."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from wompcore.claims.linear import MODEL_FILE, LinearModel, written
from wompcore.claims.train.card import Study, card
from wompcore.claims.train.rows import MAY_TRAIN, Row, rows
from wompcore.claims.train.thresholds import scaled, screen_of
from wompcore.errors import ExtraMissing, ScreenModelInvalid, TrainingTextInvalid

PACKAGED = Path(__file__).parents[1] / MODEL_FILE


def main(arguments: Sequence[str]) -> int:
    """Train, judge and write; the same data and versions write the same bytes.

    Args:
        arguments: Of the command line.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="wompcore.claims.train", description="Train the claim screen.")
    parser.add_argument("data", type=Path, help="folder with the labelled sets, a JSON Lines file each")
    parser.add_argument(
        "--model", type=Path, default=PACKAGED, help="file to write; the packaged one by default"
    )
    parser.add_argument("--card", type=Path, help="Markdown page to write about the model")
    options = parser.parse_args(arguments)
    try:
        everything = list(rows(options.data))
        model = train(everything)
    except (TrainingTextInvalid, ExtraMissing, ScreenModelInvalid) as error:
        parser.exit(1, f"{error}\n{error.hint}\n")
    options.model.write_bytes(written(model))
    print(f"{options.model}: {options.model.stat().st_size:,} bytes, {len(model.words):,} words")
    if options.card:
        study = Study(
            screen_of(model), everything, {name: _without(everything, name) for name in sorted(MAY_TRAIN)}
        )
        options.card.write_text(card(study, model), encoding="utf-8")
        print(options.card)
    return 0


def train(everything: Sequence[Row]) -> LinearModel:
    """Return the model of some rows: weights from their ``fit`` part, thresholds from their ``tune`` part.

    Args:
        everything: Rows of all sets.

    Raises:
        ExtraMissing: The libraries that fit are not installed.
    """
    try:
        from wompcore.claims.train.fit import fit
        from wompcore.claims.train.lexicon import lexicon

        words = lexicon()
    except ModuleNotFoundError as error:
        raise ExtraMissing("train", "training the claim screen") from error
    fitted = fit([row for row in everything if row.part == "fit"], words.classes, words.common)
    return scaled(fitted, [row for row in everything if row.part == "tune"])


def _without(everything: Sequence[Row], name: str) -> Study:
    """Return how a model does on a set when it was neither fitted nor tuned on it."""
    model = train([row for row in everything if row.file != name])
    return Study(screen_of(model), [row for row in everything if row.file == name], {})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
