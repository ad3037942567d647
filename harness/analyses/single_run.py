"""One run from elsewhere: a CSV file with a row an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import UserError
from harness.measures import FloatArray, is_accuracy

_METRICS = ("val_accuracy", "val_loss", "accuracy", "loss")
_ONE = 1 + 1e-6  # logs hold float32, in which 1 may come out a hair above itself
_OTHER_NAMES = {"acc": "accuracy", "val_acc": "val_accuracy"}


@dataclass(frozen=True, eq=False)
class SingleRun:
    """One learning curve that no study trained.

    Attributes:
        epoch: Epochs from 1, ascending, shape ``(e,)``.
        columns: Values by metric, each of shape ``(e,)``; NaN where there is none.
        notices: What was taken for granted when it was read.
    """

    epoch: NDArray[np.int64]
    columns: Mapping[str, FloatArray]
    notices: tuple[str, ...] = ()


def read_run(file: Path, arm: str | None = None) -> SingleRun:
    """Read one run from a CSV file.

    Columns are found by name: ``epoch`` (from 0 or 1; rows count where it is missing), and
    ``accuracy`` or ``acc``, ``loss``, ``val_accuracy`` or ``val_acc``, ``val_loss``. Accuracies
    from 0 to 100 are taken as percent.

    Args:
        file: The file.
        arm: Which run, where the file has several and a column ``arm`` that names them.

    Raises:
        UserError: The file cannot be read as one run; the message says what to do.
    """
    try:
        table = pd.read_csv(file, encoding="utf-8-sig", skipinitialspace=True)
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read as CSV: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    return run_of(_rows_of(table, arm, file), str(file))


def _rows_of(table: pd.DataFrame, arm: str | None, file: Path) -> pd.DataFrame:
    """The rows of the run that was asked for."""
    if "arm" not in table:
        if arm is not None:
            raise UserError(f"{file}: has no column arm; leave --arm out")
        return table
    names = table["arm"].astype(str).str.strip()
    known = list(dict.fromkeys(names))
    if arm is None and len(known) > 1:
        raise UserError(f"{file}: holds several runs; choose one with --arm: {', '.join(known)}")
    if arm is not None and arm not in known:
        raise UserError(f'{file}: has no run "{arm}"; it has {", ".join(known)}')
    return table[names == (arm or known[0])] if known else table


def run_of(table: pd.DataFrame, source: str) -> SingleRun:
    """Make a run of a table's rows.

    Args:
        table: A row an epoch, with the columns that `read_run` describes.
        source: Where the table is from, for messages.

    Raises:
        UserError: The rows are not one run.
    """
    table = table.rename(columns={k: v for k, v in _OTHER_NAMES.items() if v not in table})
    metrics = [name for name in _METRICS if name in table]
    if not metrics or table.empty:
        wanted = ", ".join((*_METRICS, *_OTHER_NAMES))
        raise UserError(f"{source}: has no rows with a column of {wanted}")
    notices = [] if "epoch" in table else ["there is no column epoch: rows were counted from 1"]
    epoch = _numbers(table, "epoch", source) if "epoch" in table else np.arange(1.0, len(table) + 1)
    if not np.isfinite(epoch).all() or (epoch != np.round(epoch)).any() or epoch.min() < 0:
        raise UserError(f"{source}: epoch must hold whole numbers from 0 or 1")
    if len(set(epoch)) < len(epoch):
        twice = next(e for e in epoch if (epoch == e).sum() > 1)
        raise UserError(
            f"{source}: epoch {twice:g} is there more than once: give the rows of one run"
        )
    columns = {}
    for name in metrics:
        columns[name], notice = _fraction(name, _numbers(table, name, source), source)
        notices += [notice] if notice else []
    order = np.argsort(epoch)
    first = 1 if epoch.min() == 0 else 0
    return SingleRun(
        epoch=epoch[order].astype(np.int64) + first,
        columns={name: values[order] for name, values in columns.items()},
        notices=tuple(notices),
    )


def _numbers(table: pd.DataFrame, name: str, source: str) -> FloatArray:
    try:
        return pd.to_numeric(table[name]).to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise UserError(f"{source}: {name} holds a cell that is no number: {error}") from None


def _fraction(name: str, values: FloatArray, source: str) -> tuple[FloatArray, str | None]:
    """An accuracy as a share of 1; the scale is one for the whole column (case E5)."""
    finite = values[np.isfinite(values)]
    if not is_accuracy(name) or not finite.size or finite.max() <= _ONE:
        return values, None
    if finite.max() > 100:
        raise UserError(f"{source}: {name} goes up to {finite.max():g}, which is no accuracy")
    return values / 100, f"{name} was taken as percent"
