"""The command line: exit codes, what it prints, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).parent.parent
MAIN_STUDY = ROOT / "studies" / "convergence.toml"


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


def imported_by(*arguments: object) -> set[str]:
    """Modules that are loaded once a command has run."""
    script = (
        "import sys\nfrom harness.cli import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *sys.modules)"
    )
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    return set(done.stdout.rpartition("MODULES ")[2].split())


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The main study's smoke profile, trained for real; its reports folder and what it printed."""
    reports = tmp_path_factory.mktemp("reports")
    done = bench("study", MAIN_STUDY, "--profile", "smoke", "--reports", reports)
    assert done.returncode == 0, done.stderr
    return reports, done.stdout


def test_help_answers_without_heavy_modules() -> None:
    modules = imported_by("--help")
    assert not modules & {"tensorflow", "keras", "pandas", "scipy", "matplotlib", "sqlalchemy"}


def test_the_version_is_that_of_the_package() -> None:
    done = bench("--version")
    assert (done.returncode, done.stdout) == (0, f"bench {version('training-bench')}\n")


def test_the_study_prints_the_answer_last_and_leaves_a_report(smoke: tuple[Path, str]) -> None:
    reports, printed = smoke
    question, lead, *points = printed.splitlines()[-5:]
    assert "Does the CNN converge more slowly" in question
    assert "claims that answer the question are inconclusive" in lead
    assert all(point.startswith("? “The CNN needs more") for point in points)
    folder = reports / "convergence-smoke"
    assert {"report.html", "curves.csv", "measures.csv", "trials.csv", "verdicts.json"} <= {
        path.name for path in folder.iterdir()
    }


def test_the_outputs_keep_their_interfaces(smoke: tuple[Path, str]) -> None:
    folder = smoke[0] / "convergence-smoke"
    curves = pd.read_csv(folder / "curves.csv")
    assert list(curves.columns) == [
        "arm",
        "replicate",
        "epoch",
        "seconds",
        "cpu_seconds",
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
    ]
    assert len(curves) == 4 * 3 * 2
    measures = pd.read_csv(folder / "measures.csv")
    assert list(measures.columns) == [
        "claim",
        "measure",
        "arm",
        "replicate",
        "value",
        "censored",
        "unit",
    ]
    trials = pd.read_csv(folder / "trials.csv")
    assert list(trials.columns[:4]) == ["arm", "replicate", "status", "fingerprint"]
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    assert {"question", "answer", "alpha", "claims"} <= set(verdicts)
    assert {
        "id",
        "says",
        "verdict",
        "effect",
        "interval",
        "unit",
        "p",
        "p_adjusted",
        "n",
        "margin",
        "confirmatory",
        "replicates_needed",
        "sensitivity",
    } <= set(verdicts["claims"][0])


def test_the_report_is_rebuilt_without_tensorflow(smoke: tuple[Path, str]) -> None:
    reports, _ = smoke
    page = reports / "convergence-smoke" / "report.html"
    before = page.read_text(encoding="utf-8")
    modules = imported_by("report", MAIN_STUDY, "--profile", "smoke", "--reports", reports)
    assert not modules & {"tensorflow", "keras"}
    assert page.read_text(encoding="utf-8") == before


def test_the_catalog_lists_all_that_a_study_can_name() -> None:
    printed = bench("catalog").stdout
    for name in ("cnn", "adadelta", "mnist-5k", "epochs_to_plateau"):
        assert f"  {name} " in printed
    assert "embedded" in bench("data", "list").stdout


def test_calibrate_prints_rates_and_writes_strict_json(
    smoke: tuple[Path, str], tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "rates.json"
    where = ["--profile", "smoke", "--reports", smoke[0]]
    done = bench("calibrate", MAIN_STUDY, *where, "--repeats", 5, "--json", file)
    assert done.returncode == 0, done.stderr
    assert "slower-to-plateau (3 pairs)" in done.stdout
    assert "no difference, called real" in done.stdout
    rates = json.loads(file.read_text(encoding="utf-8"))
    assert (rates["repeats"], rates["errs"]) == (5, False)
    missing = bench("calibrate", MAIN_STUDY, "--reports", tmp_path)
    assert missing.returncode == 2
    assert "holds no results yet" in missing.stderr
