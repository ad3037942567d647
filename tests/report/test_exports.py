"""The exported tables and the verdict document: complete, parseable, inert."""

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harness.report import ReportError, write_report
from harness.report.exports import csv_text, json_text
from harness.results import Results
from tests.report.invented import make_results


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_curves_have_a_row_for_every_epoch(folder: Path, results: Results) -> None:
    table = pd.read_csv(folder / "curves.csv")
    assert list(table.columns) == [
        "arm", "replicate", "epoch", "seconds", "cpu_seconds",
        "loss", "accuracy", "val_loss", "val_accuracy",
    ]  # fmt: skip
    assert len(table) == 4 * 10 * 20
    pd.testing.assert_frame_equal(table, results.curves, check_dtype=False)


def test_measures_name_claim_unit_and_censoring(folder: Path) -> None:
    table = pd.read_csv(folder / "measures.csv")
    assert list(table.columns) == [
        "claim", "measure", "arm", "replicate", "value", "censored", "unit"
    ]  # fmt: skip
    late = table[table["claim"] == "out-of-reach"]
    assert late["censored"].all()
    assert set(late["value"]) == {20.0}
    assert set(table[table["claim"] == "still-rising"]["measure"]) == {
        "val_loss at the last epoch", "val_loss at epoch 5"
    }  # fmt: skip


def test_trials_start_with_their_identity(folder: Path, results: Results) -> None:
    table = pd.read_csv(folder / "trials.csv", dtype={"fingerprint": str})
    assert list(table.columns)[:4] == ["arm", "replicate", "status", "fingerprint"]
    assert set(table.columns) == set(results.trials.columns)
    assert len(table) == 40


def test_verdicts_parse_where_numbers_are_missing(troubled: Results, tmp_path: Path) -> None:
    """F5, with D10 and D13: null, never NaN or Infinity."""
    write_report(troubled, tmp_path)
    document = strict((tmp_path / "verdicts.json").read_text(encoding="utf-8"))
    claims = {claim["id"]: claim for claim in document["claims"]}
    lost = claims["out-of-reach"]
    assert lost["verdict"] == "inconclusive"
    assert lost["interval"] == [None, None]
    assert lost["p"] is None
    assert lost["p_adjusted"] is None
    assert lost["reason"].startswith("not testable: 0/20")
    assert [side["censored"] for side in lost["sides"]] == [10, 10]
    assert "diverged" in claims["rmsprop-overfits"]["reason"]


def test_verdicts_hold_every_number_of_the_verdict(folder: Path, results: Results) -> None:
    document = strict((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert document["question"] == results.loaded.study.study.question
    assert document["alpha"] == 0.05
    for told, verdict in zip(document["claims"], results.verdicts, strict=True):
        assert told["id"] == verdict.claim.id
        assert told["verdict"] == verdict.outcome
        assert told["unit"] == verdict.claim.measure.unit
        assert told["n"] == verdict.n
        assert told["margin"] == verdict.claim.margin
        assert told["confirmatory"] is True
        assert set(told["sensitivity"]) == set(verdict.sensitivity)
        if verdict.reason is None:
            assert told["effect"] == pytest.approx(verdict.effect)
            assert told["p_adjusted"] == pytest.approx(verdict.p_adjusted)
            assert told["interval"] == [verdict.interval.low, verdict.interval.high]


def test_five_pairs_give_an_endless_interval_as_null(tmp_path: Path) -> None:
    results = make_results(tmp_path, replicates=4, epochs=12)
    write_report(results, tmp_path / "out")
    document = strict((tmp_path / "out" / "verdicts.json").read_text(encoding="utf-8"))
    assert any(None in claim["interval"] for claim in document["claims"] if not claim["reason"])


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd", "-cmd|'/c calc'!A1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1"]
)
def test_formulas_become_text(cell: str) -> None:
    """What a spreadsheet would run starts with an apostrophe instead."""
    text = csv_text(pd.DataFrame({"arm": [cell], "value": [-1.5]}))
    assert list(csv.reader(StringIO(text, newline="")))[1] == [
        f"'{cell}".replace("\r", "\n"),
        "-1.5",
    ]


def test_plain_text_and_numbers_stay_as_they_are() -> None:
    table = pd.DataFrame({"arm": ["a-b", None], "value": [-1.0, None], "late": [True, False]})
    assert csv_text(table) == "arm,value,late\na-b,-1.0,True\n,,False\n"


def test_infinity_becomes_null_at_any_depth() -> None:
    assert strict(json_text({"a": [float("inf"), {"b": float("nan")}], "c": 1})) == {
        "a": [None, {"b": None}],
        "c": 1,
    }


def test_full_or_locked_folder_is_named_and_left_clean(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H6: no space left: the error names the folder, nothing half-written stays."""
    old = tmp_path / "report.html"
    old.write_text("the report before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ReportError, match="No space left on device") as error:
        write_report(results, tmp_path)
    assert str(tmp_path) in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert old.read_text() == "the report before"


def test_folder_that_cannot_be_made_is_named(results: Results, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportError, match="file/reports"):
        write_report(results, tmp_path / "file" / "reports")
