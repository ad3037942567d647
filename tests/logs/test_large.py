"""Large tables are read run by run, and say what they cannot do."""

from __future__ import annotations

import pytest

from harness import logged
from harness.errors import UserError
from harness.log_claims import Asked
from harness.logs import Reading, open_log, tables
from tests.logs.conftest import Write


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "HELD_WHOLE", 0)
    monkeypatch.setattr(logged, "MANY_ROWS", 100)
    monkeypatch.setattr(logged, "SHOWN_ROWS", 10)


def rows(arm: str, seed: int, epochs: int) -> list[str]:
    return [f"{arm},{seed},{e},{min(e + seed, epochs) / epochs:.4f}" for e in range(1, epochs + 1)]


HEADER = "arm,replicate,epoch,val_accuracy"


def test_runs_are_handed_on_one_by_one(write: Write) -> None:
    file = write("t.csv", HEADER, *rows("a", 0, 5), *rows("a", 1, 5), *rows("b", 0, 5))
    stream = open_log(file, Reading())
    assert next(stream).replicate == "0"
    assert [(run.arm, run.replicate) for run in stream] == [("a", "1"), ("b", "0")]


def test_a_run_in_several_places_is_refused(write: Write) -> None:
    file = write("t.csv", HEADER, *rows("a", 0, 2), *rows("b", 0, 2), "a,0,3,.9")
    with pytest.raises(UserError, match="line 6: the rows of a 0 stand in several places; sort"):
        list(open_log(file, Reading()))


def test_verdicts_rest_on_all_rows_and_figures_on_few(write: Write) -> None:
    lines = [line for arm in "ab" for seed in range(4) for line in rows(arm, seed, 60)]
    file = write("t.csv", HEADER, *lines)
    results = logged.analyze([file], Reading(), Asked(metric="", target=0.5))
    times = [v.measured.value for v in results.values if v.claim.startswith("epochs-to.")]
    assert times == [30, 29, 28, 27] * 2
    assert len(results.curves) == 60 + 7 * 10
    assert any("figures and further analyses on 10 of each" in n for n in results.notices)
