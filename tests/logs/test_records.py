"""TensorBoard's event files, as TensorFlow itself writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.logs import Reading, expand, open_log, read_log
from tests.logs.test_tables import told

tf = pytest.importorskip("tensorflow")


def tf2(folder: Path, tag: str, points: list[tuple[int, float]], dtype: str = "float32") -> Path:
    """Scalars as tf.summary.scalar writes them: as tensors, marked as scalars."""
    metadata = tf.compat.v1.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step, value in points:
            tf.summary.write(tag, tf.constant(value, dtype), step, metadata)
    writer.close()
    return next(folder.glob("*tfevents*"))


def tf1(folder: Path, tag: str, points: list[tuple[int, float]]) -> Path:
    """Scalars as TF1 wrote them: as simple_value."""
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(folder))
        for step, value in points:
            summary = tf.compat.v1.Summary()
            summary.value.add(tag=tag, simple_value=value)
            writer.add_summary(summary, step)
        writer.close()
    return next(folder.glob("*tfevents*"))


POINTS = [(0, 0.5), (1, 0.6), (2, 0.7)]


def test_tensors_and_simple_values_are_both_read(tmp_path: Path) -> None:
    """E9."""
    tf2(tmp_path / "two" / "validation", "epoch_accuracy", POINTS)
    tf1(tmp_path / "one" / "validation", "epoch_accuracy", POINTS)
    for name in ("one", "two"):
        (run,) = read_log(tmp_path / name)
        values = run.columns["val_accuracy"]
        np.testing.assert_array_equal(values, np.array([0.5, 0.6, 0.7], dtype=np.float32))
        assert run.epoch.tolist() == [1, 2, 3]


def test_both_sides_of_a_run_are_kept_apart(tmp_path: Path) -> None:
    """E9."""
    tf2(tmp_path / "run" / "train", "epoch_accuracy", [(0, 0.25), (1, 0.75)])
    tf2(tmp_path / "run" / "validation", "epoch_accuracy", [(0, 0.125), (1, 0.5)])
    (run,) = read_log(tmp_path / "run")
    assert run.columns["accuracy"].tolist() == [0.25, 0.75]
    assert run.columns["val_accuracy"].tolist() == [0.125, 0.5]
    assert expand([tmp_path]) == [tmp_path / "run"]


def test_of_a_step_written_twice_the_later_counts(tmp_path: Path) -> None:
    """E9: steps 0, 1, 2, 1, 2."""
    points = [*POINTS, (1, 0.25), (2, 0.375)]
    (run,) = read_log(tf2(tmp_path / "validation", "epoch_accuracy", points))
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.25, 0.375]
    assert told(run, "goes back to step 1: the later value counts")


def test_a_truncated_file_gives_what_is_whole(tmp_path: Path) -> None:
    file = tf2(tmp_path / "validation", "epoch_accuracy", POINTS)
    file.write_bytes(file.read_bytes()[:-5])
    (run,) = read_log(file)
    assert len(run.epoch) == 2
    assert told(run, "is cut at byte")


def test_a_damaged_record_ends_the_reading(tmp_path: Path) -> None:
    file = tf2(tmp_path / "validation", "epoch_accuracy", POINTS)
    data = bytearray(file.read_bytes())
    data[-10] ^= 0xFF
    file.write_bytes(bytes(data))
    (run,) = read_log(file)
    assert len(run.epoch) == 2
    assert told(run, "is damaged at byte")


def test_a_real_training_comes_out_as_its_history(tmp_path: Path) -> None:
    """Both sides by epoch; what is logged by iteration is passed over."""
    import keras

    x, y = np.linspace(-1, 1, 64)[:, None], (np.arange(64) > 31).astype("int32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=3, validation_split=0.25, verbose=0).history
    folder = tmp_path / "mlp-s3"
    for side, prefix in (("train", ""), ("validation", "val_")):
        for metric in ("loss", "accuracy"):
            tf2(folder / side, f"epoch_{metric}", list(enumerate(history[prefix + metric])))
        tf2(folder / side, "evaluation_loss_vs_iterations", [(100, 9.0)])
    (log,) = expand([tmp_path])
    (run,) = read_log(log)
    for metric, values in history.items():
        np.testing.assert_allclose(run.columns[metric], values, rtol=1e-6)
    assert run.starts_unknown


def test_a_run_without_a_known_metric_names_what_it_has(tmp_path: Path) -> None:
    file = tf2(tmp_path / "run", "lr", POINTS)
    with pytest.raises(UserError, match="name one with --metric: lr"):
        read_log(file)
    (run,) = open_log(file, Reading(metric="lr"))
    assert len(run.epoch) == 3


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int32", "int64"])
def test_scalars_of_every_type_are_read(tmp_path: Path, dtype: str) -> None:
    tf2(tmp_path / "validation", "epoch_accuracy", [(0, 0), (1, 1), (2, 1)], dtype)
    (run,) = read_log(tmp_path)
    assert run.columns["val_accuracy"].tolist() == [0, 1, 1]
