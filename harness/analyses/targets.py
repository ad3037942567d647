"""Which targets the curves can speak of, and a claim on a target at every one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np

from harness.measures import Curve, FloatArray, Metric, is_accuracy

_REACHED_AT_ONCE = 0.5  # share of trials that are there after their first epoch
_EVER_REACHED = 0.1  # share of trials that get there at all


def supported_range(curves: Sequence[Curve], metric: Metric) -> tuple[float, float] | None:
    """The easiest and the hardest target that these curves tell apart.

    The easiest is the level that half of the trials have after their first epoch: below it there is
    nothing left to wait for. The hardest is the level that one trial in ten ever reaches: beyond
    it hardly any time is known.

    Args:
        curves: Trials of all arms that are compared.
        metric: The metric that has to reach the target.

    Returns:
        The lower and the higher of both levels; None where there is no room between them.
    """
    columns = [curve.columns[metric] for curve in curves]
    finite = [values[np.isfinite(values)] for values in columns]
    finite = [values for values in finite if len(values)]
    if not finite:
        return None
    first = np.array([values[0] for values in finite])
    if is_accuracy(metric):
        low = float(np.quantile(first, 1 - _REACHED_AT_ONCE))
        high = float(np.quantile([values.max() for values in finite], 1 - _EVER_REACHED))
    else:
        low = float(np.quantile([values.min() for values in finite], _EVER_REACHED))
        high = float(np.quantile(first, _REACHED_AT_ONCE))
    return (low, high) if low < high else None


def round_levels(low: float, high: float, at_most: int) -> FloatArray:
    """Round numbers between two bounds: all multiples of the finest step that gives few enough.

    Steps are 1, 2 or 5 times a power of ten.

    Args:
        low: Lower bound, above 0.
        high: Upper bound.
        at_most: The number of levels allowed, 1 or more.

    Returns:
        The levels, ascending; empty where no such number lies between the bounds.
    """
    start = math.floor(math.log10((high - low) / at_most))
    for step in (factor * 10.0**power for power in count(start) for factor in (1, 2, 5)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < at_most:
            break
    levels = np.arange(max(first, 1), last + 1) * step
    return np.round(levels, max(0, -math.floor(math.log10(step) + 1e-9)))
