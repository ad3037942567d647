"""One run from elsewhere, read like any other log (see `harness.logs`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from harness.errors import UserError
from harness.logs import Kind, Run, read_log
from harness.logs.cells import numbers
from harness.logs.making import make_runs
from harness.logs.names import meaning
from harness.logs.rows import Rows
from harness.logs.run import Reading
from harness.logs.tables import wanted_columns

SingleRun = Run


def read_run(file: Path, arm: str | None = None, kind: Kind | None = None) -> SingleRun:
    """Read one run from a log of any kind.

    Args:
        file: The file, or the folder of a TensorBoard or MLflow run.
        arm: Which run, where the file has several that it names.
        kind: The kind of log; found out if not given.

    Raises:
        UserError: The file cannot be read as one run; the message says what to do.
    """
    return _chosen(read_log(file, kind), arm, str(file))


def run_of(table: pd.DataFrame, source: str) -> SingleRun:
    """Make a run of a table's rows.

    Args:
        table: A row an epoch, with the columns that a CSV log has.
        source: Where the table is from, for messages.

    Raises:
        UserError: The rows are not one run.
    """
    meant = meaning([str(name) for name in table.columns], None, source)
    columns = {
        name: numbers(
            ["" if pd.isna(cell) else str(cell) for cell in table.iloc[:, place]],
            name=str(table.columns[place]),
            where=lambda row: f"{source}, row {row + 1}",
        )[0]
        for name, place in wanted_columns(meant).items()
    }
    clock = columns.pop("clock", None)
    rows = Rows(
        source=source,
        name=source,
        kind="csv",
        epoch=columns.pop("epoch", None),
        step=columns.pop("step", None),
        clock=None if clock is None or meant.clock is None else (clock, meant.clock[1]),
        columns=columns,
        lines=np.arange(1, len(table) + 1),
        notices=meant.notices,
    )
    return _chosen(make_runs([rows], Reading()), None, source)


def _chosen(runs: list[Run], arm: str | None, source: str) -> Run:
    """The run that was asked for."""
    named = [run for run in runs if run.arm is not None or run.replicate is not None]
    if arm is not None:
        known = list(dict.fromkeys(run.arm or run.name for run in named))
        if not named:
            raise UserError(f"{source}: names no arms; leave --arm out")
        if arm not in known:
            raise UserError(f'{source}: has no run "{arm}"; it has {", ".join(known)}')
        runs = [run for run in runs if (run.arm or run.name) == arm]
    if len(runs) > 1:
        known = list(dict.fromkeys(run.arm or run.name for run in runs))
        which = ", ".join(known[:10])
        told = f"choose one with --arm: {which}" if len(known) == len(runs) else "give one alone"
        raise UserError(f"{source}: holds several runs; {told}")
    return runs[0]
