"""What every function of this package asks of its samples, and how it compares floats."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Alternative = Literal["two-sided", "less", "greater"]

SIGNIFICANT_DIGITS = 10
"""Two statistics that agree to this many digits are a tie.

Accuracies are multiples of 1/(test images) stored in binary: a difference of 0.0001 carries a
rounding error near 1e-16, which is 1e-12 of it. Comparing at 1e-10 counts true ties as ties and
is far below any difference that data can show.
"""

VALUE_DIGITS = 13
"""Two values that agree to this many digits are the same: what a mean of floats is accurate to."""

_MOST_DECIMALS = 290  # 10**decimals must stay finite


def sample(values: ArrayLike, name: str = "values") -> FloatArray:
    """Return ``values`` as a one-dimensional float array.

    Raises:
        ValueError: If the array is not one-dimensional or holds NaN or infinity. Missing values
            are the caller's to drop, knowingly.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, not of shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(
            f"{name} holds {array[bad[0]]} at position {bad[0]}: "
            "drop or impute missing values before calling"
        )
    return array


def tie_decimals(values: FloatArray, digits: int = SIGNIFICANT_DIGITS) -> int:
    """Return the decimal place to round to, so that ties in the scale of ``values`` are ties."""
    scale = float(np.max(np.abs(values), initial=0.0))
    if scale < np.finfo(np.float64).tiny:
        return _MOST_DECIMALS
    return min(digits - math.ceil(math.log10(scale)), _MOST_DECIMALS)


def difference(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return ``a - b`` rid of binary noise: equal decimals are equal numbers.

    Noise is told by the size of the values: 0.1 + 0.2 less 0.3 is 6e-17, and no difference.
    """
    d = a - b
    of_values = tie_decimals(np.concatenate([a, b]), VALUE_DIGITS)
    return np.asarray(np.round(d, min(tie_decimals(d), of_values)))


def with_ties(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two samples in which values that only binary noise keeps apart are equal."""
    decimals = tie_decimals(np.concatenate([a, b]), VALUE_DIGITS)
    return np.round(a, decimals), np.round(b, decimals)


def has_no_spread(values: FloatArray) -> bool:
    """Whether all values are equal, up to the rounding error of a difference of accuracies."""
    if values.size == 0:
        return True
    scale = float(np.max(np.abs(values)))
    return float(np.ptp(values)) <= 10.0**-SIGNIFICANT_DIGITS * scale


def significance(level: float) -> float:
    """Return ``alpha = 1 - level`` free of the subtraction's rounding (0.9 gives exactly 0.1).

    Raises:
        ValueError: If ``level`` is not strictly between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    return round(1.0 - level, 12)


def check_alternative(alternative: str) -> None:
    """Raise ValueError unless ``alternative`` is one of the three known."""
    if alternative not in ("two-sided", "less", "greater"):
        raise ValueError(
            f"alternative must be 'two-sided', 'less' or 'greater', got {alternative!r}"
        )
