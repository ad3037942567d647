"""Logs of programs that really trained: as they were once written, and live where they are here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.logs import Reading, Run, expand, labelled, open_log, read_log
from harness.logs.records import scalars
from tests.logs.test_tables import told

PROGRAMS = Path(__file__).parent / "programs"


def runs_of(*places: Path) -> list[Run]:
    logs = expand(places)
    return list(labelled(run for log in logs for run in open_log(log, Reading())))


def histories() -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = json.loads(
        (PROGRAMS / "keras" / "histories.json").read_text()
    )
    return found


def test_lightning_logs_training_and_validation_in_rows_of_their_own() -> None:
    """E12, by the program itself: values of steps and of epochs stand side by side."""
    files = sorted(PROGRAMS.glob("lightning/*/*/metrics.csv"))
    runs = runs_of(*files)
    assert [(run.arm, run.replicate) for run in runs] == [
        (width, seed) for width in ("width16", "width2") for seed in "01"
    ]
    names = {"val_accuracy": "val_acc", "accuracy": "train_acc_epoch", "loss": "train_loss_epoch"}
    for file, run in zip(files, runs, strict=True):
        by_epoch = pd.read_csv(file).groupby("epoch").last()
        assert run.epoch.tolist() == [1, 2, 3, 4, 5, 6]
        for metric, name in names.items():
            assert run.columns[metric].tolist() == by_epoch[name].tolist()
        assert not told(run, "again")
        assert not told(run, "several values")


def test_keras_csv_logger_is_its_history() -> None:
    for name in ("width4-s0", "width4-s1"):
        (run,) = read_log(PROGRAMS / "keras" / f"{name}.csv")
        assert {k: v.tolist() for k, v in run.columns.items()} == histories()[name]


def test_keras_csv_logger_appended_after_a_restart() -> None:
    """E1, by the program itself: the later rows count."""
    (run,) = read_log(PROGRAMS / "keras" / "resumed-s0.csv")
    assert {k: v.tolist() for k, v in run.columns.items()} == histories()["resumed-s0"]
    assert run.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert told(run, "begun again at line 6: of epoch 2 and 3 the later row counts")


def test_keras_tensorboard_callback_is_one_run_of_two_folders() -> None:
    """E9, by the program itself."""
    runs = runs_of(PROGRAMS / "tensorboard")
    assert [(run.arm, run.replicate) for run in runs] == [("width4", "0"), ("width4", "1")]
    for run in runs:
        for metric, values in histories()[f"{run.arm}-s{run.replicate}"].items():
            np.testing.assert_allclose(run.columns[metric], values, rtol=1e-6)
        assert run.starts_unknown


def test_event_files_are_read_as_tensorflow_reads_them() -> None:
    tf = pytest.importorskip("tensorflow")
    files = sorted(PROGRAMS.glob("tensorboard/*/*/*tfevents*"))
    assert len(files) == 4
    for file in files:
        theirs = [
            (value.tag, event.step, event.wall_time, float(tf.make_ndarray(value.tensor)))
            for event in tf.compat.v1.train.summary_iterator(str(file))
            for value in event.summary.value
            if value.tensor.dtype == tf.float32.as_datatype_enum
        ]
        assert [(s.tag, s.step, s.wall_time, s.value) for s in scalars(file)] == theirs


def test_mlflow_file_store_is_found_run_by_run() -> None:
    runs = runs_of(PROGRAMS / "mlflow")
    assert sorted((run.arm, run.replicate) for run in runs) == [
        (rate, seed) for rate in ("rate16", "rate2") for seed in "01"
    ]
    for run in runs:
        lines = (Path(run.source) / "metrics" / "val_accuracy").read_text().splitlines()
        assert run.columns["val_accuracy"].tolist() == [float(line.split()[1]) for line in lines]
        assert run.status == "completed"


@pytest.mark.parametrize("kind", ["lightning/*/*/metrics.csv", "keras/w*.csv", "mlflow"])
def test_such_logs_are_analysed_as_they_are(kind: str) -> None:
    done = CliRunner().invoke(app, ["analyze", str(PROGRAMS / kind), "--target", "0.9"])
    assert done.exit_code == 0, done.output
    assert "reached the target" in done.output


def trained(folder: Path, callbacks: list[Any], **how: Any) -> Any:
    keras = pytest.importorskip("keras")
    x, y = np.linspace(-1, 1, 64)[:, None], (np.arange(64) > 31).astype("int32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    folder.mkdir(exist_ok=True)
    return model.fit(x, y, validation_split=0.25, verbose=0, callbacks=callbacks, **how).history


def test_keras_csv_logger_live_with_a_restart(tmp_path: Path) -> None:
    """E1, C3."""
    logger = pytest.importorskip("keras").callbacks.CSVLogger
    file = tmp_path / "mlp-s3.csv"
    first = trained(tmp_path, [logger(file)], epochs=3)
    again = trained(tmp_path, [logger(file, append=True)], epochs=4, initial_epoch=1)
    (run,) = read_log(file)
    for metric, values in first.items():
        np.testing.assert_allclose(run.columns[metric], values[:1] + again[metric], rtol=1e-12)


def test_keras_tensorboard_callback_live(tmp_path: Path) -> None:
    """E9."""
    pytest.importorskip("tensorboard")
    callback = pytest.importorskip("keras").callbacks.TensorBoard(tmp_path / "tb" / "mlp-s3")
    history = trained(tmp_path, [callback], epochs=3)
    (run,) = runs_of(tmp_path / "tb")
    assert (run.arm, run.replicate) == ("mlp", "3")
    for metric, values in history.items():
        np.testing.assert_allclose(run.columns[metric], values, rtol=1e-6)


def test_mlflow_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run(run_name="mlp-s3"):
        for step, value in enumerate((0.5, 0.75)):
            mlflow.log_metric("val_accuracy", value, step=step)
    (run,) = runs_of(tmp_path / "mlruns")
    assert (run.arm, run.replicate) == ("mlp", "3")
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.75]
