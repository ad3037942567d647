"""Levels and p values at one of several looks, so that a test can be used at each of them.

At look k a two-sided p value is held against the look's nominal level, which a spending function
(Lan & DeMets 1983) gives for every overall level. Read the other way round, it is a *repeated p
value*: the smallest overall level at which this look would reject (Jennison & Turnbull 2000,
chapter 9). That one is compared with the overall alpha itself, and can enter Holm's method like any
p value (Ye, Li, Liu & Yao 2013; Maurer & Bretz 2013).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from harness.stats.multiplicity import holm
from harness.stats.samples import FloatArray
from harness.stats.sequential import Boundary, group_sequential

_TINIEST = 1e-12  # no permutation p is smaller; an interval's level must stay below 1
_WIDEST = 0.999  # overall levels beyond this are called 1


@lru_cache(maxsize=4096)
def nominal_level(information: tuple[float, ...], boundary: Boundary, alpha: float) -> float:
    """Return the two-sided level at the last of the given looks.

    Args:
        information: Share of all replicates at each look up to this one, ascending within (0, 1].
        boundary: How alpha is spent. Spending functions ("lan-demets-…") need to know of no later
            look; the classical boundaries do.
        alpha: Two-sided level of all looks together.

    Returns:
        The level that a two-sided p may not exceed; ``alpha`` itself at a single, full look.
    """
    return alpha if information == (1.0,) else _level(information, boundary, alpha)


def _level(information: tuple[float, ...], boundary: Boundary, alpha: float) -> float:
    design = group_sequential(information, boundary, alpha=alpha)
    return min(1.0, max(_TINIEST, 2 * float(design.p_nominal[-1])))


@lru_cache(maxsize=4096)
def spent_by(information: tuple[float, ...], boundary: Boundary, alpha: float) -> float:
    """Return how much of a two-sided ``alpha`` is spent once the last of these looks is taken."""
    return 2 * float(group_sequential(information, boundary, alpha=alpha).spent[-1])


@lru_cache(maxsize=65_536)  # permutation p values are few, and simulations ask again and again
def repeated_p(p: float, information: tuple[float, ...], boundary: Boundary) -> float:
    """Return the smallest overall two-sided level at which a p value of this look rejects.

    Args:
        p: Two-sided p value of the data up to this look; NaN stays NaN.
        information: As in :func:`nominal_level`.
        boundary: As in :func:`nominal_level`.

    Returns:
        The level, at least ``p``; ``p`` itself at a single, full look; 1 where no level does.
    """
    if np.isnan(p) or information == (1.0,):
        return p

    def excess(log_level: float) -> float:
        return _level(information, boundary, float(np.exp(log_level))) - p

    low, high = float(np.log(p)), float(np.log(_WIDEST))
    if low >= high or excess(high) < 0:
        return 1.0
    # A look may spend all of a level, up to the rounding error of the quadrature.
    return p if excess(low) >= 0 else float(np.exp(optimize.brentq(excess, low, high, rtol=1e-9)))


def holm_over_looks(p: ArrayLike, alpha: float, family_size: int) -> FloatArray:
    """Adjust repeated p values of several claims, look by look, for the claims still open.

    At each look Holm's method runs over the claims not yet rejected, with a family as large as all
    claims less those rejected at earlier looks; a claim once rejected stays so (Ye, Li, Liu & Yao
    2013). The chance of any false rejection at any look is at most alpha.

    Args:
        p: Shape (looks, claims): repeated p values, NaN where a claim could not be tested.
        alpha: Level of the whole family.
        family_size: Claims in the family, those without a column here included.

    Returns:
        Shape (looks, claims): adjusted p values, to be compared with ``alpha``; a claim rejected
        at an earlier look keeps the adjusted p of that look.
    """
    repeated = np.asarray(p, dtype=np.float64)
    adjusted = np.empty_like(repeated)
    rejected = np.zeros(repeated.shape[1], dtype=bool)
    for look, row in enumerate(repeated):
        open_ = ~rejected
        left = family_size - int(rejected.sum())
        adjusted[look, rejected] = adjusted[look - 1, rejected]
        adjusted[look, open_] = holm(row[open_], family_size=left, keep_place=True)
        rejected |= adjusted[look] <= alpha
    return adjusted
