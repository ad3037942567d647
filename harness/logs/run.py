"""One run as a log tells it: a learning curve, whose it is, and what was done to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from harness.measure_kinds import Measure
from harness.measures import CLOCK_COLUMN, CURVE_COLUMNS, Curve, FloatArray, Measured

Axis = Literal["epochs", "steps", "none"]
Status = Literal["completed", "diverged", "aborted"]
Kind = Literal[
    "csv",
    "tidy",
    "tensorboard",
    "tensorboard-csv",
    "wandb",
    "wandb-runs",
    "mlflow",
    "mlperf",
    "json",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Scale = Literal["percent", "fraction"]
Restarts = Literal["separate", "last"]
Pauses = Literal["in", "out"]
METRICS = ("val_accuracy", "accuracy", "val_loss", "loss")
"""In the order of preference where nobody says which metric to compare."""


@dataclass(frozen=True)
class Pause:
    """A stretch of wall time in which the run most likely stood still.

    Attributes:
        after: The epoch after which it began.
        seconds: How long it was to the next record.
    """

    after: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Run:
    """One learning curve that no study trained.

    Attributes:
        epoch: Epochs from 1 (or steps, see ``axis``), ascending, shape ``(e,)``.
        columns: Values by `CURVE_COLUMNS` name, each of shape ``(e,)``; NaN where there is none.
        notices: What was assumed, repaired or left out when it was read.
        source: The file it is from.
        name: What the log calls the run; the file's path where it does not say.
        arm: The arm, where the log itself names it.
        replicate: The replicate, where the log itself names it.
        kind: How the file was read.
        axis: What ``epoch`` counts; ``"none"`` for a log of final values only.
        diverged_at: The epoch from which on the loss was no finite number; None if it always was.
        status: How the run ended, as far as the log says.
        watched_seconds: How long the run was watched, where that is longer than its epochs.
        pauses: Suspicious stretches of wall time.
        counts_pauses: Whether somebody said that these were training time.
        is_percent: Columns that were logged from 0 to 100.
        thinned_from: How many rows the log has, where only some of them are kept.
        measured: By measure (as JSON), its value on all rows, where only some are kept.
    """

    epoch: NDArray[np.int64]
    columns: Mapping[str, FloatArray]
    notices: tuple[str, ...] = ()
    source: str = ""
    name: str = ""
    arm: str | None = None
    replicate: str | None = None
    kind: Kind = "csv"
    axis: Axis = "epochs"
    diverged_at: int | None = None
    status: Status = "completed"
    watched_seconds: float | None = None
    pauses: tuple[Pause, ...] = ()
    counts_pauses: bool = False
    is_percent: frozenset[str] = frozenset()
    thinned_from: int | None = None
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the log has."""
        return len(self.epoch) if self.thinned_from is None else self.thinned_from

    @property
    def metrics(self) -> list[str]:
        """The metrics that hold any number, in the order of preference."""
        return [m for m in METRICS if m in self.columns and np.isfinite(self.columns[m]).any()]

    @property
    def total_seconds(self) -> float:
        """Seconds between the first and the last record, pauses included; NaN if not known."""
        known = self.columns.get("seconds", np.empty(0))
        known = known[np.isfinite(known)]
        return float(known.sum()) if len(known) else float("nan")

    @property
    def active_seconds(self) -> float:
        """`total_seconds` less the pauses."""
        return self.total_seconds - sum(pause.seconds for pause in self.pauses)

    @property
    def is_timed(self) -> bool:
        """Whether its wall time is training time, as far as anybody knows (case E8)."""
        return self.counts_pauses or not self.pauses

    @property
    def starts_unknown(self) -> bool:
        """Whether the first epoch's seconds are not in the log, while later ones are."""
        seconds = self.columns.get("seconds", np.full(len(self.epoch), np.nan))
        return len(seconds) > 1 and bool(np.isnan(seconds[0]) and np.isfinite(seconds[1:]).any())

    def curve(self, budget: int) -> Curve:
        """The run as a curve that measures take; a diverged one is at risk up to ``budget``."""
        missing = np.full(len(self.epoch), np.nan)
        columns = {name: self.columns.get(name, missing) for name in CURVE_COLUMNS}
        if self.starts_unknown:  # time is counted from the first record, as a notice says
            columns["seconds"] = np.where(self.epoch == self.epoch[0], 0.0, columns["seconds"])
        diverged = self.diverged_at is not None
        last = int(self.epoch[-1])
        return Curve(
            epoch=self.epoch,
            columns=columns,
            budget=max(budget, last) if diverged else last,
            diverged=diverged,
            watched_seconds=self.watched_seconds,
        )

    def value_of(self, measure: Measure, budget: int) -> Measured:
        """A measure of the run, on all rows of its log."""
        known = self.measured.get(measure.model_dump_json())
        return measure.of(self.curve(budget)) if known is None else known

    def thinned(self, count: int, measures: Sequence[Measure]) -> Run:
        """The run with ``count`` of its rows, evenly chosen, and the measures of all of them.

        Seconds of rows that go are added to the next that stays.
        """
        kept = np.unique(np.linspace(0, len(self.epoch) - 1, count).astype(int))
        starts = np.concatenate([[0], kept[:-1] + 1])
        columns = {
            name: np.add.reduceat(values, starts) if name in CLOCK_COLUMN.values() else values[kept]
            for name, values in self.columns.items()
        }
        last = int(self.epoch[-1])
        return replace(
            self,
            epoch=self.epoch[kept],
            columns=columns,
            thinned_from=self.rows,
            measured={m.model_dump_json(): self.value_of(m, last) for m in measures},
        )


@dataclass(frozen=True)
class Reading:
    """How to read logs; every default is "refuse rather than guess".

    Attributes:
        kind: The kind of all files; found out for each if not given.
        metric: A column to compare, by the log's own name or one of `METRICS`.
        scale: Whether accuracies are logged from 0 to 100; found out for each column if not given.
        restarts: What to do with a log in which a run begins again from scratch: take each as a
            ``"separate"`` run, or the ``"last"`` alone; refused if not given.
        axis: Count by this; epochs where the log has them if not given.
        pauses: ``"out"`` takes pauses out of the seconds, ``"in"`` counts them.
        report_bytes: Called with the number of bytes read, as they are read, of a large file.
    """

    kind: Kind | None = None
    metric: str | None = None
    scale: Scale | None = None
    restarts: Restarts | None = None
    axis: Literal["epochs", "steps"] | None = None
    pauses: Pauses | None = None
    report_bytes: Callable[[int], None] = lambda _: None
