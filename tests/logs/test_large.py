"""Large tables are read run by run, and say what they cannot do."""

from __future__ import annotations

import pytest

from harness import logged
from harness.errors import UserError
from harness.log_claims import Asked
from harness.logs import Reading, open_log, stretches, tables
from harness.measures import Best
from harness.report.log_document import analysis_document
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
    found = analysis_document(results)["arms"]
    assert [run["rows"] for arm in found for run in arm["runs"]] == [60] * 8
    assert [run["best"] for arm in found for run in arm["runs"]] == [1.0] * 8
    assert any("figures and further analyses on 10 of each" in n for n in results.notices)


def test_seconds_of_rows_that_are_not_kept_go_to_the_next(write: Write) -> None:
    lines = [f"{e},{e / 500},2.5" for e in range(1, 501)]
    file = write("cnn-s0.csv", "epoch,val_accuracy,seconds", *lines)
    asked = Asked(metric="", target=0.5, time="seconds")
    (run,) = logged.analyze([file], Reading(), asked).runs
    assert (len(run.epoch), run.rows) == (10, 500)
    assert run.total_seconds == 1250
    best = Best(kind="best", metric="val_accuracy")
    assert run.value_of(best, 500).value == 1.0


def test_time_to_a_target_rests_on_all_rows_where_one_arm_stands_alone(write: Write) -> None:
    """No claim is made of one arm; its times are exact all the same."""
    lines = [f"{e},{e / 500}" for e in range(1, 501)]
    file = write("cnn-s0.csv", "epoch,val_accuracy", *lines)
    results = logged.analyze([file], Reading(), Asked(metric="", target=0.5))
    (run,) = analysis_document(results)["arms"][0]["runs"]
    assert (run["times"][0]["value"], run["times"][0]["earliest"]) == (250, None)


def test_reading_is_followed_by_its_bytes(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "HEAD", 100)
    monkeypatch.setattr(stretches, "HEAD", 100)
    monkeypatch.setattr(stretches, "STRETCH", 1000)
    files = [
        write(f"{arm}.csv", HEADER, *rows(arm, 0, 200), *rows(arm, 1, 200)) for arm in ("a", "b")
    ]
    seen: list[tuple[str, int, int]] = []
    logged.analyze(
        files, Reading(), Asked(metric=""), watch=lambda log, *of: seen.append((log.name, *of))
    )
    sizes = [file.stat().st_size for file in files]
    assert seen[0] == ("a.csv", 0, sum(sizes))
    assert seen[-1] == ("b.csv", sum(sizes), sum(sizes))
    assert ("b.csv", sizes[0], sum(sizes)) in seen
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert len(seen) > 10
