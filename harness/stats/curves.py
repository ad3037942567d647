"""Numbers that describe one learning curve: its area, its best, and when it reaches a level.

A curve is two arrays, ``epoch`` (ascending, evenly spaced or not) and ``value`` of the same shape
(e,). A function that looks for an epoch returns NaN where the curve never gets there: the caller
knows the budget at which such a run is censored. A value that is not finite has reached nothing.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from harness.stats.samples import FloatArray

_FLOAT32_SLACK = 1e-7
"""Logs hold float32: 950 of 1000 right is logged as 0.94999999, and still reaches 0.95."""


def _curve(epoch: npt.ArrayLike, value: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(epoch, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0:
        raise ValueError(
            f"a curve needs epoch and value of one shape (e,) with e >= 1, not {x.shape} "
            f"and {y.shape}"
        )
    if (x[1:] <= x[:-1]).any():
        raise ValueError("the epochs of a curve must ascend without repeats; sort them first")
    return x, y


def area_under_curve(
    epoch: npt.ArrayLike, value: npt.ArrayLike, *, normalised: bool = False
) -> float:
    """Integrate a curve over its epochs by the trapezoid rule, up to its first non-finite value.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        normalised: Divide by the epochs covered, which gives the curve's mean level (the value
            itself if there is one epoch).

    Returns:
        The area in units of value x epoch, or the mean level; NaN where the first value is not
        finite.
    """
    x, y = _curve(epoch, value)
    broken = np.flatnonzero(~np.isfinite(y))
    end = int(broken[0]) if broken.size else y.size
    if end == 0:
        return math.nan
    if end == 1:
        return float(y[0]) if normalised else 0.0
    area = float(np.sum(np.diff(x[:end]) * (y[1:end] + y[: end - 1]) / 2))
    return area / float(x[end - 1] - x[0]) if normalised else area


def best(
    epoch: npt.ArrayLike, value: npt.ArrayLike, *, higher_is_better: bool = True
) -> tuple[float, float]:
    """Find the best finite value of a curve and the first epoch that has it.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        higher_is_better: True for accuracies, False for losses.

    Returns:
        Value and epoch; both NaN where no value is finite.
    """
    x, y = _curve(epoch, value)
    finite = np.isfinite(y)
    if not finite.any():
        return math.nan, math.nan
    x, y = x[finite], y[finite]
    place = int(np.argmax(y) if higher_is_better else np.argmin(y))
    return float(y[place]), float(x[place])


def final_value(epoch: npt.ArrayLike, value: npt.ArrayLike) -> float:
    """Return the last finite value of a curve; NaN where there is none."""
    _, y = _curve(epoch, value)
    finite = y[np.isfinite(y)]
    return float(finite[-1]) if finite.size else math.nan


def _at_or_beyond(
    y: FloatArray, threshold: float, *, higher_is_better: bool
) -> npt.NDArray[np.bool_]:
    slack = _FLOAT32_SLACK * abs(threshold)
    beyond = y >= threshold - slack if higher_is_better else y <= threshold + slack
    return np.asarray(beyond & np.isfinite(y))


def first_reach(
    epoch: npt.ArrayLike,
    value: npt.ArrayLike,
    threshold: float,
    *,
    sustain: int = 1,
    higher_is_better: bool = True,
) -> float:
    """Find the first epoch at which a curve is at its threshold or beyond, and stays for a while.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        threshold: The level to reach; equality counts.
        sustain: Consecutive evaluations that must be there; the first of them is the answer. A
            curve that ends before it has shown them has not reached the level.
        higher_is_better: True for accuracies, False for losses.

    Returns:
        The epoch, or NaN.
    """
    x, y = _curve(epoch, value)
    if sustain < 1:
        raise ValueError(f"sustain counts evaluations and must be >= 1, not {sustain}")
    if sustain > y.size:
        return math.nan
    there = _at_or_beyond(y, threshold, higher_is_better=higher_is_better)
    stays = there
    for later in range(1, sustain):
        stays = stays[:-1] & there[later:]
    starts = np.flatnonzero(stays)
    return float(x[starts[0]]) if starts.size else math.nan


def interpolated_reach(
    epoch: npt.ArrayLike, value: npt.ArrayLike, threshold: float, *, higher_is_better: bool = True
) -> float:
    """Find where the straight line into ``first_reach`` crosses the threshold.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        threshold: The level to reach.
        higher_is_better: True for accuracies, False for losses.

    Returns:
        A fraction of an epoch; the first epoch itself if the curve starts there; NaN if it never
        gets there.
    """
    x, y = _curve(epoch, value)
    reached = np.flatnonzero(_at_or_beyond(y, threshold, higher_is_better=higher_is_better))
    if not reached.size:
        return math.nan
    after = int(reached[0])
    if after == 0 or not math.isfinite(y[after - 1]):
        return float(x[after])
    share = (threshold - y[after - 1]) / (y[after] - y[after - 1])
    return float(x[after - 1] + min(share, 1.0) * (x[after] - x[after - 1]))


def stays_from(
    epoch: npt.ArrayLike, value: npt.ArrayLike, threshold: float, *, higher_is_better: bool = True
) -> float:
    """Find the epoch from which a curve stays at its threshold or beyond, to its end.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        threshold: The level to keep.
        higher_is_better: True for accuracies, False for losses.

    Returns:
        The first epoch of the final stretch, or NaN where the curve does not end there.
    """
    x, y = _curve(epoch, value)
    there = _at_or_beyond(y, threshold, higher_is_better=higher_is_better)
    if not there[-1]:
        return math.nan
    outside = np.flatnonzero(~there)
    return float(x[outside[-1] + 1] if outside.size else x[0])


def seconds_to_reach(
    seconds: npt.ArrayLike,
    value: npt.ArrayLike,
    threshold: float,
    *,
    higher_is_better: bool = True,
) -> float:
    """Sum the seconds of all epochs up to and with the first at its threshold or beyond.

    Args:
        seconds: Seconds each epoch took, shape (e,).
        value: Values after each epoch, shape (e,).
        threshold: The level to reach.
        higher_is_better: True for accuracies, False for losses.

    Returns:
        Seconds, or NaN where the curve never gets there.
    """
    spent, y = np.cumsum(np.asarray(seconds, dtype=np.float64)), np.asarray(value, dtype=np.float64)
    if spent.shape != y.shape:
        raise ValueError(f"seconds and value differ in shape: {spent.shape} and {y.shape}")
    reached = np.flatnonzero(_at_or_beyond(y, threshold, higher_is_better=higher_is_better))
    return float(spent[reached[0]]) if reached.size else math.nan


def gain_level(epoch: npt.ArrayLike, value: npt.ArrayLike, *, share: float = 0.99) -> float:
    """Return the level at which a curve has made ``share`` of its own gain, first to final value.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        share: Part of the gain, in [0, 1].

    Returns:
        y_1 + share (y_final - y_1), with the first and the last finite value; NaN without any.
    """
    _, y = _curve(epoch, value)
    finite = y[np.isfinite(y)]
    if not finite.size:
        return math.nan
    return float(finite[0] + share * (finite[-1] - finite[0]))


def gain_reach(
    epoch: npt.ArrayLike,
    value: npt.ArrayLike,
    *,
    share: float = 0.99,
    higher_is_better: bool = True,
) -> float:
    """Find the first epoch at which a curve has made ``share`` of its own gain.

    A curve that ends as it began has made it at once. One that ends worse has lost all that it may
    have gained on the way, and has a share of no gain at any epoch.

    Args:
        epoch: Epochs, shape (e,).
        value: Values, shape (e,).
        share: Part of the gain, in [0, 1].
        higher_is_better: True for accuracies, False for losses.

    Returns:
        The epoch, or NaN where the curve ends worse than it began or no value is finite.
    """
    start, end = (gain_level(epoch, value, share=part) for part in (0, 1))
    if not _at_or_beyond(np.array([end]), start, higher_is_better=higher_is_better)[0]:
        return math.nan
    level = gain_level(epoch, value, share=share)
    return first_reach(epoch, value, level, higher_is_better=higher_is_better)
