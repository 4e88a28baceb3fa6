"""Training: which rows may do what, and the same bytes from the same rows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

import pytest

from wompcore.claims import THRESHOLDS
from wompcore.claims.linear import LENGTHS, LinearModel, written
from wompcore.claims.reading import prose, shapes
from wompcore.claims.train.__main__ import PACKAGED, main
from wompcore.claims.train.measure import average_precision, figures
from wompcore.claims.train.rows import CHAT, LABELLED, MAY_TRAIN, TWEETS, Row, rows
from wompcore.claims.train.thresholds import CALLS, scaled, screen_of
from wompcore.errors import ScreenModelInvalid

BESIDE = Path(__file__).parents[4] / "shared/data/claims"
DATA = Path(os.environ.get("WOMPBOT_CLAIM_DATA", BESIDE))
SMALL_TALK = "we had such a nice time with {} yesterday and the {} was great too"
CLAIM = "they cut {} percent of the jobs in {} since the year 2010"
NOUNS = ("cake", "soup", "music", "bread", "rain", "train", "film", "beach", "dog", "match")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in (*LABELLED, *CHAT, TWEETS):
        texts = [(text.format(a, b), label) for a in NOUNS for b in NOUNS for text, label in kinds_of(file)]
        lines = [json.dumps({"text": t, "label": label, "split": "train"}) for t, label in texts]
        (tmp_path / f"{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def kinds_of(file: str) -> list[tuple[str, int | None]]:
    return [(SMALL_TALK, 0), (CLAIM, 1)] if file in LABELLED else [(SMALL_TALK, None if file in CHAT else 0)]


def test_only_sets_that_may_train_are_fitted_or_tuned_on(folder: Path) -> None:
    used = {row.file for row in rows(folder) if row.part != "judge"}
    assert used == MAY_TRAIN
    assert {row.file for row in rows(folder) if row.part == "tune"} <= MAY_TRAIN - set(LABELLED)


def test_the_same_rows_give_the_same_bytes_and_weights_that_tell_them_apart(folder: Path) -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn (extra dev)")
    from wompcore.claims.train.fit import fit

    fitted = [row for row in rows(folder) if row.part == "fit"]
    classes, common = {"jobs": 0b111010, "pie": 0b111010}, ["pie", "the"]
    first, second = (fit(fitted, classes, common) for _ in range(2))
    assert written(first) == written(second)
    assert "pie" in first.words  # no row has it; it weighs by its class
    talk, claim = (shapes(prose(text.format("cake", "rain"))) for text in (SMALL_TALK, CLAIM))
    assert first.log_odds(claim, set(claim)) > 0 > first.log_odds(talk, set(talk))


CHATTER = [
    Row("irc_ubuntu", "irc_ubuntu", f"so {a} and {b} are what {c} had said", None, "", "tune")
    for a in NOUNS
    for b in NOUNS
    for c in NOUNS
]
MODEL = LinearModel({noun: 3**at for at, noun in enumerate(NOUNS)}, {}, [0] * LENGTHS, 0, 0.01, -9.0)


@pytest.mark.parametrize("name", ["standard", "thorough"])
def test_thresholds_spend_their_calls_and_no_more(name: Literal["standard", "thorough"]) -> None:
    screen = screen_of(scaled(MODEL, CHATTER))
    judged = [(row, screen.judge(row.text).score) for row in CHATTER]
    calls = figures(judged, THRESHOLDS[name], lambda text: False).calls["irc_ubuntu"]
    assert 0.5 * CALLS[name] <= calls <= CALLS[name]


def test_too_little_chat_is_an_error() -> None:
    with pytest.raises(ScreenModelInvalid, match="too little chat"):
        scaled(MODEL, CHATTER[:5])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        ("{not json", "line 1"),
        ('{"text": "a", "split": "train"}', "'label'"),
        ("[]", "line 1"),
        ('{"text": 5, "label": 1, "split": "train"}', "line 1"),
    ],
)
def test_a_set_that_cannot_be_read_is_named_and_nothing_is_written(
    content: str | None, told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "irc_other.jsonl"
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    model = tmp_path / "model.json"
    with pytest.raises(SystemExit) as ended:
        main([str(folder), "--model", str(model)])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert all(part in said for part in ("irc_other.jsonl", told, "model card"))
    assert not model.exists()


@pytest.mark.endurance(only=True)
@pytest.mark.skipif(not (DATA / "nps_chat.jsonl").exists(), reason="the labelled sets are not here")
def test_the_shipped_weights_come_from_the_data_byte_for_byte(tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn (extra train)")
    pytest.importorskip("spacy_lookups_data", reason="needs word classes (extra train)")
    assert main([str(DATA), "--model", str(tmp_path / "model.json")]) == 0
    assert (tmp_path / "model.json").read_bytes() == PACKAGED.read_bytes()


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [
        ([3.0, 2.0, 1.0], [1, 1, 0], 1.0),
        ([3.0, 2.0, 1.0], [0, 1, 1], (1 / 2 + 2 / 3) / 2),
        ([1.0, 1.0, 1.0, 1.0], [1, 0, 0, 0], 0.25),
        ([1.0], [0], 0.0),
    ],
)
def test_average_precision_is_the_area_under_precision_over_recall(
    scores: list[float], labels: list[int], area: float
) -> None:
    assert average_precision(scores, labels) == pytest.approx(area)
