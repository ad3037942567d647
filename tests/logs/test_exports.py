"""What Weights & Biases and TensorBoard let one download."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import UserError
from harness.logs import Pause, read_log
from tests.logs.conftest import Write
from tests.logs.test_tables import told

S0, S1 = "cnn - adam - s0 - val_accuracy", "cnn - adam - s1 - val_accuracy"
CHART = ",".join(f'"{name}{end}"' for name in (S0, S1) for end in ("", "__MIN", "__MAX"))


def cells(*values: str) -> str:
    return ",".join(f'"{value}"' for value in values for _ in range(3))


def test_a_chart_holds_a_run_in_three_columns(write: Write) -> None:
    """E6: two runs, not six; what is missing stays missing."""
    file = write(
        "chart.csv",
        f'"Step",{CHART}',
        f'"0",{cells(".50", ".48")}',
        f'"1",{cells(".70", "")}',
        f'"3",{cells(".80", ".79")}',
    )
    first, second = read_log(file)
    assert [run.name for run in (first, second)] == ["cnn - adam - s0", "cnn - adam - s1"]
    assert first.columns["val_accuracy"].tolist() == [0.5, 0.7, 0.8]
    np.testing.assert_array_equal(second.columns["val_accuracy"], [0.48, np.nan, 0.79])
    assert told(first, "epoch 3 missing; nothing was filled in")
    assert told(second, "val_accuracy is missing in 1 of 3 rows")


def test_a_run_that_ended_early_is_not_watched_to_the_end_of_the_chart(write: Write) -> None:
    """E6: an empty cell after a run's last value was not trained."""
    rows = [f'"{i}",{cells(".50", "" if i > 1 else ".4")}' for i in range(5)]
    long, short = read_log(write("chart.csv", f'"Step",{CHART}', *rows))
    assert (len(long.epoch), len(short.epoch)) == (5, 2)


def test_a_mean_over_a_group_is_no_run(write: Write) -> None:
    header = '"Step","Group: cnn - val_accuracy","Group: cnn - val_accuracy__MIN"'
    with pytest.raises(UserError, match="is a mean over a group of runs"):
        read_log(write("chart.csv", header, '"0","1.9","0.5"'))


def test_a_chart_over_something_else_is_refused(write: Write) -> None:
    with pytest.raises(UserError, match="drawn over 'Relative Time"):
        read_log(
            write("chart.csv", f'"Relative Time (Process)",{CHART}', f'"0",{cells(".5", ".4")}')
        )


def test_a_table_of_runs_is_keyed_by_id(write: Write) -> None:
    """E7: names repeat, and there are no steps."""
    runs = read_log(write("runs.csv", "val_accuracy,name,id", "96.8,n3404,aaa", "97.5,n3404,bbb"))
    assert [(run.arm, run.replicate) for run in runs] == [("n3404", "aaa"), ("n3404", "bbb")]
    finals = [run.columns["val_accuracy"][0] for run in runs]
    assert np.mean(finals) == pytest.approx(0.9715)
    assert {run.axis for run in runs} == {"none"}
    assert told(runs[0], "there are no steps to measure times by")


def test_a_sum_over_runs_is_no_accuracy(write: Write) -> None:
    """E7: grouped exports can hold sums above 100."""
    with pytest.raises(UserError, match=r"line 3: val_accuracy is 194\.3"):
        read_log(write("runs.csv", "val_accuracy,name,id", "96.8,a,aaa", "194.3,a,bbb"))


def test_a_downloaded_series_has_pauses_and_an_unknown_beginning(write: Write) -> None:
    """E8."""
    since = (0.0, 17.5, 36.2, 6703.8, 6721.9)
    rows = [f"{1700000000 + s},{i},{0.5 + i / 10}" for i, s in enumerate(since)]
    (run,) = read_log(write("cnn-s0.csv", "Wall time,Step,Value", *rows))
    (pause,) = run.pauses
    assert pause == Pause(3, pytest.approx(6667.6))  # type: ignore[arg-type]
    assert run.active_seconds == pytest.approx(54.3)
    assert run.total_seconds == pytest.approx(6721.9)
    assert np.isnan(run.columns["seconds"]).tolist() == [True, *[False] * 4]
    assert run.starts_unknown
    assert told(run, "the file does not name its metric: taken as val_accuracy")


def test_a_sampled_series_is_told_by_its_thousand_points(write: Write) -> None:
    """E8."""
    rows = [f"{1700000000 + i},{i + (i > 500)},0.5" for i in range(1000)]
    (run,) = read_log(
        write("run-cnn_validation-tag-epoch_accuracy.csv", "Wall time,Step,Value", *rows)
    )
    assert run.name == "cnn"
    assert told(run, "exactly 1000 points with gaps")
    assert not told(run, "does not name its metric")


def test_the_side_is_in_the_name_of_the_file(write: Write) -> None:
    names = {
        "run-cnn-s0_train-tag-epoch_loss": "loss",
        "run-cnn-s0_validation-tag-epoch_loss": "val_loss",
    }
    for name, metric in names.items():
        (run,) = read_log(
            write(f"{name}.csv", "Wall time,Step,Value", "1700000000,0,2.5", "1700000009,1,2")
        )
        assert run.metrics == [metric]
        assert run.name == "cnn-s0"
