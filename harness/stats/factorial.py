"""Two crossed factors over shared blocks: main effects and interaction, and what each explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats.arrangements import share_at_least, sign_flips
from harness.stats.results import TestResult
from harness.stats.samples import FloatArray, tie_decimals

DRAWS = 99_999
"""Random sign patterns where there are more than 17 blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Factorial:
    """Rows crossed with columns in every block.

    Attributes:
        means: Mean over blocks of every cell, shape (rows, columns).
        row: Test that all rows have one mean.
        column: Test that all columns have one mean.
        interaction: Test that the differences between columns are those of every row.
        shares: Shares of the total sum of squares: row, column, interaction, block, rest; all 0
            where no value differs.
    """

    means: FloatArray
    row: TestResult
    column: TestResult
    interaction: TestResult
    shares: tuple[float, float, float, float, float]


def factorial(y: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> Factorial:
    """Test two factors and their interaction within blocks, and split the sum of squares.

    Each block gives a vector of contrasts: its row means, its column means, or what these leave,
    all around the block's own mean. Under the null hypothesis a vector is as likely as its
    negative, so p is the share of sign patterns over blocks at least as extreme as the one seen:
    for two rows this is the sign-flip test of their difference. Unlike permuting labels, or an
    F test, it does not take cells for equally variable or equally correlated (no sphericity). In
    simulation at 5 % with cells of very different spread it erred in 0.03 to 0.06 (normal errors,
    6 to 13 blocks), and in up to 0.10 where all errors are exponential.

    Args:
        y: Shape (blocks, rows, columns), every cell present.
        draws: Random sign patterns where there are too many to enumerate.
        seed: Seed of these.

    Returns:
        Cell means, three tests and shares of the variation. A test is undefined, with a reason,
        where its contrasts are all 0 (as with a single row).

    Raises:
        ValueError: If the table is not three-dimensional, or holds NaN or infinity.
    """
    table = np.asarray(y, dtype=np.float64)
    if table.ndim != 3 or table.size == 0 or not np.all(np.isfinite(table)):
        raise ValueError(
            f"y must be finite values of shape (blocks, rows, columns), not {table.shape}"
        )
    centre = table.mean(axis=(1, 2), keepdims=True)
    rows = table.mean(axis=2, keepdims=True) - centre
    columns = table.mean(axis=1, keepdims=True) - centre
    rest = table - centre - rows - columns
    decimals = tie_decimals(table)

    def test(contrasts: FloatArray, what: str) -> TestResult:
        flat = np.round(contrasts.reshape(len(table), -1), decimals)
        return _sign_flip(flat, what, draws, seed)

    return Factorial(
        means=np.asarray(table.mean(axis=0)),
        row=test(rows, "row means"),
        column=test(columns, "column means"),
        interaction=test(rest, "interaction contrasts"),
        shares=_shares(table, rows, columns, rest, centre),
    )


def _sign_flip(contrasts: FloatArray, what: str, draws: int, seed: int) -> TestResult:
    """Test that a vector of contrasts has the mean 0; shape (blocks, contrasts).

    The statistic adds up the contrasts' squared t values, so that each counts the same whatever its
    spread. Without spread t is infinite: it is cut at a hundred times the square root of n - 1,
    up to where rounding errors stay below the tolerance for ties.
    """
    energy = (contrasts**2).sum(axis=0)
    if not energy.any():
        return TestResult(math.nan, math.nan, "none", reason=f"{what} never differ")
    scaled = contrasts[:, energy > 0] / np.sqrt(energy[energy > 0])
    n = len(scaled)

    def statistic(sums: FloatArray) -> FloatArray:
        explained = sums**2 / n  # of a sum of squares of 1, which no sign changes
        return np.asarray((n - 1) * (explained / np.maximum(1 - explained, 1e-4)).sum(axis=-1))

    flips = sign_flips(n, draws=draws, rng=np.random.default_rng(seed))
    reference = flips.statistics(lambda rows: statistic((1.0 - 2.0 * rows) @ scaled))
    observed = float(statistic(scaled.sum(axis=0)))
    p = share_at_least(reference, observed, exact=flips.exact)
    return TestResult(observed, p, f"{flips.describe()} of {what} within blocks")


def _shares(
    table: FloatArray, rows: FloatArray, columns: FloatArray, rest: FloatArray, centre: FloatArray
) -> tuple[float, float, float, float, float]:
    """Sums of squares of the block means of each part over the total; blocks and rest make it 1."""
    n, r, c = table.shape
    total = float(((table - table.mean()) ** 2).sum())
    if total <= 10.0 ** (-2 * tie_decimals(table)):
        return 0.0, 0.0, 0.0, 0.0, 0.0
    parts = [
        n * c * float((rows.mean(axis=0) ** 2).sum()),
        n * r * float((columns.mean(axis=0) ** 2).sum()),
        n * float((rest.mean(axis=0) ** 2).sum()),
        r * c * float(((centre - table.mean()) ** 2).sum()),
    ]
    row, column, interaction, block = (part / total for part in parts)
    return row, column, interaction, block, max(0.0, 1 - row - column - interaction - block)
