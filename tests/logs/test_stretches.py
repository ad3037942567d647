"""Large tables: what is read quickly is what careful reading gives, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.logs import Reading, Run, open_log, stretches, tables, text
from tests.logs.conftest import Write
from tests.logs.test_fuzz import PROFILE
from tests.logs.test_fuzz import tables as any_table

Outcome = Sequence[tuple[object, ...]] | str


def outcome(file: Path, *, quickly: bool, size: int = 40) -> Outcome:
    """All of a log's runs, or what it is refused with, read in one way or the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "HEAD", 0 if quickly else 2**40)
        patch.setattr(stretches, "HEAD", size)
        patch.setattr(stretches, "STRETCH", size)
        try:
            return [told(run) for run in open_log(file, Reading(restarts="separate"))]
        except UserError as error:
            return str(error)


def told(run: Run) -> tuple[object, ...]:
    columns = {name: values.tobytes() for name, values in run.columns.items()}
    return (
        run.arm,
        run.replicate,
        run.name,
        run.epoch.tolist(),
        columns,
        run.notices,
        run.is_percent,
    )


def regular_table(rows: int = 400, newline: str = "\n") -> str:
    rng = np.random.default_rng(0)
    lines = [
        f"{'ab'[i * 2 // rows]},{i * 8 // rows},{i},{value!r},{1 / (1 + value):.5e}"
        for i, value in enumerate(rng.random(rows).tolist())
    ]
    return newline.join(["arm,seed,epoch,val_accuracy,val_loss", *lines, ""])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [10, 1000, 10**6])
def test_a_regular_table_comes_out_bit_by_bit(tmp_path: Path, newline: str, size: int) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(regular_table(newline=newline).encode())
    assert outcome(file, quickly=True, size=size) == outcome(file, quickly=False)


def test_a_regular_table_is_read_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All stretches but the head, which holds the header."""
    file = tmp_path / "t.csv"
    file.write_text(regular_table())
    calls = []
    real = stretches.regular

    def counted(stretch: stretches.Stretch, layout: stretches.Layout) -> stretches.Regular | None:
        calls.append(found := real(stretch, layout))
        return found

    monkeypatch.setattr(tables, "regular", counted)
    outcome(file, quickly=True, size=1000)
    assert len(calls) > 10
    assert all(found is not None for found in calls)


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (200, '"a",3,200,0.5,0.25'),
        (200, 'a,3,200,0.5,"0.25"'),
        (200, "a,3,200,nan,inf"),
        (200, "a,3,200,,0.25"),
        (200, "a,3,200,NA,null"),
        (200, " a , 3 , 200 , 0.5 , 0.25 "),
        (200, "a,3.0,200,1_0,0.25"),
        (200, "a,3,200,45%,0.25"),
        (200, "a,3,200,1e999,5e-324"),
        (200, ""),
        (200, "arm,seed,epoch,val_accuracy,val_loss"),
        (200, "a,3,200,0.5"),
        (200, "a,3,200,0.5,0.25,1"),
        (200, "a,3,200,x,0.25"),
        (200, 'a,"3,200,0.5,0.25'),
        (200, '"a\n",3,200,0.5,0.25'),
        (200, "größe,3,200,0.5,0.25"),
        (200, "a\0,3,200,0.5,0.25"),
        (200, "a,,200,0.5,0.25"),
        (401, "b,7,400,0.5"),
        (401, "b,7,400,0.5,0.2"),
    ],
)
def test_whatever_is_odd_is_left_to_careful_reading(tmp_path: Path, line: int, cells: str) -> None:
    lines = regular_table().split("\n")
    lines[line] = cells
    file = tmp_path / "t.csv"
    file.write_text("\n".join(lines), encoding="utf-8", newline="")
    careful = outcome(file, quickly=False)
    for size in (10, 1000, 10**6):
        assert outcome(file, quickly=True, size=size) == careful


def test_bytes_that_are_no_text_are_refused_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(regular_table().encode().replace(b"a,3,", b"\xff,3,", 1))
    for size in (10, 1000):
        assert "holds bytes that are no text" in str(outcome(file, quickly=True, size=size))


@PROFILE
@given(data=any_table(), size=st.integers(1, 200))
def test_any_table_comes_out_alike(tmp_path: Path, data: bytes, size: int) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(data)
    assert outcome(file, quickly=True, size=size) == outcome(file, quickly=False)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_other_delimiters_come_out_alike(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(regular_table().replace(",", delimiter))
    assert outcome(file, quickly=True, size=500) == outcome(file, quickly=False)


def test_a_line_without_an_end_is_no_log(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (stretches, text):
        monkeypatch.setattr(module, "LONGEST_LINE", 100)
    file = write("t.csv", "epoch,val_accuracy", "1,.5", "9" * 200)
    with pytest.raises(UserError, match="over 100 characters: no log"):
        list(open_log(file, Reading()))
    monkeypatch.setattr(tables, "HEAD", 0)
    monkeypatch.setattr(stretches, "HEAD", 10)
    with pytest.raises(UserError, match="over 100 characters: no log"):
        list(open_log(file, Reading()))
