"""A stranger's study runs none of their code by itself; one's own does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.api import load
from harness.own_code import may_run_code, project_of, refuse_strange_code
from harness.study_file import LoadedStudy, load_study
from harness.study_problems import StudyError
from tests.patience import PATIENCE

STUDY = """
[study]
name = "theirs"
question = "May it run?"
replicates = 1
epochs = 1

[data]
name = {data}

[[arms]]
name = "bait"
architecture = "{architecture}"
optimizer = "sgd"
"""

MODULE = """
from pathlib import Path

Path(__file__).with_suffix(".ran").touch()

import keras


def build(input_shape, classes, seeds):
    layers = [keras.Input(input_shape), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, "softmax")])
"""


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A study file of somebody else's, in a package with code that leaves a trace."""
    folder = tmp_path / "downloads"
    (folder / "lures").mkdir(parents=True)
    for module in ("bait.py", "lures/__init__.py", "lures/models.py"):
        (folder / module).write_text(MODULE, "utf-8")
    file = folder / "theirs.toml"
    file.write_text(STUDY.format(data='"digits"', architecture="lures.models:build"), "utf-8")
    return file


def traces(file: Path) -> list[str]:
    """Modules beside a file whose code has run."""
    return sorted(path.name for path in file.parent.rglob("*.ran"))


def bench(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "HOME": str(cwd)},
    )


@pytest.mark.parametrize("command", [["study"], ["plan", "--pilot"]])
def test_a_strangers_code_is_not_imported(theirs: Path, tmp_path: Path, command: list[str]) -> None:
    done = bench(*command, str(theirs), cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for told in (str(theirs), "arms[1].architecture", "lures.models", "--allow-code"):
        assert told in done.stderr
    assert traces(theirs) == []


def test_it_is_imported_when_that_is_allowed(theirs: Path, tmp_path: Path) -> None:
    done = bench("study", str(theirs), "--allow-code", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert traces(theirs) == ["__init__.ran", "models.ran"]


def test_a_report_of_stored_results_imports_nothing(theirs: Path, tmp_path: Path) -> None:
    """The picture of sample images is left out, for the data would come from their code."""
    data = (
        "\n\ndef digits():\n    from sklearn.datasets import load_digits\n"
        "    some = load_digits()\n"
        '    return {"x_train": some.images / 16, "y_train": some.target}\n'
    )
    (theirs.parent / "bait.py").write_text(MODULE + data, "utf-8")
    text = STUDY.format(data='"bait:digits"\nvalidation = 200', architecture="linear")
    theirs.write_text(text, "utf-8")
    done = bench("study", str(theirs), "--allow-code", "--jobs", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (theirs.parent / "bait.ran").unlink()
    done = bench("report", str(theirs), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert traces(theirs) == []


def loaded(file: Path, **options: bool) -> LoadedStudy:
    return load_study(file, **options)


def test_code_of_the_project_one_works_in_may_run(
    theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mark in (".git", "pyproject.toml"):
        (theirs.parent / mark).touch()
        monkeypatch.chdir(theirs.parent / "lures")
        assert may_run_code(loaded(theirs))
        (theirs.parent / mark).unlink()
        assert not may_run_code(loaded(theirs))
    assert traces(theirs) == []


def test_a_project_inside_the_project_is_another(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's clone in one's own folder stays theirs, until one goes there."""
    (tmp_path / ".git").mkdir()
    (theirs.parent / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    assert not may_run_code(loaded(theirs))
    monkeypatch.chdir(theirs.parent)
    assert may_run_code(loaded(theirs))


def test_a_strangers_study_may_not_use_ones_own_code(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "pyproject.toml").touch()
    (mine / "tasks.py").write_text(MODULE, "utf-8")
    theirs.write_text(STUDY.format(data='"digits"', architecture="tasks:build"), "utf-8")
    monkeypatch.chdir(mine)
    with pytest.raises(StudyError, match="this file is not in the project you work in"):
        refuse_strange_code(loaded(theirs))


def test_ones_own_study_may_not_use_what_lies_elsewhere(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what is installed nor what a link leads to, unless that is allowed."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "pyproject.toml").touch()
    monkeypatch.chdir(mine)
    (mine / "linked.py").symlink_to(theirs.parent / "bait.py")
    for reference in ("json.tool:main", "linked:build"):
        own = mine / "own.toml"
        own.write_text(STUDY.format(data='"digits"', architecture=reference), "utf-8")
        with pytest.raises(StudyError, match=r"\.py is not in the project you work in"):
            refuse_strange_code(loaded(own))
        refuse_strange_code(loaded(own, allow_code=True))


def test_every_place_of_code_is_named(theirs: Path) -> None:
    text = STUDY.format(data='"bait:digits"', architecture="bait:build")
    grid = '[grid]\narchitectures = ["mlp", "bait:build"]\noptimizers = ["sgd"]\n'
    theirs.write_text(text + grid, "utf-8")
    with pytest.raises(StudyError) as caught:
        refuse_strange_code(loaded(theirs))
    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["arms[1].architecture", "grid.architectures[2]", "data.name"]


def test_the_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "downloads").mkdir()
    assert project_of(tmp_path / "downloads") == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project_of(tmp_path / "downloads") is None


def test_python_asks_as_well(theirs: Path, tmp_path: Path) -> None:
    study = load(theirs, reports=tmp_path)
    with pytest.raises(StudyError, match=r"in Python: allow_code=True"):
        study.run(jobs=1, progress=False)
    assert traces(theirs) == []
