"""``bench show`` and ``bench export``: a study in the terminal, and its tables in other forms."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.report.formats import latex_text, markdown_text
from tests.commands.conftest import MAIN_STUDY, STUDY, Trained, run


def test_show_works_before_anything_is_trained(tmp_path: Path) -> None:
    done = run("show", MAIN_STUDY, "--reports", tmp_path)
    assert done.code == 0
    assert "0 of 40 trials finished" in done.out
    assert "slower-to-plateau: The CNN needs more epochs" in done.out
    assert not list(tmp_path.iterdir())


def test_show_tells_the_verdicts_and_says_it_as_json(trained: Trained, tmp_path: Path) -> None:
    done = run("show", *trained.where, "--json", tmp_path / "deep" / "show.json")
    assert "16 of 16 trials finished" in done.out
    assert "✗" in done.out
    assert "linear-better" in done.out
    document = json.loads((tmp_path / "deep" / "show.json").read_text(encoding="utf-8"))
    assert document["trials"] == {"completed": 16, "diverged": 0, "failed": 0, "missing": 0}
    assert document["verdicts_count"] is True
    assert [c["verdict"] for c in document["claims"]] == [
        "supported",
        "contradicted",
        "inconclusive",
    ]


def test_verdicts_of_an_unfinished_study_are_marked_as_such(
    trained: Trained, tmp_path: Path
) -> None:
    larger = tmp_path / "tiny.toml"
    text = trained.file.read_text(encoding="utf-8")
    larger.write_text(text.replace("replicates = 8", "replicates = 9"), encoding="utf-8")
    done = run("show", larger, "--reports", trained.reports)
    assert "NOT VALID YET" in done.out
    assert run("report", larger, "--reports", trained.reports, "--gate", "mlp-better").code == 4


def test_show_knows_a_trained_study_without_claims(trained: Trained, tmp_path: Path) -> None:
    curves = tmp_path / "tiny.toml"
    curves.write_text(STUDY[: STUDY.index("[[claims]]")], encoding="utf-8")
    finished = run("show", curves, "--reports", trained.reports).out
    assert "16 of 16 trials finished" in finished
    assert "The study claims nothing" in finished
    assert "Nothing is trained yet" not in finished
    assert "Nothing is trained yet" in run("show", curves, "--reports", tmp_path / "none").out


@pytest.mark.parametrize("form", ["csv", "parquet", "latex", "markdown"])
def test_export_writes_every_table(trained: Trained, tmp_path: Path, form: str) -> None:
    done = run("export", *trained.where, "--to", form, "--output", tmp_path)
    assert done.code == 0, done.err
    suffix = {"csv": "csv", "parquet": "parquet", "latex": "tex", "markdown": "md"}[form]
    names = {"verdicts", "measures", "curves"} | (
        {"trials"} if form in {"csv", "parquet"} else set()
    )
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.{suffix}" for name in names}


def test_parquet_and_csv_hold_the_same_numbers(trained: Trained, tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        run("export", *trained.where, "--to", form, "--output", tmp_path)
    for name in ("curves", "measures", "verdicts"):
        pd.testing.assert_frame_equal(
            pd.read_parquet(tmp_path / f"{name}.parquet"),
            pd.read_csv(tmp_path / f"{name}.csv"),
            check_dtype=False,
        )


def test_names_are_escaped_where_the_form_would_read_them() -> None:
    table = pd.DataFrame({"arm": [r"a$b_1 & 50 % \x {y}", "p|q *z*"], "−": ["#1", "<b>"]})
    latex = latex_text(table)
    assert r"a\$b\_1 \& 50 \% \textbackslash{}x \{y\}" in latex
    assert r"\#1 \\" in latex
    markdown = markdown_text(table)
    assert r"p\|q \*z\*" in markdown
    assert r"\<b\>" in markdown
    assert all(line.count(" | ") == 1 for line in markdown.splitlines())


def test_a_missing_pyarrow_is_named_with_the_way_to_get_it(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = run("export", *trained.where, "--to", "parquet", "--output", tmp_path)
    assert done.code == 2
    assert "python -m pip install pyarrow" in done.err
