"""MLflow's file store, MLPerf's log lines, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.logs import expand, read_log
from tests.logs.conftest import Write
from tests.logs.test_tables import told

START = 1_700_000_000_000


def event(key: str, time: int, value: object = None, **metadata: object) -> str:
    document = {"namespace": "", "time_ms": time, "key": key, "value": value, "metadata": metadata}
    return f":::MLLOG {json.dumps(document)}"


def test_an_aborted_run_was_watched_and_did_not_arrive(write: Write) -> None:
    """E10."""
    (run,) = read_log(
        write(
            "result_0.txt",
            "Clearing caches",
            "0: " + event("run_start", 1_000_000),
            event("eval_accuracy", 1_060_000, 0.5),
            "WARNING: something else",
            event("eval_accuracy", 1_180_000, 0.7),
            ':::MLLOG {"key": "eval_acc',
            event("run_stop", 1_300_000, status="aborted"),
        )
    )
    assert run.columns["val_accuracy"].max() == 0.7
    assert run.columns["seconds"].tolist() == [60, 120]
    assert (run.status, run.watched_seconds) == ("aborted", 300)
    assert told(run, "line 6 cut in the middle: left out")
    assert told(run, "the run was aborted")


def test_every_rank_logs_the_same_and_one_counts(write: Write) -> None:
    """E10: the rank in front."""
    lines = [
        f"{rank}: {event(key, time, value, epoch_num=epoch)}"
        for key, time, value, epoch in (
            ("run_start", 0, None, 0),
            ("eval_accuracy", 10_000, 0.5, 2),
            ("eval_accuracy", 20_000, 0.8, 4),
            ("run_stop", 20_000, None, 4),
        )
        for rank in (0, 1)
    ]
    (run,) = read_log(write("log.txt", *lines))
    assert run.epoch.tolist() == [2, 4]
    assert told(run, "2 ranks log the run: rank 0 counts")


def test_the_lowest_rank_counts_though_another_logs_first(write: Write) -> None:
    """E10: no run is made of what rank 1 had logged before rank 0 came."""
    events = [
        event("run_start", 0),
        event("eval_accuracy", 10_000, 0.5, epoch_num=2),
        event("eval_accuracy", 20_000, 0.8, epoch_num=4),
        event("run_stop", 20_000, status="success"),
    ]
    first = [f"0: {line}" for line in events]
    second = [f"1: {line.replace('0.5', '0.4')}" for line in events]
    (run,) = read_log(write("log.txt", *second[:2], *first[:2], *second[2:], *first[2:]))
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.8]
    assert run.status == "completed"
    assert told(run, "2 ranks log the run: rank 0 counts")


def test_several_starts_are_several_runs(write: Write) -> None:
    lines = [
        line
        for i in range(2)
        for line in (
            event("run_start", i * 100_000),
            event("eval_accuracy", i * 100_000 + 5_000, 0.5 + i / 10),
            event("run_stop", i * 100_000 + 6_000, status="success"),
        )
    ]
    runs = read_log(write("log.txt", *lines))
    assert [run.columns["val_accuracy"][0] for run in runs] == [0.5, 0.6]
    assert len({run.name for run in runs}) == 2


def test_mlflow_runs_are_found_in_their_store(write: Write, tmp_path: Path) -> None:
    for name, values in (("aaa", (0.5, 0.6)), ("bbb", (0.4, 0.7))):
        folder = f"mlruns/0/{name}"
        write(
            f"{folder}/meta.yaml",
            f"run_id: {name}",
            f"run_name: cnn-s{len(name)}{name}",
            "status: 3",
        )
        lines = [f"{START + 9000 * i} {v} {i}" for i, v in enumerate(values)]
        write(f"{folder}/metrics/val_accuracy", *lines)
        write(f"{folder}/metrics/loss", f"{START} 2.0 0", f"{START + 9000} nan 1")
    logs = expand([tmp_path / "mlruns"])
    assert [log.name for log in logs] == ["aaa", "bbb"]
    (run,) = read_log(logs[0])
    assert (run.kind, run.name) == ("mlflow", "cnn-s3aaa")
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.6]
    assert run.columns["seconds"][1] == 9
    assert run.diverged_at == 2
    (alone,) = read_log(logs[0] / "metrics" / "val_accuracy")
    assert alone.columns["val_accuracy"].tolist() == [0.5, 0.6]


def test_mlflow_steps_written_again_and_runs_that_failed(write: Write, tmp_path: Path) -> None:
    write("r/meta.yaml", "status: 4")
    lines = [
        f"{START + i} {v} {s}" for i, (s, v) in enumerate([(0, 0.1), (1, 0.2), (1, 0.3), (2, 0.4)])
    ]
    write("r/metrics/val_acc", *lines)
    (run,) = read_log(tmp_path / "r")
    assert run.columns["val_accuracy"].tolist() == [0.1, 0.3, 0.4]
    assert run.status == "aborted"
    assert told(run, "goes back to step 1 in line 3")


def test_mlflow_values_without_steps_are_refused(write: Write, tmp_path: Path) -> None:
    write("r/meta.yaml", "status: 3")
    write("r/metrics/val_acc", f"{START} .1 0", f"{START} .2 0")
    with pytest.raises(UserError, match="2 values, all of step 0"):
        read_log(tmp_path / "r")


def test_json_lines_with_tables_within_tables(write: Write) -> None:
    lines = [json.dumps({"epoch": e, "lr": 0.1, "val": {"accuracy": 0.5 + e / 10}}) for e in (0, 1)]
    (run,) = read_log(write("log.jsonl", *lines))
    assert (run.kind, run.columns["val_accuracy"].tolist()) == ("json", [0.5, 0.6])


def test_a_history_of_lists_and_a_list_of_records(write: Write) -> None:
    history = {"loss": [2.0, 1.0, float("nan")], "val_accuracy": [0.1, None, 0.3]}
    (run,) = read_log(write("history.json", json.dumps(history)))
    assert run.diverged_at == 3
    np.testing.assert_array_equal(run.columns["val_accuracy"], [0.1, np.nan, 0.3])
    records = [{"seed": s, "epoch": e, "val_acc": 0.5} for s in (0, 1) for e in (1, 2)]
    assert [r.replicate for r in read_log(write("records.json", json.dumps(records)))] == ["0", "1"]


def test_a_trainer_state_counts_steps_where_epochs_are_fractions(write: Write) -> None:
    history = [
        {"epoch": 0.5, "step": 50, "loss": 1.0},
        {"epoch": 0.5, "step": 50, "eval_accuracy": 0.6},
        {"epoch": 1.0, "step": 100, "eval_accuracy": 0.7},
    ]
    file = write("trainer_state.json", json.dumps({"best_metric": 0.7, "log_history": history}))
    (run,) = read_log(file)
    assert (run.axis, run.epoch.tolist()) == ("steps", [50, 100])
    assert run.columns["val_accuracy"].tolist() == [0.6, 0.7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"epoch": 1, "val_acc": .5}\n', "line 1: is no JSON"),
        ('{"epoch": 1, "val_acc": 0.5}\n[1]\n', "line 2: is no JSON object"),
        ('{"val_acc": [0.5, 0.6], "loss": [1]}', "lists of different lengths"),
        ("[1, 2]", "record 1 is no object"),
        ('{"epoch": 1, "val_acc": true}\n{"epoch": 2}\n', "holds 'True', which is no number"),
        ("[" * 5000, "is no JSON"),
        ("{}", "holds no values"),
    ],
)
def test_json_that_is_no_log_is_refused(write: Write, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_log(write("log.json", text, end=""))


def test_settings_above_the_records_are_no_rows(write: Write) -> None:
    """As mmdetection writes them, a seed among them."""
    lines = [{"env": "linux", "seed": 3}, {"epoch": 1, "val_acc": 0.5}, {"epoch": 2, "val_acc": 1}]
    (run,) = read_log(write("a_0.log.json", *map(json.dumps, lines)))
    assert run.columns["val_accuracy"].tolist() == [0.5, 1]
    assert told(run, "line 1 holds no metric and is left out")


def test_a_history_in_tables_within_tables(write: Write) -> None:
    """As XGBoost's evals_result is saved."""
    history = {"train": {"loss": [2, 1]}, "validation": {"accuracy": [0.5, 0.75]}}
    (run,) = read_log(write("evals.json", json.dumps(history)))
    assert run.columns["loss"].tolist() == [2, 1]
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.75]
