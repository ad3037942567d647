"""How much of the spread each source of randomness makes: initial weights, data order, the rest.

Random-effects models of balanced designs: ``one_way`` for groups of repeats, ``crossed`` for every
row seed with every column seed, one run a cell. A component's ANOVA estimate may be negative where
there is none; the REML estimate, which is then 0, stands beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.stats.results import Estimate, Interval, TestResult
from harness.stats.samples import FloatArray, has_no_spread


@dataclass(frozen=True, slots=True)
class Component:
    """Variance of one source, in the squared unit of the data.

    Attributes:
        anova: From the mean squares; may be negative.
        reml: Restricted maximum likelihood; 0 or more.
    """

    anova: float
    reml: float


@dataclass(frozen=True, slots=True)
class OneWay:
    """Groups of repeats.

    Attributes:
        ms_between: Mean square between groups.
        ms_within: Mean square within groups.
        group: Variance between groups.
        residual: Variance within groups.
        test: F test that the groups do not differ.
        icc1: ICC(1,1), the share of the groups in the variance of one run.
    """

    ms_between: float
    ms_within: float
    group: Component
    residual: Component
    test: TestResult
    icc1: Estimate


@dataclass(frozen=True, slots=True)
class Crossed:
    """Rows crossed with columns, one run a cell.

    Attributes:
        ms_row: Mean square of rows.
        ms_column: Mean square of columns.
        ms_error: Mean square of the rest, their interaction included.
        row: Variance between rows.
        column: Variance between columns.
        residual: Variance of the rest.
        row_test: F test that rows do not differ.
        column_test: F test that columns do not differ.
        icc1: ICC(1,1): share of the rows, if columns are repeats without a common effect.
        icc2: ICC(2,1): share of the rows in the variance of one run.
        icc3: ICC(3,1): share of the rows, columns held fixed.
    """

    ms_row: float
    ms_column: float
    ms_error: float
    row: Component
    column: Component
    residual: Component
    row_test: TestResult
    column_test: TestResult
    icc1: Estimate
    icc2: Estimate
    icc3: Estimate


def _table(y: npt.ArrayLike) -> FloatArray:
    array = np.asarray(y, dtype=np.float64)
    if array.ndim != 2 or min(array.shape) < 2:
        raise ValueError(
            f"y must be a table of 2 or more rows and 2 or more columns, not {array.shape}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError("y holds NaN or infinity: a balanced design needs every cell")
    if has_no_spread(array):
        return np.zeros_like(array)
    # Variances do not change by a shift, and their sums lose fewer digits.
    return np.asarray(array - array[0, 0])


def _without_noise(squares: list[float]) -> FloatArray:
    """Set to 0 the sums of squares that are what rounding leaves of an exact zero."""
    array = np.array(squares)
    return np.asarray(np.where(array < 1e-20 * array.sum(), 0.0, array))


def one_way(y: npt.ArrayLike, *, level: float = 0.95) -> OneWay:
    """Split variance into between and within groups (Searle, Casella & McCulloch 1992, ch. 4).

    Args:
        y: Shape (groups, repeats), balanced.
        level: Confidence level of the ICC's exact F interval.

    Returns:
        Mean squares, components, F test and ICC(1,1); NaN with a reason where runs of one group
        never differ.
    """
    table = _table(y)
    g, n = table.shape
    means = table.mean(axis=1, keepdims=True)
    squares = [n * np.sum((means - table.mean()) ** 2), np.sum((table - means) ** 2)]
    ss_between, ss_within = (float(ss) for ss in _without_noise(squares))
    df = (g - 1, g * (n - 1))
    between, within = ss_between / df[0], ss_within / df[1]
    group = (between - within) / n
    residual_reml = within if group >= 0 else (ss_between + ss_within) / sum(df)
    return OneWay(
        between,
        within,
        Component(group, max(group, 0.0)),
        Component(within, residual_reml),
        _f_test(between, within, df, "groups"),
        _icc(between, within, df, repeats=n, level=level, name="ICC(1,1)"),
    )


def crossed(y: npt.ArrayLike, *, level: float = 0.95) -> Crossed:
    """Split variance into rows, columns and the rest (Shrout & Fleiss 1979; McGraw & Wong 1996).

    Args:
        y: Shape (rows, columns): every row seed with every column seed, one run a cell.
        level: Confidence level of the ICC intervals.

    Returns:
        Mean squares, components, F tests and the three single-run ICCs of the rows.
    """
    table = _table(y)
    r, c = table.shape
    rows, columns, centre = table.mean(axis=1), table.mean(axis=0), table.mean()
    squares = _without_noise(
        [
            c * np.sum((rows - centre) ** 2),
            r * np.sum((columns - centre) ** 2),
            np.sum((table - rows[:, None] - columns + centre) ** 2),
        ]
    )
    df = np.array([r - 1, c - 1, (r - 1) * (c - 1)], dtype=np.float64)
    ms_row, ms_column, ms_error = (float(ms) for ms in squares / df)
    within = float(squares[1] + squares[2]) / (r * (c - 1))
    reml = _crossed_reml(squares, df)
    return Crossed(
        ms_row,
        ms_column,
        ms_error,
        Component((ms_row - ms_error) / c, (reml[0] - reml[2]) / c),
        Component((ms_column - ms_error) / r, (reml[1] - reml[2]) / r),
        Component(ms_error, reml[2]),
        _f_test(ms_row, ms_error, (int(df[0]), int(df[2])), "rows"),
        _f_test(ms_column, ms_error, (int(df[1]), int(df[2])), "columns"),
        _icc(ms_row, within, (r - 1, r * (c - 1)), repeats=c, level=level, name="ICC(1,1)"),
        _icc2(ms_row, ms_column, ms_error, table.shape, level),
        _icc(ms_row, ms_error, (int(df[0]), int(df[2])), repeats=c, level=level, name="ICC(3,1)"),
    )


def _crossed_reml(squares: FloatArray, df: FloatArray) -> tuple[float, float, float]:
    """Expected mean squares of rows, columns and error that maximise the restricted likelihood.

    The three sums of squares are independent scaled chi-squares, those of rows and columns with an
    expectation not below the error's. Where the order is violated the maximum pools: the lowest
    first, then what is still below (Thompson 1962).
    """
    ms = squares / df
    error_squares, error_df = squares[2], df[2]
    fitted = [float(ms[0]), float(ms[1])]
    pooled: list[int] = []
    for effect in sorted((0, 1), key=lambda i: ms[i]):
        if ms[effect] < error_squares / error_df:
            error_squares, error_df = error_squares + squares[effect], error_df + df[effect]
            pooled.append(effect)
    error = float(error_squares / error_df)
    for effect in pooled:
        fitted[effect] = error
    return fitted[0], fitted[1], error


def _f_test(effect: float, error: float, df: tuple[int, int], what: str) -> TestResult:
    method = f"F test of {what} on {df[0]} and {df[1]} degrees of freedom"
    if error == 0:
        reason = "no spread" if effect == 0 else f"no spread within {what}"
        statistic = math.nan if effect == 0 else math.inf
        return TestResult(statistic, math.nan, method, df=df[0], reason=reason)
    f = effect / error
    return TestResult(f, float(stats.f.sf(f, *df)), method, df=df[0])


def _icc(
    effect: float, error: float, df: tuple[int, int], *, repeats: int, level: float, name: str
) -> Estimate:
    """Return (F - 1) / (F - 1 + repeats) with the exact interval of F."""
    if error == 0:
        return _no_icc(effect, level, name)
    f, tail = effect / error, (1 + level) / 2
    low = f / float(stats.f.ppf(tail, *df))
    high = f * float(stats.f.ppf(tail, df[1], df[0]))
    value, *bounds = ((ratio - 1) / (ratio - 1 + repeats) for ratio in (f, low, high))
    return Estimate(value, Interval(bounds[0], bounds[1], level), name)


def _no_icc(effect: float, level: float, name: str) -> Estimate:
    """Without residual spread the rows explain all there is, or there is nothing to explain."""
    value, reason = (math.nan, "no spread") if effect == 0 else (1.0, "no residual spread")
    return Estimate(value, Interval(value, value, level, reason), name, reason)


def _icc2(
    ms_row: float, ms_column: float, ms_error: float, shape: tuple[int, ...], level: float
) -> Estimate:
    """ICC(2,1) with Satterthwaite's approximate interval (Shrout & Fleiss 1979, p. 424)."""
    r, c = shape
    below = ms_row + (c - 1) * ms_error + c * (ms_column - ms_error) / r
    if ms_error == 0:
        if ms_column == 0:
            return _no_icc(ms_row, level, "ICC(2,1)")
        reason = "no residual spread: the interval is undefined"
        undefined = Interval(math.nan, math.nan, level, reason)
        return Estimate(ms_row / below, undefined, "ICC(2,1)", reason)
    value = (ms_row - ms_error) / below
    ratio = ms_column / ms_error
    rest = r * (1 + (c - 1) * value) - c * value
    df = (c - 1) * (r - 1) * (c * value * ratio + rest) ** 2
    df /= (r - 1) * c**2 * value**2 * ratio**2 + rest**2
    tail = (1 + level) / 2
    upper, lower = float(stats.f.ppf(tail, r - 1, df)), float(stats.f.ppf(tail, df, r - 1))
    others = c * ms_column + (r * c - r - c) * ms_error
    low = r * (ms_row - upper * ms_error) / (upper * others + r * ms_row)
    high = r * (lower * ms_row - ms_error) / (others + r * lower * ms_row)
    known = math.isfinite(low) and math.isfinite(high)
    why = None if known else "the interval is undefined: its degrees of freedom are next to 0"
    return Estimate(value, Interval(low, high, level, why), "ICC(2,1)")
