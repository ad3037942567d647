"""Adjusting the p values of one family of claims.

All take p values in any order and return adjusted ones in the same order, to be compared with
alpha: reject when ``adjusted <= alpha``. NaN means "could not be tested" and stays NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.samples import FloatArray

Method = Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by"]


# Each of these takes p values in ascending order and does not mind values above 1.


def _bonferroni(p: FloatArray) -> FloatArray:
    return p.size * p


def _holm(p: FloatArray) -> FloatArray:
    """The i-th smallest of m is multiplied by m - i + 1, and never falls below the one before."""
    return np.maximum.accumulate(np.arange(p.size, 0, -1) * p)


def _hochberg(p: FloatArray) -> FloatArray:
    """Holm's factors, but no value above the one after it."""
    return _lowest_from_above(np.arange(p.size, 0, -1) * p)


def _hommel(p: FloatArray) -> FloatArray:
    """The closure of Simes' tests, by the algorithm of Wright (1992), as R has it."""
    m = p.size
    adjusted = np.full(m, np.min(m * p / np.arange(1, m + 1)))
    for size in range(m - 1, 1, -1):
        split = m - size + 1
        simes = np.min(size * p[split:] / np.arange(2, size + 1))
        candidate = np.minimum(size * p, simes)
        candidate[split:] = candidate[split - 1]
        adjusted = np.maximum(adjusted, candidate)
    return np.maximum(adjusted, p)


def _benjamini_hochberg(p: FloatArray) -> FloatArray:
    return _lowest_from_above(p.size / np.arange(1, p.size + 1) * p)


def _benjamini_yekutieli(p: FloatArray) -> FloatArray:
    return float(np.sum(1 / np.arange(1, p.size + 1))) * _benjamini_hochberg(p)


def _lowest_from_above(p: FloatArray) -> FloatArray:
    return np.minimum.accumulate(p[::-1])[::-1]


_METHODS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "holm": _holm,
    "hochberg": _hochberg,
    "hommel": _hommel,
    "bonferroni": _bonferroni,
    "bh": _benjamini_hochberg,
    "by": _benjamini_yekutieli,
}


def adjust(
    p: ArrayLike,
    method: Method = "holm",
    *,
    family_size: int | None = None,
    keep_place: bool = True,
) -> FloatArray:
    """Adjust p values for multiplicity.

    Holm (1979), Hochberg (1988), Hommel (1988) and Bonferroni bound the chance of any false
    rejection; Benjamini & Hochberg ("bh", 1995) and Benjamini & Yekutieli ("by", 2001) bound the
    expected share of false rejections.

    Args:
        p: Shape (m,): p values in [0, 1], NaN where a claim could not be tested.
        method: Which adjustment.
        family_size: Number of claims in the family when some have no p here; they count as p = 1.
        keep_place: Whether an untestable claim keeps its place in the family (it counts as p = 1,
            so that losing a claim never makes the others look better) or is left out, as R's
            ``p.adjust`` does.

    Returns:
        Shape (m,): adjusted p values, NaN where ``p`` is NaN.

    Raises:
        ValueError: If a p value is outside [0, 1], the family is smaller than ``p``, or the method
            is unknown.
    """
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    if values.ndim != 1 or np.any((values[tested] < 0) | (values[tested] > 1)):
        raise ValueError("p must be one-dimensional with values in [0, 1]")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, got {method!r}")
    known = values.size if keep_place else int(tested.sum())
    family_size = known if family_size is None else family_size
    if family_size < known:
        raise ValueError(f"family_size is {family_size}, but {known} p values were given")
    adjusted = np.full(values.size, np.nan)
    if tested.any():
        family = np.ones(family_size)
        family[: tested.sum()] = values[tested]
        order = np.argsort(family)
        family[order] = np.minimum(_METHODS[method](family[order]), 1.0)
        adjusted[tested] = family[: tested.sum()]
    return adjusted


def holm(p: ArrayLike, family_size: int | None = None, *, keep_place: bool = True) -> FloatArray:
    """Holm's step-down adjustment (Holm 1979): see :func:`adjust`.

    ``[.01, NaN, .04]`` gives ``[.03, NaN, .08]``; left out of the family, the NaN would leave
    ``[.02, NaN, .04]``.
    """
    return adjust(p, "holm", family_size=family_size, keep_place=keep_place)
