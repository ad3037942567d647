"""What web pages let their users download: charts of Weights & Biases, series of TensorBoard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.language import said
from harness.logs.cells import numbers
from harness.logs.making import final_values, make_runs
from harness.logs.names import canonical, find_metrics, plain, role
from harness.logs.rows import IntArray, Rows
from harness.logs.run import Reading, Run
from harness.logs.tables import line_of
from harness.logs.text import Table, open_table
from harness.measures import FloatArray
from harness.quantities import plural

_BOUNDS = ("__MIN", "__MAX")
_SAMPLED = 1000
"""TensorBoard keeps so many points of a series at most and draws which."""
_TENSORBOARD_FILE = re.compile(r"(?:run-)?(?P<run>.+?)-tag-(?P<tag>.+)")
_SIDES = {"train": "", "validation": "val_", "val": "val_", "eval": "val_", "test": "val_"}


def is_wandb_chart(header: Sequence[str]) -> bool:
    """Whether a header is that of a Weights & Biases chart: ``run - metric`` and its bounds."""
    return any(" - " in name for name in header) and any(n.endswith(_BOUNDS) for n in header)


def is_wandb_runs(header: Sequence[str]) -> bool:
    """Whether a header is that of a table of runs: a name, a metric, and nothing to count by."""
    own = {plain(name) for name in header}
    counts = own & {"epoch", "step", "global_step", "iteration"}
    return "name" in own and not counts and any(canonical(name) for name in header)


def is_tensorboard_series(header: Sequence[str]) -> bool:
    """Whether a header is that of a series downloaded from TensorBoard."""
    return {"wall_time", "step", "value"} == {plain(name) for name in header}


def read_wandb_chart(file: Path, reading: Reading) -> Iterator[Run]:
    """Read a chart's data: a column a run, split at the last " - " into run and metric (case E6).

    Raises:
        UserError: No column is of a metric that is known.
    """
    table = open_table(file, reading.metric)
    lines, cells = _everything(table)
    # a chart's first column is what it was drawn over
    over, by_run = table.header[0], _runs_of_chart(table, reading, file)
    notices = [*table.notices]
    told = _bounds_notice(table, cells, lines)
    notices += [told] if told else []
    counted = _column(table, cells, lines, 0)
    is_epoch = plain(over) in {"epoch", "epochs"}
    if not is_epoch and plain(over) not in {"step", "global_step", "trainer_global_step"}:
        raise UserError(f"{file}: the chart is drawn over {over!r}; export it over Step or epoch")
    rows = []
    for name, metrics in by_run.items():
        columns = {m: _column(table, cells, lines, place) for m, place in metrics.items()}
        there = np.flatnonzero(np.any([~np.isnan(v) for v in columns.values()], axis=0))
        if not len(there):
            raise UserError(f"{file}: run {name!r} has no value at all in this chart")
        # an empty cell below a run's last value was not trained, one before it was not logged
        upto = np.arange(there[-1] + 1)
        rows.append(
            Rows(
                source=str(file),
                name=name,
                kind="wandb",
                columns={m: values[upto] for m, values in columns.items()},
                lines=lines[upto],
                epoch=counted[upto] if is_epoch else None,
                step=None if is_epoch else counted[upto],
                notices=(*notices, *_gap_at(counted[upto])),
            )
        )
    yield from make_runs(rows, reading)


def _gap_at(counted: FloatArray) -> list[str]:
    """Counts that no run of the chart has."""
    known = counted[np.isfinite(counted)]
    gaps = np.diff(known)
    if not len(gaps) or gaps.min() < 1 or gaps.max() == gaps.min():
        return []
    missing = int((gaps - gaps.min()).sum())
    return [said("the chart has no row for {steps}", steps=partial(plural, missing, "step"))]


def _runs_of_chart(table: Table, reading: Reading, file: Path) -> dict[str, dict[str, int]]:
    """By run, the places of its metrics."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(table.header[1:], start=1):
        if not name.endswith(_BOUNDS) and " - " in name:
            places.setdefault(name.rpartition(" - ")[0], []).append(place)
    found: dict[str, dict[str, int]] = {}
    for run, own in places.items():
        if run.startswith("Group:"):
            raise UserError(
                f"{file}: {run!r} is a mean over a group of runs; export the runs ungrouped"
            )
        names = [table.header[place].rpartition(" - ")[2] for place in own]
        metrics, _ = find_metrics(names, reading.metric, f"{file}: {run}")
        if not metrics and len(own) == 1 and reading.metric is None:
            raise UserError(
                f"{file}: {names[0]!r} is no metric that is known; name it with --metric"
            )
        if metrics:
            found[run] = {metric: own[place] for metric, place in metrics.items()}
    if not found:
        raise UserError(f"{file}: has no column of a metric that is known; give --metric")
    return found


def _bounds_notice(table: Table, cells: Sequence[tuple[str, ...]], lines: IntArray) -> str | None:
    """Whether values are means over several steps."""
    for place, name in enumerate(table.header):
        if name.endswith("__MIN") and f"{name[:-5]}__MAX" in table.header:
            low = _column(table, cells, lines, place)
            high = _column(table, cells, lines, table.header.index(f"{name[:-5]}__MAX"))
            if (low[np.isfinite(low)] != high[np.isfinite(low)]).any():
                return said(
                    "MIN and MAX differ: values are means over several steps, not single ones"
                )
    return None


def read_wandb_runs(file: Path, reading: Reading) -> Iterator[Run]:
    """Read a table of runs: final values only, a row a run, known by its id (case E7).

    Raises:
        UserError: There is no metric that is known, or a row has no name.
    """
    table = open_table(file, reading.metric)
    lines, cells = _everything(table)
    own = [plain(name) for name in table.header]
    metrics, told = find_metrics(table.header, reading.metric, str(file))
    if "name" not in own:
        raise UserError(f"{file}: has no column name, so it is no table of runs")
    names = [cell.strip() for cell in cells[own.index("name")]]
    ids = [cell.strip() for cell in cells[own.index("id")]] if "id" in own else None
    if ids is not None and len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise UserError(f"{file}: the id {twice!r} is there more than once")
    numbers_of = {m: _column(table, cells, lines, place) for m, place in metrics.items()}
    no_times = said("final values only: there are no steps to measure times by")
    notices = [*told, *table.notices, no_times]
    rows = [
        Rows(
            source=str(file),
            name=name if ids is None else f"{name} ({ids[i]})",
            kind="wandb-runs",
            columns={metric: values[i : i + 1] for metric, values in numbers_of.items()},
            lines=lines[i : i + 1],
            epoch=np.ones(1),
            arm=None if ids is None or len(set(names)) == len(names) else name,
            replicate=None if ids is None or len(set(names)) == len(names) else ids[i],
            notices=tuple(notices),
        )
        for i, name in enumerate(names)
    ]
    yield from final_values(make_runs(rows, reading))


def read_tensorboard_series(file: Path, reading: Reading) -> Iterator[Run]:
    """Read one series as TensorBoard's page lets one download it (case E8).

    Raises:
        UserError: It is no such series.
    """
    table = open_table(file, reading.metric)
    lines, cells = _everything(table)
    own = {plain(name): place for place, name in enumerate(table.header)}
    if own.keys() != {"wall_time", "step", "value"}:
        raise UserError(f"{file}: has not the columns Wall time, Step, Value")
    steps = _column(table, cells, lines, own["step"])
    run, metric, told = _of_file_name(file, reading.metric)
    notices = [*table.notices, *told, said("the first record has no time before it")]
    known = np.unique(steps[np.isfinite(steps)])
    if len(known) == _SAMPLED and (np.diff(known) != 1).any():
        notices.append(
            said(
                "exactly {n} points with gaps: TensorBoard kept a sample of a longer series, so "
                "that times to a target may come out late",
                n=_SAMPLED,
            )
        )
    rows = Rows(
        source=str(file),
        name=run,
        kind="tensorboard-csv",
        columns={metric: _column(table, cells, lines, own["value"])},
        lines=lines,
        step=steps,
        clock=(_column(table, cells, lines, own["wall_time"]), "stamp"),
        notices=tuple(notices),
    )
    yield from make_runs([rows], reading)


def _of_file_name(file: Path, wanted: str | None) -> tuple[str, str, list[str]]:
    """Run and metric of a downloaded series: ``run-<run>_validation-tag-epoch_accuracy.csv``."""
    found = _TENSORBOARD_FILE.fullmatch(file.stem)
    if found is None:
        metric = "val_accuracy" if wanted is None else role(wanted)
        taken = said("the file does not name its metric: taken as {metric}", metric=metric)
        told: list[str] = [] if wanted else [taken]
        return str(file), metric, told
    run, tag = found["run"], found["tag"]
    stem, _, side = re.sub(r"[/\\.]", "_", run).rpartition("_")
    prefix = _SIDES.get(side.lower()) if stem else None
    known = canonical(tag)
    if known is None and wanted is None:
        raise UserError(f"{file}: {tag!r} is no metric that is known; name it with --metric")
    metric = role(wanted or tag)
    if wanted is None and prefix and not metric.startswith("val_"):
        metric = f"{prefix}{metric}"
    return (run[: len(stem)] if prefix is not None else run), metric, []


def _everything(table: Table) -> tuple[IntArray, list[tuple[str, ...]]]:
    """A whole table: its lines and columns."""
    batches = list(table.batches())
    if not batches:
        raise UserError(f"{table.file}: has a header and no rows")
    lines = np.concatenate([batch.lines for batch in batches])
    columns = zip(*(batch.columns for batch in batches), strict=True)
    return lines, [tuple(cell for part in parts for cell in part) for parts in columns]


def _column(
    table: Table, cells: Sequence[tuple[str, ...]], lines: IntArray, place: int
) -> FloatArray:
    return numbers(
        cells[place],
        name=table.header[place],
        where=line_of(table.file, lines),
        decimal_comma=table.decimal_comma,
    )[0]
