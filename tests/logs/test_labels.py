"""Whose run a log is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.logs import Run, labelled
from harness.logs.labels import label_of, pattern_of


def run(source: str, name: str | None = None, value: float = 0.5, **more: object) -> Run:
    columns = {"val_accuracy": np.array([value])}
    return Run(np.array([1]), columns, source=source, name=name or source, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "source", "arm", "replicate"),
    [
        ("{arm}-s{replicate}.csv", "runs/cnn-adam-s3.csv", "cnn-adam", "3"),
        ("{arm}-s{replicate}.csv", "a-s-b-s12.csv", "a-s-b", "12"),
        ("{arm}-{replicate}.csv", "cnn-adam-3.csv", "cnn-adam", "3"),
        ("{arm}/seed_{replicate}/*/metrics.csv", "x/cnn/seed_7/version_0/metrics.csv", "cnn", "7"),
        ("{replicate}-{arm}.csv", "runs/4-cnn-adam.csv", "cnn-adam", "4"),
        ("{arm}.csv", "runs/cnn.csv", "cnn", None),
        ("{arm}[1]-{replicate}.csv", "cnn[1]-2.csv", "cnn", "2"),
    ],
)
def test_a_pattern_takes_a_name_apart(
    pattern: str, source: str, arm: str, replicate: str | None
) -> None:
    """Names may hold the separators themselves."""
    found = label_of(run(source), pattern)
    assert (found.arm, found.replicate) == (arm, replicate)


def test_a_pattern_also_fits_the_name_that_a_log_gives() -> None:
    """E6: run names with " - "."""
    found = label_of(run("chart.csv", "cnn - adam - s0"), "{arm} - s{replicate}")
    assert (found.arm, found.replicate) == ("cnn - adam", "0")


@pytest.mark.parametrize(
    ("source", "arm", "replicate"),
    [
        ("runs/cnn-s3.csv", "cnn", "3"),
        ("runs/cnn_adam_seed12.csv", "cnn_adam", "12"),
        ("runs/cnn-3/version_0/metrics.csv", "cnn", "3"),
        ("x/vit/seed4/results.csv", "vit", "4"),
        ("runs/vit/12.csv", "vit", "12"),
        ("out/vit-seed1/checkpoint-750/trainer_state.json", "vit", "1"),
        ("vit_3.log.json", "vit", "3"),
        ("runs/resnet50.csv", "resnet50", None),
        ("runs/cnn.csv", "cnn", None),
    ],
)
def test_without_a_pattern_the_end_of_the_name_counts_and_it_is_said(
    source: str, arm: str, replicate: str | None
) -> None:
    found = label_of(run(source), None)
    assert (found.arm, found.replicate) == (arm, replicate)
    assert (found.notice is not None) == (replicate is not None)


def test_columns_of_the_log_count_before_its_name() -> None:
    found = label_of(run("cnn-s3.csv", arm="mlp", replicate="9"), "{arm}-s{replicate}.csv")
    assert (found.arm, found.replicate) == ("mlp", "9")


@pytest.mark.parametrize("pattern", ["{replicate}.csv", "{arm}-{arm}.csv", "cnn.csv"])
def test_a_pattern_must_name_the_arm_once(pattern: str) -> None:
    with pytest.raises(UserError, match=r"must have \{arm\} once"):
        pattern_of(pattern)


def test_a_name_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UserError, match="does not fit --arm-from"):
        label_of(run("cnn.csv"), "{arm}-s{replicate}.csv")


def test_the_same_run_twice_counts_once_and_two_runs_of_one_name_are_refused() -> None:
    """B5, for logs: a copy is no further replicate."""
    first, copy, other = run("cnn-s0.csv"), run("b/cnn-s0.csv"), run("c/cnn-s0.csv", value=0.6)
    assert len(list(labelled([first, copy]))) == 1
    with pytest.raises(UserError, match=r'c/cnn-s0.csv: is run 0 of arm "cnn", and so is cnn-s0'):
        list(labelled([first, other]))


def test_runs_that_nothing_numbers_are_numbered() -> None:
    runs = list(labelled([run(f"x/{i}/cnn.csv", value=0.1 * i) for i in (1, 2)]))
    assert [(one.arm, one.replicate) for one in runs] == [("cnn", "0"), ("cnn", "1")]
    assert all("nothing names the replicate" in one.notices[-1] for one in runs)
    assert Path(runs[1].source).name == "cnn.csv"
