"""Adjusting the p values of one family of claims.

All functions take p values in any order and return adjusted ones in the same order, to be compared
with alpha: reject when ``adjusted <= alpha``. NaN means "could not be tested" and stays NaN.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from statsmodels.stats.multitest import multipletests

from harness.stats.samples import FloatArray

Method = Literal["holm", "hochberg", "hommel", "bonferroni", "bh", "by"]

_STATSMODELS = {
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "bonferroni": "bonferroni",
    "bh": "fdr_bh",
    "by": "fdr_by",
}


def adjust(
    p: ArrayLike,
    method: Method = "holm",
    *,
    family_size: int | None = None,
    keep_place: bool = True,
) -> FloatArray:
    """Adjust p values for multiplicity.

    Holm (1979), Hochberg (1988), Hommel (1988) and Bonferroni hold the chance of any false
    rejection; Benjamini & Hochberg ("bh", 1995) and Benjamini & Yekutieli ("by", 2001) the
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
        ValueError: If a p value is outside [0, 1] or the family is smaller than ``p``.
    """
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    if values.ndim != 1 or np.any((values[tested] < 0) | (values[tested] > 1)):
        raise ValueError("p must be one-dimensional with values in [0, 1]")
    known = values.size if keep_place else int(tested.sum())
    family_size = known if family_size is None else family_size
    if family_size < known:
        raise ValueError(f"family_size is {family_size}, but {known} p values were given")
    adjusted = np.full(values.size, np.nan)
    if tested.any():
        family = np.ones(family_size)
        family[: tested.sum()] = values[tested]
        adjusted[tested] = multipletests(family, method=_STATSMODELS[method])[1][: tested.sum()]
    return adjusted


def holm(p: ArrayLike, family_size: int | None = None, *, keep_place: bool = True) -> FloatArray:
    """Holm's step-down adjustment (Holm 1979): see :func:`adjust`.

    ``[.01, NaN, .04]`` gives ``[.03, NaN, .08]``; left out of the family, the NaN would leave
    ``[.02, NaN, .04]``.
    """
    return adjust(p, "holm", family_size=family_size, keep_place=keep_place)
