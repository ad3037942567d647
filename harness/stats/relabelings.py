"""How two unpaired samples look under every relabeling of their values, for any assumed shift.

Assume a true difference of means: arm ``a`` moves against arm ``b``, and every relabeling's mean
difference is linear in that shift and its variance quadratic. The coefficients are computed once;
a test at one shift and an interval over all shifts read the same numbers and cannot contradict
each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.language import N_, said
from harness.stats import arrangements
from harness.stats.results import Interval
from harness.stats.samples import (
    Alternative,
    FloatArray,
    has_no_spread,
    sample,
    significance,
    tie_decimals,
)

DRAWS = 99_999
"""Random labelings where there are too many to enumerate them."""

_TIE = 1e-10  # relative to the terms of a squared statistic
_ROUNDING = 1e-13  # relative to the values themselves: what a mean of floats is accurate to
_GRID = 32  # steps in which the end of an interval is looked for, before bisection
_BISECTIONS = 45


@dataclass(frozen=True, slots=True, eq=False)
class Relabelings:
    """The reference distribution of two samples; build it with :func:`relabelings`.

    With ``e = gap - null``, labeling i has the mean difference ``shift[i] + e * slope[i]`` and the
    squared standard error ``var0[i] + e * var1[i] + e**2 * var2[i]``; the observed labeling has
    ``e`` and ``observed_var``.

    Attributes:
        sizes: Number of values in each arm.
        gap: Observed difference of means, a - b.
        shift: Mean differences when the arms are centred, shape (labelings,).
        slope: Their change with ``e``.
        var0: Squared standard errors when the arms are centred.
        var1: Their linear change with ``e``.
        var2: Their quadratic change.
        observed_var: Squared standard error of ``gap``; 0 when neither arm has spread.
        resolution: Differences of means below this are rounding error.
        exact: Whether every labeling is there.
        studentized: Whether the statistic is Welch's t; else it is the difference of means.
    """

    sizes: tuple[int, int]
    gap: float
    shift: FloatArray
    slope: FloatArray
    var0: FloatArray
    var1: FloatArray
    var2: FloatArray
    observed_var: float
    resolution: float
    exact: bool
    studentized: bool

    @property
    def count(self) -> int:
        """Number of labelings in the reference set, the observed one included."""
        return self.shift.size

    @property
    def method(self) -> str:
        """The test in words."""
        exact, sampled = (
            N_("exact permutation of the means ({count} labelings)"),
            N_("Monte Carlo permutation of the means ({count} labelings)"),
        )
        if self.studentized:
            exact = N_("exact studentized permutation ({count} labelings)")
            sampled = N_("Monte Carlo studentized permutation ({count} labelings)")
        return said(exact if self.exact else sampled, count=f"{self.count:,}")

    @property
    def statistic(self) -> float:
        """Welch's t, or the difference of means where it is not studentized."""
        if not self.studentized:
            return self.gap
        if self.observed_var == 0.0:
            return math.copysign(math.inf, self.gap) if self.distance(0.0) else 0.0
        return self.gap / math.sqrt(self.observed_var)

    def distance(self, null: float) -> float:
        """Return ``gap - null``, and exactly 0 where only rounding error separates them."""
        e = self.gap - null
        return e if abs(e) > self.resolution else 0.0

    def p(self, null: float = 0.0, alternative: Alternative = "two-sided") -> float:
        """Return the p value of "the difference of means is ``null``"."""
        return self._extreme(self.distance(null), alternative) / self.count

    def _extreme(self, e: float, alternative: Alternative) -> int:
        """Count the labelings at least as extreme as the observed one when ``gap - null`` is ``e``.

        Squared statistics are compared cross-multiplied, so that no zero variance divides: without
        spread t is +-infinite by the sign of the difference.
        """
        moved, linear, square = e * self.slope, e * self.var1, e * e * self.var2
        difference = self.shift + moved
        variance = self.var0 + linear + square
        terms = self.var0 + np.abs(linear) + square  # the size that rounding errors go by
        if self.observed_var == 0.0 and e != 0.0:
            infinite = variance <= _TIE * terms
            if alternative == "two-sided":
                return int(np.count_nonzero(infinite))
            if (e > 0) != (alternative == "greater"):
                return self.count
            return int(np.count_nonzero(infinite & (np.sign(difference) == np.sign(e))))
        theirs, ours = difference**2 * self.observed_var, e * e * variance
        size = np.abs(self.shift) + np.abs(moved)
        slack = _TIE * (e * e * terms + self.observed_var * size**2)
        slack += self.observed_var * self.resolution**2
        if alternative != "two-sided":
            side = 1.0 if alternative == "greater" else -1.0
            theirs, ours = side * np.sign(difference) * theirs, side * math.copysign(1.0, e) * ours
        return int(np.count_nonzero(theirs >= ours - slack))

    def interval(
        self, level: float = 0.95, *, null: float = 0.0, equal_tailed: bool = False
    ) -> Interval:
        """Return the interval of nulls that are not rejected at ``p <= 1 - level``.

        Args:
            level: Confidence level.
            null: The null whose decision the interval must share even if the accepted nulls have
                a gap there (p need not fall steadily with the distance from the estimate).
            equal_tailed: Invert the two one-sided tests at half of ``1 - level`` each, instead of
                the two-sided test. Both agree for arms of equal size.
        """
        alpha = significance(level)
        tails: tuple[Alternative, Alternative] = ("two-sided", "two-sided")
        if equal_tailed:
            alpha, tails = alpha / 2, ("greater", "less")
        most = alpha * self.count + 1e-9
        # Far from the estimate only labelings that repeat the observed split are as extreme, or,
        # two-sided, its mirror image.
        repeats = self.slope if equal_tailed else np.abs(self.slope)
        always = np.count_nonzero(repeats >= 1 - 1e-12)
        if always > most:
            return Interval(-math.inf, math.inf, level, self._unbounded(level, int(always), tails))
        below = self._reach(1.0, tails[0], most, null)
        above = self._reach(-1.0, tails[1], most, null)
        reason = N_("no spread in either arm") if self.observed_var == 0.0 else None
        return Interval(self.gap - below, self.gap + above, level, reason)

    def _unbounded(self, level: float, always: int, tails: tuple[Alternative, Alternative]) -> str:
        n, m = self.sizes
        template = N_(
            "{n} against {m} values cannot bound a {level} % interval: the smallest one-sided p is "
            "{smallest}"
        )
        if tails[0] == "two-sided":
            template = N_(
                "{n} against {m} values cannot bound a {level} % interval: the smallest two-sided "
                "p is {smallest}"
            )
        smallest = f"{always / self.count:.4g}"
        return said(template, n=n, m=m, level=f"{100 * level:g}", smallest=smallest)

    def _reach(self, side: float, tail: Alternative, most: float, null: float) -> float:
        """Return how far from the estimate, on one side, a null is still accepted."""
        if self.observed_var == 0.0:
            return 0.0  # any other null makes t infinite

        def accepts(distance: float) -> bool:
            return self._extreme(side * distance, tail) > most

        near, far = 0.0, self._beyond(accepts)
        asked = side * self.distance(null)
        if asked > 0 and accepts(asked):
            near, far = asked, max(far, 2 * asked)
        elif asked > 0:
            far = asked
        return _outermost(accepts, near, far)

    def _beyond(self, accepts: Callable[[float], bool]) -> float:
        """Return a distance from which on nulls are rejected."""
        distance = float(np.max(np.abs(self.shift))) + math.sqrt(self.observed_var)
        while any(accepts(factor * distance) for factor in (1, 2, 4)):
            distance *= 2
        return distance


def _outermost(accepts: Callable[[float], bool], near: float, far: float) -> float:
    """Return the last accepted distance between ``near`` and the rejected ``far``."""
    grid = np.linspace(near, far, _GRID + 1)
    last = next((i for i in range(_GRID - 1, -1, -1) if accepts(float(grid[i]))), None)
    if last is None:
        return near
    inner, outer = float(grid[last]), float(grid[last + 1])
    for _ in range(_BISECTIONS):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if accepts(middle) else (inner, middle)
    return inner


def relabelings(
    a: ArrayLike,
    b: ArrayLike,
    *,
    studentized: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
    exact_up_to: int = arrangements.MOST_ENUMERATED,
) -> Relabelings:
    """Return the reference distribution, from which tests and intervals are read off.

    Args:
        a: Shape (n,): values of the first arm.
        b: Shape (m,): values of the second arm.
        studentized: Compare Welch's t. With one value in an arm, which has no variance, the
            difference of means is compared in any case.
        draws: Random labelings where there are more than ``exact_up_to``.
        seed: Seed of these draws: the same seed gives the same p and interval.
        exact_up_to: Labelings up to which all are enumerated.

    Raises:
        ValueError: If an arm is empty, a value is NaN or infinite, or ``draws`` is below 1.
    """
    first, second = sample(a, "a"), sample(b, "b")
    n, m = first.size, second.size
    if min(n, m) == 0:
        raise ValueError(f"both arms need values, got {n} and {m}")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, got {draws}")
    studentized = studentized and min(n, m) > 1
    (mean_a, residuals_a), (mean_b, residuals_b) = _centred(first), _centred(second)
    gap, residuals = mean_a - mean_b, np.concatenate([residuals_a, residuals_b])
    stored = _ROUNDING * max(float(np.abs(first).max()), float(np.abs(second).max()))
    resolution = max(10.0 ** -tie_decimals(np.append(residuals, gap)), stored)
    exact = math.comb(n + m, n) <= exact_up_to
    chosen = [_all_labelings(n, m)] if exact else _random_labelings(n, m, draws, seed)
    shift, slope, var0, var1, var2 = _coefficients(chosen, residuals, n)
    observed_var = 1.0
    if studentized:
        observed_var = float(np.sum(residuals_a**2) / (n * (n - 1)))
        observed_var += float(np.sum(residuals_b**2) / (m * (m - 1)))
    else:
        var0, var1, var2 = np.ones_like(shift), np.zeros_like(shift), np.zeros_like(shift)
    return Relabelings(
        sizes=(n, m),
        gap=gap,
        shift=shift,
        slope=slope,
        var0=var0,
        var1=var1,
        var2=var2,
        observed_var=observed_var,
        resolution=resolution,
        exact=exact,
        studentized=studentized,
    )


def _random_labelings(n: int, m: int, draws: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield blocks of random labelings, one a row, the observed one first.

    The observed one among them is the add-one estimator (Phipson & Smyth 2010). Blocks bound the
    memory of large samples.
    """
    yield np.arange(n + m)[None, :] < n
    yield from _drawn_labelings(n, m, draws, seed).blocks()


@lru_cache(maxsize=1)
def _drawn_labelings(n: int, m: int, draws: int, seed: int) -> arrangements.Arrangements:
    """Draw labelings.

    A claim's test and interval, and often those of the next claim, ask for the same ones, and to
    draw them is most of the work.
    """
    rng = np.random.default_rng(seed)
    return arrangements.random_labelings(n + m, n, draws=draws, rng=rng)


@lru_cache(maxsize=4)
def _all_labelings(n: int, m: int) -> NDArray[np.bool_]:
    rows = arrangements.all_labelings(n + m, n)
    rows.setflags(write=False)
    return rows


def _centred(values: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean and the residuals, which are exactly 0 when all values are equal."""
    if has_no_spread(values):
        return float(values[0]), np.zeros_like(values)
    mean = float(values.mean())
    return mean, values - mean


def _coefficients(
    labelings: Iterable[NDArray[np.bool_]], residuals: FloatArray, n: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return each labeling's mean difference and squared standard error as polynomials in e.

    The values of a labeling are ``residuals + e * moved``, ``moved`` being 1 for the first n; a
    group's sum of squares around its own mean follows from its plain sums.
    """
    m = residuals.size - n
    moved = (np.arange(n + m) < n).astype(np.float64)
    columns = np.column_stack([residuals, residuals**2, moved, residuals * moved])
    sums = np.concatenate([members.astype(np.float64) @ columns for members in labelings])
    in_a, in_b = sums.T, (columns.sum(axis=0) - sums).T
    var: list[FloatArray] = [np.zeros(len(sums)) for _ in range(3)]
    for size, (value, square, count, cross) in ((n, in_a), (m, in_b)):
        if size > 1:
            scale = 1.0 / (size * (size - 1))
            var[0] += scale * np.maximum(square - value**2 / size, 0.0)
            var[1] += scale * 2.0 * (cross - value * count / size)
            var[2] += scale * (count - count**2 / size)
    return in_a[0] / n - in_b[0] / m, in_a[2] / n - in_b[2] / m, var[0], var[1], var[2]
