"""The calibration benchmark: its numbers are the product's, and it names what errs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import many_studies as many
from benchmarks.calibration import ALPHA, Cell, simulate
from benchmarks.calibration_report import worst, write
from benchmarks.same_as_product import DisagreementError, check_deciding, check_ranks, check_t
from benchmarks.scenarios import SCENARIOS, Scenario
from benchmarks.shares import Share, excesses

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("d", [1.0, -1.0])
def test_the_truth_is_the_mean_difference(scenario: Scenario, paired: bool, d: float) -> None:
    if paired and scenario.sizes(4) != (4, 4):
        pytest.skip("unequal sizes have no pairs")
    a, b = scenario.draw(np.random.default_rng(1), 50_000, 4, d, paired=paired)
    differences = a.mean(axis=1) - b.mean(axis=1)
    noise = 4 * differences.std() / np.sqrt(50_000)
    assert differences.mean() == pytest.approx(scenario.truth(d, paired=paired), abs=noise)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("name", ["normal", "integer", "censored"])
@pytest.mark.parametrize("n", [3, 6, 15])
def test_p_values_are_those_of_the_product(name: str, paired: bool, n: int) -> None:
    cell = Cell(BY_NAME[name], paired, n)
    a, b = cell.studies(25, 1.0)
    for null in (0.0, cell.scenario.truth(1.0, paired=paired)):
        decided = many.sign_flips(a - b, null) if paired else many.relabelings(a, b, null)
        check_deciding(a, b, null, decided, pairs=paired, alpha=ALPHA)
        check_t(a, b, null, cell.t(a, b, null), pairs=paired)
    check_ranks(a, b, cell.ranks(a, b), pairs=paired)


def test_a_wrong_p_is_noticed() -> None:
    cell = Cell(BY_NAME["normal"], True, 6)
    a, b = cell.studies(3, 0.0)
    p = many.sign_flips(a - b)
    wrong = replace(p, two_sided=p.two_sided / 2)
    with pytest.raises(DisagreementError, match="the product p = "):
        check_deciding(a, b, 0.0, wrong, pairs=True, alpha=ALPHA)


def share(count: int, **changes: object) -> Share:
    base = Share("paired", "normal", 10, "error", "permutation", 0.0, count, 10_000)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_faults_are_told_from_noise_and_from_known_limits() -> None:
    assert excesses([share(540)], ALPHA) == []
    assert excesses([share(700)], ALPHA) == [(share(700), True)]
    lopsided = share(900, scenario="one-sided")
    assert excesses([lopsided], ALPHA) == [(lopsided, False)]
    assert excesses([share(700, method="t")], ALPHA) == []


def test_coverage_is_held_to_94_per_cent_and_to_the_t_interval() -> None:
    low = share(9_200, quantity="coverage", effect=1.0)
    assert excesses([low], ALPHA) == [(low, True)]
    ours = replace(low, scenario="one-sided")
    t = replace(ours, method="t", count=8_900)
    assert excesses([ours, t], ALPHA) == [(ours, False)]
    better = replace(t, count=9_450)
    assert excesses([ours, better], ALPHA) == [(ours, True)]


def test_the_worse_direction_is_shown() -> None:
    up = share(9_500, quantity="coverage", effect=1.0)
    down = replace(up, effect=-1.0, count=9_400)
    assert worst([up, down], "coverage") == worst([down, up], "coverage") == {("normal", 10): down}
    assert worst([up, down], "error") == {("normal", 10): up}


def test_the_report_is_written_from_the_shares(tmp_path: Path) -> None:
    cells = [Cell(BY_NAME[name], True, n) for name in ("normal", "one-sided") for n in (5, 8)]
    cells += [Cell(BY_NAME["normal"], False, n) for n in (5, 8)]
    shares = [found for cell in cells for found in simulate(cell, 400)]
    assert write(shares, tmp_path, alpha=ALPHA) == []
    with (tmp_path / "calibration.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(shares) == 6 * 21
    assert all(float(row["low"]) <= float(row["share"]) <= float(row["high"]) for row in rows)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "Nothing that is promised is missed" in page
    assert "∞ / " in page  # five pairs have no interval with ends
    assert (tmp_path / "calibration.png").stat().st_size > 10_000
    broken = [replace(s, count=60) if s.quantity == "error" and s.n == 8 else s for s in shares]
    (first, *_) = write(broken, tmp_path, alpha=ALPHA)
    assert first == "paired, normal, n = 8: no difference called real in 15.0 %"
    assert "**Promised, but missed:**" in (tmp_path / "README.md").read_text(encoding="utf-8")
