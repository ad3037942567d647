"""``bench compare``: stores and export folders, its page, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.commands.conftest import MAIN_STUDY, Trained, run


@pytest.fixture
def exported(trained: Trained, tmp_path: Path) -> Path:
    """The trained study's exports without its database."""
    folder = tmp_path / "after" / "tiny"
    shutil.copytree(trained.folder, folder, ignore=shutil.ignore_patterns("results.db*"))
    return folder


def test_a_store_and_its_own_exports_are_identical(
    trained: Trained, exported: Path, tmp_path: Path
) -> None:
    place = ["--output", tmp_path / "page", "--json", tmp_path / "c.json", "--gate"]
    done = run("compare", trained.folder, exported, *place)
    assert done.code == 0, done.err
    assert "Nothing changed: all 16 trials of equal seeds have the same curves" in done.out
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["identical"] is True
    page = (tmp_path / "page" / "compare.html").read_text(encoding="utf-8")
    assert "Did anything change from reports to after?" in page
    assert "The environments are the same." in page


def test_a_change_exits_with_3_only_where_it_is_gated(
    trained: Trained, exported: Path, tmp_path: Path
) -> None:
    curves = pd.read_csv(exported / "curves.csv")
    curves.loc[curves["arm"] == "mlp", "val_accuracy"] -= 0.1
    curves.to_csv(exported / "curves.csv", index=False)
    arguments = ["compare", trained.folder / "results.db", exported, "--output", tmp_path]
    assert run(*arguments).code == 0
    done = run(*arguments, "--gate")
    assert done.code == 3
    assert "✗ mlp, final validation accuracy: changed; −10.0 points" in done.out
    assert "linear: all 8 trials the same, bit for bit" in done.out


def test_too_few_trials_to_tell_exit_with_4(
    trained: Trained, exported: Path, tmp_path: Path
) -> None:
    curves = pd.read_csv(exported / "curves.csv")
    curves = curves[curves["replicate"] < 2]
    curves.loc[curves["arm"] == "mlp", "val_accuracy"] -= 0.1
    curves.to_csv(exported / "curves.csv", index=False)
    done = run("compare", trained.folder, exported, "--output", tmp_path, "--gate")
    assert done.code == 4, done.out


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda folder: (folder / "curves.csv").unlink(), "holds no results"),
        (lambda folder: (folder / "study.json").unlink(), "name the study's file with --study"),
        (lambda folder: (folder / "study.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "study.json").write_text('{"study": {}}'), "cannot be read"),
        (lambda folder: (folder / "curves.csv").write_text("arm,epoch\na,1\n"), "has no column"),
        (lambda folder: (folder / "curves.csv").write_bytes(b"\xff\xfe\x00"), "cannot be read"),
    ],
)
def test_broken_results_are_named(
    trained: Trained, exported: Path, tmp_path: Path, break_it: object, told: str
) -> None:
    break_it(exported)  # type: ignore[operator]
    done = run("compare", trained.folder, exported, "--output", tmp_path)
    assert done.code == 2
    assert told in done.err


def test_wrong_places_are_named_with_the_right_ones(trained: Trained, tmp_path: Path) -> None:
    done = run("compare", trained.reports, trained.folder, "--output", tmp_path)
    assert done.code == 2
    assert f"did you mean {trained.folder}?" in done.err
    done = run("compare", tmp_path / "nowhere", trained.folder, "--output", tmp_path)
    assert "is not there; give a results folder" in done.err
    done = run("compare", MAIN_STUDY, trained.folder, "--output", tmp_path)
    assert done.code == 2
    assert "is a study's file, not its results" in done.err
