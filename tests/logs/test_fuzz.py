"""Any bytes give runs with notices, or a clear error: never a traceback, a warning, or a hang."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.logs import KINDS, Kind, Reading, Run, labelled, open_log
from harness.logs.records import masked_crc
from harness.measures import Best, Final
from harness.time_measures import EpochsTo, EpochsToPlateau, SecondsTo

PROFILE = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
NAMES = st.sampled_from(
    [
        "epoch",
        "step",
        "val_accuracy",
        "val_acc",
        "loss",
        "val_loss",
        "time",
        "seconds",
        "arm",
        "seed",
        "Value",
        "Wall time",
        "name",
        "id",
        "a - s0 - val_accuracy",
        "a - s0 - val_accuracy__MIN",
        " padded ",
        "",
        "größe",
    ]
)
CELLS = st.one_of(
    st.sampled_from(
        ["", "nan", "inf", "-1", "1e999", "0,5", "45%", "NA", '"', "1_0", "00:17", "x"]
    ),
    st.floats(0, 1).map(str),
    st.integers(0, 30).map(str),
    st.text(max_size=6),
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Delimited text that is mostly a log."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    header = draw(st.lists(NAMES, min_size=1, max_size=6))
    rows = draw(st.lists(st.lists(CELLS, min_size=0, max_size=7), max_size=12))
    lines = [delimiter.join(row) for row in [header, *rows]]
    lines.insert(draw(st.integers(0, len(lines))), delimiter.join(header))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    return text.encode(encoding, errors="replace")


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["epoch", "val_acc", "loss", "log_history"]), inner, max_size=3
        ),
    ),
    max_leaves=12,
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """JSON lines, or one document, perhaps cut."""
    lines = [json.dumps(value) for value in draw(st.lists(VALUES, min_size=1, max_size=6))]
    text = "\n".join(lines).encode()
    return text[: draw(st.integers(0, len(text)))]


@st.composite
def mllogs(draw: st.DrawFn) -> bytes:
    """MLPerf lines with noise."""
    keys = st.sampled_from(["run_start", "run_stop", "eval_accuracy", "x"])
    events = draw(
        st.lists(
            st.fixed_dictionaries(
                {"key": keys},
                optional={"time_ms": VALUES, "value": VALUES, "metadata": VALUES},
            ),
            max_size=6,
        )
    )
    lines = [f"{draw(st.sampled_from(['', '0: ', 'x']))}:::MLLOG {json.dumps(e)}" for e in events]
    return "\n".join([*lines, draw(st.text(max_size=10))]).encode(errors="replace")


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Event files whose records are whole and whose insides are anything."""
    data = b""
    for body in draw(st.lists(st.binary(max_size=40), max_size=5)):
        length = struct.pack("<Q", len(body))
        data += length + struct.pack("<I", masked_crc(length))
        data += body + struct.pack("<I", masked_crc(body))
    return data + draw(st.binary(max_size=8))


ANY = st.one_of(
    st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode(errors="replace"))
)


def read(file: Path, data: bytes, reading: Reading) -> Sequence[Run]:
    """Read a file as a user would; whatever comes out must hold together."""
    file.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            runs = list(labelled(open_log(file, reading)))
        except UserError:
            return []
        for run in runs:
            check(run)
    return runs


def check(run: Run) -> None:
    """A run is a curve: ascending, of one length, in range, and measurable."""
    assert len(run.epoch) >= 1
    assert (np.diff(run.epoch) > 0).all()
    assert all(len(values) == len(run.epoch) for values in run.columns.values())
    assert not any(np.isinf(values).any() for values in run.columns.values())
    assert run.metrics
    for name, values in run.columns.items():
        known = values[np.isfinite(values)]
        if name.endswith("accuracy"):
            assert ((known >= 0) & (known <= 1 + 1e-6)).all()
    curve = run.curve(int(run.epoch[-1]))
    for metric in run.metrics:
        EpochsTo(kind="epochs_to", metric=metric, target=0.5).of(curve)  # type: ignore[arg-type]
        SecondsTo(kind="seconds_to", metric=metric, target=0.5).of(curve)  # type: ignore[arg-type]
        EpochsToPlateau(kind="epochs_to_plateau", metric=metric, within=0.1).of(curve)  # type: ignore[arg-type]
        Final(kind="final", metric=metric).of(curve)  # type: ignore[arg-type]
        Best(kind="best", metric=metric).of(curve)  # type: ignore[arg-type]


@PROFILE
@given(data=st.one_of(ANY, tables(), documents(), mllogs(), records()))
@example(data=b"")
@example(data=b"\xff\xfe")
@example(data=b"PAR1")
@example(data=b"epoch,val_accuracy\n" + b"9" * 400 + b",1\n")
@example(data=b'"epoch,val_accuracy\n1,.5\n')
@example(data=b"epoch,val_accuracy\n1,5e-324\n2,1e300\n")
def test_the_kind_is_found_out_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    read(tmp_path / "log", data, Reading())


@pytest.mark.parametrize("kind", KINDS)
@PROFILE
@given(data=st.one_of(ANY, tables(), documents(), mllogs(), records()))
def test_every_reader_takes_any_bytes(tmp_path: Path, kind: Kind, data: bytes) -> None:
    read(tmp_path / "log", data, Reading(kind=kind))


@PROFILE
@given(
    data=tables(),
    restarts=st.sampled_from(["separate", "last"]),
    axis=st.sampled_from(["steps", "epochs"]),
)
def test_every_way_of_reading_takes_any_table(
    tmp_path: Path, data: bytes, restarts: str, axis: str
) -> None:
    read(tmp_path / "log.csv", data, Reading(restarts=restarts, axis=axis, pauses="out"))  # type: ignore[arg-type]


@PROFILE
@given(st.lists(st.tuples(st.integers(0, 8), st.floats(0, 1, width=32)), min_size=1, max_size=30))
def test_no_epoch_of_a_log_is_invented(tmp_path: Path, points: list[tuple[int, float]]) -> None:
    """Whatever the order, every value of the curve is one that was logged for its epoch."""
    text = "epoch,val_loss\n" + "".join(f"{e},{v!r}\n" for e, v in points)
    for run in read(tmp_path / "log.csv", text.encode(), Reading(restarts="last")):
        first = 1 if "counted from 0" in " ".join(run.notices) else 0
        for epoch, value in zip(run.epoch, run.columns["val_loss"], strict=True):
            assert (int(epoch) - first, value) in points
