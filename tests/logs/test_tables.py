"""CSV of Keras' CSVLogger and its relatives, hand-made and tidy tables, as people have them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.logs import Reading, Run, expand, open_log, read_log
from harness.logs.run import METRICS
from harness.time_measures import EpochsTo
from tests.logs.conftest import Write

PUBLISHED = Path(__file__).parents[2] / "studies" / "reference" / "published_curves.csv"


def one(file: Path, **how: object) -> Run:
    (run,) = open_log(file, Reading(**how))  # type: ignore[arg-type]
    return run


def epochs_to(run: Run, target: float) -> float:
    measure = EpochsTo(kind="epochs_to", metric="val_accuracy", target=target)
    return measure.of(run.curve(0)).value


def told(run: Run, words: str) -> bool:
    return any(words in notice for notice in run.notices)


@pytest.mark.parametrize("names", ["acc,val_acc", "accuracy,val_accuracy"])
def test_both_spellings_of_accuracy_are_one_metric(write: Write, names: str) -> None:
    """C3."""
    run = one(write("a.csv", f"epoch,{names}", "0,.5,.6", "1,.7,.8"))
    assert epochs_to(run, 0.8) == 2
    assert run.columns["accuracy"].tolist() == [0.5, 0.7]


def test_of_several_names_the_plain_one_counts_and_it_is_said(write: Write) -> None:
    """C3: several accuracy-like keys."""
    run = one(write("a.csv", "epoch,val_sparse_categorical_accuracy,val_acc", "1,.1,.6", "2,.2,.8"))
    assert run.columns["val_accuracy"].tolist() == [0.6, 0.8]
    assert told(run, "read from val_acc, not from val_sparse_categorical_accuracy")


def test_a_log_begun_again_after_a_restart_is_one_curve(write: Write) -> None:
    """E1: the later row wins."""
    header = "epoch,accuracy,val_accuracy"
    rows = ["0,.40,.45", "1,.50,.55", "2,.58,.70", header, "2,.57,.62", "3,.64,.71", "4,.70,.76"]
    run = one(write("a.csv", header, *rows))
    assert run.epoch.tolist() == [1, 2, 3, 4, 5]
    assert epochs_to(run, 0.68) == 4
    assert told(run, "begun again at line 6: of epoch 2 the later row counts")


def test_epochs_that_were_given_up_at_a_restart_are_left_out(write: Write) -> None:
    """E1: what lies beyond the point of return belongs to no history."""
    rows = ["0,.1", "1,.2", "2,.3", "3,.9", "1,.2", "2,.25"]
    run = one(write("a.csv", "epoch,val_accuracy", *rows))
    assert run.columns["val_accuracy"].tolist() == [0.1, 0.2, 0.25]
    assert told(run, "epoch 3, logged before that, was never reached again")


@pytest.mark.parametrize("epochs", [(0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1)])
def test_several_runs_in_one_file_are_never_one_curve(
    write: Write, epochs: tuple[int, ...]
) -> None:
    """E1: epochs 0, 0, 0 are three runs."""
    rows = [f"{epoch},{0.1 * (i + 1):.1f}" for i, epoch in enumerate(epochs)]
    file = write("a.csv", "epoch,val_accuracy", *rows)
    with pytest.raises(UserError, match="epoch 0 begins again"):
        one(file)
    separate = list(open_log(file, Reading(restarts="separate")))
    assert len(separate) == (3 if epochs == (0, 0, 0) else 2)
    assert len({run.name for run in separate}) == len(separate)
    last = one(file, restarts="last")
    assert last.columns["val_accuracy"][-1] == pytest.approx(0.1 * len(epochs))


@pytest.mark.parametrize("first", [0, 1, None])
def test_epochs_count_from_zero_from_one_or_not_at_all(write: Write, first: int | None) -> None:
    """E2."""
    if first is None:
        file = write("a.csv", "val_accuracy", ".5", ".7", ".9")
    else:
        rows = [f"{first + i},{value}" for i, value in enumerate((0.5, 0.7, 0.9))]
        file = write("a.csv", "epoch,val_accuracy", *rows)
    run = one(file)
    assert epochs_to(run, 0.9) == 3
    assert told(run, "no column epoch") == (first is None)
    assert told(run, "counted from 0") == (first == 0)


def test_one_row_is_no_curve(write: Write) -> None:
    """E2."""
    assert told(one(write("a.csv", "epoch,val_accuracy", "0,.5")), "no statement about a curve")


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_byte_order_mark_is_no_part_of_a_name(write: Write, quote: str) -> None:
    """E4."""
    text = f"{quote}epoch{quote},val_accuracy\r\n0,0.5\r\n1,0.75\r\n"
    for encoding in ("utf-8-sig", "utf-16"):
        run = one(write(f"{encoding}.csv", text.encode(encoding)))
        assert run.columns["val_accuracy"].tolist() == [0.5, 0.75]


def test_a_scale_is_that_of_the_whole_column(write: Write) -> None:
    """E5."""
    file = write("a.csv", "epoch,val_accuracy", "0,.9", "1,45.0", "2,88.0", "3,91.5")
    run = one(file)
    np.testing.assert_allclose(run.columns["val_accuracy"], [0.009, 0.45, 0.88, 0.915])
    assert epochs_to(run, 0.9) == 4
    assert told(run, "taken as percent")
    with pytest.raises(UserError, match=r"line 5: val_accuracy is 91\.5"):
        one(file, scale="fraction")


@pytest.mark.parametrize("value", ["100.5", "-0.1"])
def test_what_is_no_accuracy_is_refused_with_its_line(write: Write, value: str) -> None:
    """E5: above 100."""
    with pytest.raises(UserError, match=f"line 3: val_accuracy is {value}"):
        one(write("a.csv", "epoch,val_accuracy", "0,.9", f"1,{value}"))


def test_a_percent_sign_says_the_scale(write: Write) -> None:
    run = one(write("a.csv", "epoch,val_accuracy", "1,0.5%", "2,0.9%"))
    np.testing.assert_allclose(run.columns["val_accuracy"], [0.005, 0.009])


def test_training_and_validation_rows_of_an_epoch_are_one(write: Write) -> None:
    """E12."""
    rows = ["0,49,1.2,", "0,49,,.55", "1,99,.9,", "1,99,,.68"]
    run = one(write("metrics.csv", "epoch,step,train_loss,val_accuracy", *rows))
    assert run.columns["val_accuracy"].tolist() == [0.55, 0.68]
    assert run.columns["loss"].tolist() == [1.2, 0.9]
    assert epochs_to(run, 0.6) == 2
    assert not told(run, "again")
    assert not told(run, "missing")


def test_several_values_within_an_epoch_take_the_last(write: Write) -> None:
    """E12, as Lightning logs every fifty steps."""
    rows = ["0,49,1.2,", "0,99,1.0,", "0,99,,.55", "1,149,.9,", "1,199,.8,", "1,199,,.6"]
    file = write("metrics.csv", "epoch,step,train_loss,val_accuracy", *rows)
    run = one(file)
    assert run.columns["loss"].tolist() == [1.0, 0.8]
    assert told(run, "2 epochs with several values")
    steps = one(file, axis="steps")
    assert (steps.axis, steps.epoch.tolist()) == ("steps", [49, 99, 149, 199])


def test_padding_is_no_part_of_a_name(write: Write) -> None:
    """E13."""
    header = "                  epoch,  metrics/accuracy_top1"
    run = one(write("results.csv", header, " 1, .61000", " 2, .74000"))
    assert run.columns["val_accuracy"].tolist() == [0.61, 0.74]


@pytest.mark.parametrize("row", ["2, .7, 5", "2", "2,.7,,,9"])
def test_a_row_that_does_not_fit_the_header_is_refused(write: Write, row: str) -> None:
    """E13: with its line number."""
    with pytest.raises(UserError, match=r"line 3: has \d fields, the header has 2"):
        one(write("a.csv", "epoch,val_accuracy", "1,.5", row, "3,.8"))


def test_blocks_with_another_header_are_refused(write: Write) -> None:
    """E13: another column count in mid-file."""
    file = write("a.csv", "epoch,val_accuracy", "1,.5", "epoch,loss,val_accuracy", "2,1,.6")
    with pytest.raises(UserError, match="line 3: another header"):
        one(file)


def test_the_last_line_may_have_been_cut(write: Write) -> None:
    run = one(write("a.csv", "epoch,loss,val_accuracy", "1,1,.5", "2,.8", end=""))
    assert run.epoch.tolist() == [1]
    assert told(run, "line 3, the last, was cut")


@pytest.mark.parametrize(
    ("delimiter", "values"),
    [
        (";", ("0,5", "0,75")),
        ("\t", ("0,5", "0,75")),
        ("|", ("0.5", "0.75")),
        ("  ", ("0.5", ".75")),
    ],
)
def test_other_delimiters_and_decimal_commas(
    write: Write, delimiter: str, values: tuple[str, str]
) -> None:
    rows = [delimiter.join((str(i), value)) for i, value in enumerate(values, start=1)]
    file = write("a.csv", "Run of Tuesday", "", delimiter.join(("epoch", "val_accuracy")), *rows)
    run = one(file)
    assert run.columns["val_accuracy"].tolist() == [0.5, 0.75]
    assert told(run, "1 line stands above the header")


def test_decimal_commas_and_points_in_one_column_are_refused(write: Write) -> None:
    file = write("a.csv", "epoch;val_accuracy", "1;0,5", "2;0.6")
    with pytest.raises(UserError, match=r"line 3: .* mixes decimal commas and points"):
        one(file)


def test_missing_values_stay_missing(write: Write) -> None:
    rows = ["1,.5", "2,NA", "3,", "4,.8"]
    run = one(write("a.csv", "epoch,val_accuracy", *rows))
    assert np.isnan(run.columns["val_accuracy"]).tolist() == [False, True, True, False]
    assert told(run, "missing in 2 of 4 rows; none was filled in")
    found = EpochsTo(kind="epochs_to", target=0.8).of(run.curve(0))
    assert (found.value, found.earliest) == (4, 2)


def test_evaluation_every_few_epochs_gives_an_interval(write: Write) -> None:
    run = one(write("a.csv", "epoch,val_accuracy", "5,.5", "10,.6", "15,.7"))
    found = EpochsTo(kind="epochs_to", target=0.6).of(run.curve(0))
    assert (found.value, found.earliest) == (10, 6)
    assert told(run, "evaluated every 5 epochs")


def test_a_lost_loss_is_a_divergence(write: Write) -> None:
    """D13: at risk to the full budget, and the final accuracy is kept."""
    rows = ["0,2.1,.35", "1,1.4,.55", "2,nan,.098", "3,nan,.098"]
    run = one(write("a.csv", "epoch,loss,val_accuracy", *rows))
    assert (run.status, run.diverged_at) == ("diverged", 3)
    curve = run.curve(20)
    reached = EpochsTo(kind="epochs_to", target=0.5).of(curve)
    never = EpochsTo(kind="epochs_to", target=0.6).of(curve)
    assert (reached.value, reached.censored) == (2, False)
    assert (never.value, never.censored) == (20, True)
    assert run.columns["val_accuracy"][-1] == 0.098


def test_a_loss_that_comes_back_is_no_divergence(write: Write) -> None:
    run = one(write("a.csv", "epoch,loss,val_accuracy", "1,1,.5", "2,inf,.6", "3,.8,.7"))
    assert run.status == "completed"
    assert told(run, "not taken as diverged")


def test_rows_without_any_number_at_the_end_are_padding(write: Write) -> None:
    run = one(write("a.csv", "epoch,loss,val_accuracy", "1,1,.5", "2,.9,.6", "3,nan,nan", "4,,"))
    assert (run.epoch.tolist(), run.status) == ([1, 2], "completed")
    assert told(run, "2 rows at the end without any number")


def test_a_tidy_table_holds_many_runs(write: Write) -> None:
    rows = [f"{arm},{seed},{e},.{5 + e}" for arm in "ab" for seed in (3, 1) for e in (0, 1)]
    runs = read_log(write("t.csv", "model,seed,epoch,val_accuracy", *rows))
    names = [(run.arm, run.replicate) for run in runs]
    assert names == [("a", "3"), ("a", "1"), ("b", "3"), ("b", "1")]
    assert all(run.kind == "tidy" and run.epoch.tolist() == [1, 2] for run in runs)
    assert told(runs[0], "seed is taken as the replicate")


def test_a_tidy_table_of_unnamed_runs_is_refused(write: Write) -> None:
    with pytest.raises(UserError, match="line 3: the cell of the arm is empty"):
        read_log(write("t.csv", "arm,replicate,epoch,val_accuracy", "a,0,1,.5", ",0,1,.5"))


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "arm": np.repeat(["a", "b"], 6),
            "replicate": np.tile(np.repeat([0, 1], 3), 2),
            "epoch": np.tile([1, 2, 3], 4),
            "val_accuracy": np.linspace(0.1, 0.9, 12),
        }
    )
    table.loc[4, "val_accuracy"] = np.nan
    table.to_parquet(tmp_path / "t.parquet")
    table.to_csv(tmp_path / "t.csv", index=False)
    from_parquet, from_csv = (read_log(tmp_path / f"t.{kind}") for kind in ("parquet", "csv"))
    assert len(from_parquet) == 4
    for a, b in zip(from_parquet, from_csv, strict=True):
        assert (a.arm, a.replicate) == (b.arm, b.replicate)
        np.testing.assert_array_equal(a.columns["val_accuracy"], b.columns["val_accuracy"])


def test_the_published_runs_are_three() -> None:
    runs = {run.arm: run for run in read_log(PUBLISHED)}
    assert {arm: len(run.epoch) for arm, run in runs.items()} == {
        "mlp-rmsprop": 20,
        "mlp-adadelta": 20,
        "cnn-adadelta": 12,
    }
    assert runs["mlp-rmsprop"].metrics == list(METRICS)
    assert runs["mlp-rmsprop"].columns["seconds"][:3].tolist() == [15, 13, 14]


def test_relatives_of_the_csv_logger(write: Write) -> None:
    fastai = one(
        write(
            "f.csv",
            "epoch,train_loss,valid_loss,accuracy,time",
            "0,1.2,1.1,.5,00:17",
            "1,1,.9,.6,01:02",
        )
    )
    assert fastai.columns["val_accuracy"].tolist() == [0.5, 0.6]
    assert fastai.columns["seconds"].tolist() == [17, 62]
    header = "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr/pg0"
    rows = ["1,10.0,2.3,.3,.5,2.2,.01", "2,19.5,2,.4,.6,2,.01", "3,30,1.9,.5,.6,1.8,.01"]
    ultralytics = one(write("u.csv", header, *rows))
    assert ultralytics.columns["val_accuracy"].tolist() == [0.3, 0.4, 0.5]
    assert ultralytics.columns["seconds"].tolist() == [10, 9.5, 10.5]
    own = one(write("o.csv", "Epoch,mAP50", "1,.2", "2,.3"), metric="mAP50")
    assert own.columns["val_accuracy"].tolist() == [0.2, 0.3]
    assert told(own, "mAP50 is read as val_accuracy: larger is better")


def test_what_keras_writes_is_read(tmp_path: Path) -> None:
    """A real CSVLogger beside a real History: the same curve."""
    import keras

    x, y = np.linspace(-1, 1, 64)[:, None], (np.arange(64) > 31).astype("int32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    logger = keras.callbacks.CSVLogger(str(tmp_path / "keras.csv"))
    fitted = model.fit(x, y, epochs=3, validation_split=0.25, verbose=0, callbacks=[logger])
    run = one(tmp_path / "keras.csv")
    assert run.epoch.tolist() == [1, 2, 3]
    np.testing.assert_allclose(run.columns["val_accuracy"], fitted.history["val_acc"])
    np.testing.assert_allclose(run.columns["loss"], fitted.history["loss"])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("1,.5", "2,.6"), "line 1: there is no header"),
        (("epoch,precision", "1,.5"), "has no column of a metric that is known"),
        (
            ("seed,epoch,Metric,value", "0,1,val_accuracy,.5"),
            r"has a row for each metric \(see Metric\); give each metric a column of its own",
        ),
        (("epoch,val_accuracy",), "has a header and no rows"),
        (("epoch,val_accuracy", "1,high"), "line 2: val_accuracy holds 'high', which is no number"),
        (("epoch,val_accuracy", '1,"0,5"'), "if this is a decimal comma, write a point"),
        (("epoch,val_accuracy", "1,.5", "one,.6"), "line 3: epoch holds 'one'"),
        (("epoch,val_accuracy", "1.5,.5"), "line 2: epoch 1.5 is no whole number"),
        (("epoch,val_accuracy", "-1,.5"), "line 2: epoch -1 is not allowed"),
        (("epoch,epoch,val_accuracy", "1,1,.5"), 'has "epoch" more than once'),
        (("epoch,val_accuracy", "1,", "2,NA"), "holds no number of any metric"),
        ((b"\x00\x01\x02" * 99,), "is not a text file"),
        ((b"epoch,val_accuracy\n1,\xff\xfe\n",), "holds bytes that are no text"),
    ],
)
def test_what_cannot_be_read_is_refused_in_plain_words(
    write: Write, lines: tuple[str | bytes, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_log(write("a.csv", *lines))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        read_log(tmp_path / "no.csv")
    with pytest.raises(UserError, match="is a folder, which kind csv cannot read"):
        read_log(tmp_path, "csv")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-01-31 12:00:00", "2024-01-31 12:00:09.5"),
        ("2024-01-31T12:00:00Z", "2024-01-31T14:00:09.5+02:00"),
        ("1700000000", "1700000009.5"),
        ("1700000000000", "1700000009500"),
        ("1700000000000000000", "1700000009500000000"),
    ],
)
def test_a_time_of_day_is_read_in_any_of_its_notations(
    write: Write, first: str, second: str
) -> None:
    run = one(write("a.csv", "timestamp,val_accuracy", f"{first},.5", f"{second},.6"))
    assert run.columns["seconds"][1] == pytest.approx(9.5, abs=1e-6)


def test_a_table_without_a_known_metric_says_what_it_has(write: Write) -> None:
    file = write("results.csv", "epoch,  metrics/mAP50(B)", "1,.5", "2,.6")
    with pytest.raises(UserError, match=r"with --metric: it has epoch and metrics/mAP50\(B\)"):
        one(file)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"\x1f\x8b\x08\0", "is packed with gzip; unpack it"),
        (b"PK\x03\x04\x14\0", "is packed with zip, as Excel's workbooks are"),
        (b"\x89PNG\r\n\0", "is not a text file"),
    ],
)
def test_what_is_no_text_is_named(write: Write, head: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        one(write("a.csv", head + bytes(range(256))))


def test_places_that_hold_no_file_are_refused(tmp_path: Path) -> None:
    """Neither is waited for, nor followed for ever."""
    (tmp_path / "loop").symlink_to(tmp_path / "pool")
    (tmp_path / "pool").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("loop", "dangling"):
        with pytest.raises(UserError, match="is a link that leads nowhere"):
            expand([tmp_path / name])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is a pipe or a device"):
        expand([tmp_path / "pipe"])


def test_a_parquet_table_may_hold_dates(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    stamps = pd.to_datetime(["2024-01-31 12:00:00.0", "2024-01-31 12:00:09.5"])
    file = tmp_path / "t.parquet"
    pd.DataFrame({"timestamp": stamps, "val_accuracy": [0.5, 0.6]}).to_parquet(file)
    assert one(file).columns["seconds"][1] == 9.5
