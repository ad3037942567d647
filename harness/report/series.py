"""The curve table as arrays for drawing: one matrix of replicates by epochs an arm and column."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.measures import CURVE_COLUMNS
from harness.results import Results

FloatArray = NDArray[np.float64]
_MOST_POINTS = 4_000  # epochs of all arms together that a panel can show
_PUBLISHED_COLUMNS = {"acc": "accuracy", "val_acc": "val_accuracy"}


@dataclass(frozen=True)
class Series:
    """One column of one arm's curves.

    Attributes:
        epochs: Epoch numbers, shape ``(e,)``.
        matrix: A row a trial, shape ``(r, e)``; NaN where it has no number for an epoch.
        diverged: Whether each trial diverged, shape ``(r,)``.
    """

    epochs: NDArray[np.int64]
    matrix: FloatArray
    diverged: NDArray[np.bool_]

    @property
    def has_values(self) -> bool:
        """Whether any trial has a number at any epoch."""
        return bool(np.isfinite(self.matrix).any())

    @property
    def whole(self) -> FloatArray:
        """The rows that a mean curve can be made of: trials that kept learning, without gaps."""
        return self.matrix[np.isfinite(self.matrix).all(axis=1) & ~self.diverged]


def series_by_arm(results: Results) -> dict[str, dict[str, Series]]:
    """Every arm's curves by column name, arms in the study's order, only those with curves."""
    present = dict(list(results.curves.groupby("arm", sort=False)))
    trials = results.trials
    lost = trials[trials["status"] == "diverged"].groupby("arm")["replicate"].apply(set)
    names = [arm.name for arm in results.loaded.study.all_arms if arm.name in present]
    return {name: _columns(present[name], lost.get(name, set())) for name in names}


def thinned(arms: Mapping[str, Series]) -> tuple[dict[str, Series], int]:
    """Few enough epochs to draw: the first, the last, and one in so many between.

    Fifty arms of 200 epochs have more points than a panel has pixels, and make a page of many
    megabytes.

    Returns:
        The arms, and how many epochs each drawn one stands for.
    """
    step = math.ceil(sum(len(series.epochs) for series in arms.values()) / _MOST_POINTS) or 1
    return {name: _every(series, step) for name, series in arms.items()}, step


def _every(series: Series, step: int) -> Series:
    last = len(series.epochs) - 1
    kept = [i for i in range(last + 1) if i % step == 0 or i == last]
    return Series(series.epochs[kept], series.matrix[:, kept], series.diverged)


def _columns(rows: pd.DataFrame, lost: Collection[int]) -> dict[str, Series]:
    replicates, row = np.unique(rows["replicate"].to_numpy(dtype=np.int64), return_inverse=True)
    epochs, column = np.unique(rows["epoch"].to_numpy(dtype=np.int64), return_inverse=True)
    diverged = np.isin(replicates, list(lost))
    series = {}
    for name in CURVE_COLUMNS:
        matrix = np.full((len(replicates), len(epochs)), np.nan)
        matrix[row, column] = rows[name].to_numpy(dtype=float)
        series[name] = Series(epochs, matrix, diverged)
    return series


def published_curves(results: Results) -> tuple[pd.DataFrame | None, str | None]:
    """The single runs that the study names for comparison, and what is wrong with them if anything.

    Returns:
        A table with arm, epoch and the columns of a curve, or None; and a notice, or None.
    """
    published = results.loaded.study.published
    if published is None:
        return None, None
    file = results.loaded.file.parent / published.curves
    try:
        table = pd.read_csv(file).rename(columns=_PUBLISHED_COLUMNS)
    except (OSError, ValueError) as error:
        return None, f"the published curves {published.curves} cannot be read: {error}"
    numbers = {"epoch", *CURVE_COLUMNS} & set(table.columns)
    if not {"arm", "epoch"} <= set(table.columns):
        return None, f"the published curves {published.curves} have no columns arm and epoch"
    if not all(pd.api.types.is_numeric_dtype(table[name]) for name in numbers):
        return None, f"the published curves {published.curves} hold cells that are not numbers"
    return table, None
