"""The studies that ship: each file and profile is sound, and its smoke profile runs end to end."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from harness.study_file import load_study
from tests.test_cli import ROOT, bench

STUDIES = sorted((ROOT / "studies").glob("*.toml"))


def _profiles(file: Path) -> list[str | None]:
    profiles = tomllib.loads(file.read_text(encoding="utf-8")).get("profiles", {})
    return [None, *profiles]


@pytest.mark.parametrize(
    ("file", "profile"),
    [
        pytest.param(file, profile, id=f"{file.stem}-{profile or 'default'}")
        for file in STUDIES
        for profile in _profiles(file)
    ],
)
def test_every_study_and_profile_can_answer_its_question(file: Path, profile: str | None) -> None:
    """Nothing is refused, some claim answers the question, and only a smoke test is too small."""
    loaded = load_study(file, profile)
    assert any(claim.answers_question for claim in loaded.study.claims)
    expected = {"smoke": 1}.get(str(profile), 0)
    assert len(loaded.warnings) == expected, loaded.warnings


@pytest.mark.slow
@pytest.mark.parametrize("name", ["overfitting", "fashion", "cifar10", "randomness", "optimizers"])
def test_the_smoke_profile_runs_from_file_to_report(tmp_path: Path, name: str) -> None:
    file = ROOT / "studies" / f"{name}.toml"
    done = bench("study", file, "--profile", "smoke", "--reports", tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / f"{name}-smoke"
    verdicts = json.loads((folder / "verdicts.json").read_text(encoding="utf-8"))
    claims = [claim.id for claim in load_study(file, "smoke").study.claims]
    assert [claim["id"] for claim in verdicts["claims"]] == claims
    assert all(claim["confirmatory"] and claim["n"] == 3 for claim in verdicts["claims"])
    assert (folder / "report.html").stat().st_size < 3_000_000
