"""Looks that decide thousands of simulated studies: the same decisions, without a root search."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.stopping import Look


@dataclass(frozen=True)
class QuickLook(Look):
    """A look whose repeated p values are read off a table.

    Holm's method at level alpha only asks whether a repeated p is at most alpha / k for k = 1, 2,
    ... up to the family's size, that is, whether p is at most the look's level there. The table
    goes through these levels exactly and is straight between them, so every such question has the
    answer that `harness.stats.repeated.repeated_p` gives; its values in between are rough.

    Attributes:
        nominal: The look's levels, ascending.
        overall: The overall levels that they belong to.
    """

    nominal: tuple[float, ...] = ()
    overall: tuple[float, ...] = ()

    def repeated_p(self, p: float) -> float:
        """The overall level at which a p of this look rejects."""
        if math.isnan(p):
            return p
        return float(np.interp(p, self.nominal, self.overall))


def quick_look(look: Look, alpha: float, family: int) -> QuickLook:
    """A look that decides as ``look`` does.

    Args:
        look: A declared look.
        alpha: Level of the whole family.
        family: Claims in it.
    """
    overall = [alpha / k for k in range(family, 0, -1)]
    nominal = [look.level(level) for level in overall]
    return QuickLook(
        counts=look.counts,
        place=look.place,
        boundary=look.boundary,
        nominal=(0.0, *nominal, 1.0),
        overall=(0.0, *overall, 1.0),
    )
