"""The speed benchmarks: what they say is what they measured, and each can be called."""

from __future__ import annotations

import json
from pathlib import Path
from pkgutil import resolve_name

import pytest

from benchmarks import __main__ as speed
from benchmarks.exact_test import exact_interval
from benchmarks.measurement import Measurement, interleaved, median_ratio
from benchmarks.running import dispatch_and_store

FASTER = Measurement("faster", 3.0, 4.0, "3 times the loop")
SMALLER = Measurement("smaller", 0.5, 1.0, "half of what is allowed", at_least=False)


def test_a_goal_is_met_from_the_side_it_names() -> None:
    assert not FASTER.is_met
    assert SMALLER.is_met
    assert Measurement("even", 4.0, 4.0, "").is_met
    assert Measurement("even", 1.0, 1.0, "", at_least=False).is_met


def test_ratios_are_taken_pair_by_pair() -> None:
    """One slow moment strikes one pair alone."""
    assert median_ratio([(2.0, 1.0), (30.0, 10.0), (2.0, 1.0)]) == 2.0
    calls: list[str] = []
    times = interleaved(lambda: calls.append("a"), lambda: calls.append("b"), 2)
    assert calls == ["a", "b", "a", "b"]
    assert len(times) == 2


@pytest.mark.parametrize("name", speed.BENCHMARKS)
def test_every_listed_benchmark_is_there(name: str) -> None:
    assert callable(resolve_name(speed.BENCHMARKS[name]))


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["no such thing"]) == 2
    assert '"bench --help"' in capsys.readouterr().err


def test_a_run_prints_a_table_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "speed.json"
    assert speed.main(["exact interval", "--quick", "--markdown", "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "| exact interval |" in printed
    assert "Measured on:" in printed
    row = json.loads(file.read_text(encoding="utf-8"))["exact interval"]
    assert set(row) == {"ratio", "goal", "detail", "at_least"}
    assert row["ratio"] > 0
    assert row["goal"] == 1.0


def test_only_ratios_that_should_be_large_can_be_too_small() -> None:
    """A share of a limit is small when all is well."""
    assert not speed.is_too_slow([FASTER, SMALLER], 1.0)
    assert speed.is_too_slow([FASTER, SMALLER], 3.5)
    assert not speed.is_too_slow([SMALLER], 1.0)


def test_benchmarks_measure_for_real() -> None:
    """The stub trials go through real worker processes into a real store; all of them arrive."""
    found = dispatch_and_store(True)
    assert found.name == "dispatch and store"
    assert "1,000 trials" in found.detail
    assert found.ratio > 0
    assert exact_interval(True).ratio > 0
