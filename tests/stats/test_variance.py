"""Components of variance in balanced designs."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.regression.mixed_linear_model import MixedLM

from harness.stats.variance import Crossed, crossed, one_way


def _table(seed: int, row: float, column: float, rest: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(
        row * rng.normal(size=(6, 1))
        + column * rng.normal(size=(1, 4))
        + rest * rng.normal(size=(6, 4))
    )


def test_reml_agrees_with_statsmodels() -> None:
    y = _table(0, row=2.0, column=0.0)
    groups = np.repeat(np.arange(6), 4)
    fit = MixedLM(y.ravel(), np.ones((24, 1)), groups).fit(reml=True)
    mine = one_way(y)
    assert mine.group.reml == pytest.approx(float(fit.cov_re[0, 0]), rel=1e-3)
    assert mine.residual.reml == pytest.approx(float(fit.scale), rel=1e-3)


def test_f_test_agrees_with_scipy() -> None:
    y = _table(1, row=0.5, column=0.0)
    mine, theirs = one_way(y).test, stats.f_oneway(*y)
    assert mine.statistic == pytest.approx(theirs.statistic)
    assert mine.p == pytest.approx(theirs.pvalue)


def _deviance(expected: np.ndarray, fit: Crossed) -> float:
    """-2 log restricted likelihood of the three independent mean squares, up to a constant."""
    ms, df = np.array([fit.ms_row, fit.ms_column, fit.ms_error]), np.array([5, 3, 15])
    return float(np.sum(df * (np.log(expected) + ms / expected)))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 0.3, 1.0]))
def test_crossed_reml_is_the_constrained_maximum(seed: int, row: float, column: float) -> None:
    fit = crossed(_table(seed, row, column))
    mine = np.array(
        [
            fit.residual.reml + 4 * fit.row.reml,
            fit.residual.reml + 6 * fit.column.reml,
            fit.residual.reml,
        ]
    )

    def from_components(logs: np.ndarray) -> float:
        components = np.exp(logs)
        return _deviance(
            np.array([components[2] + components[0], components[2] + components[1], components[2]]),
            fit,
        )

    best = optimize.minimize(
        from_components,
        [-1.0, -1.0, 0.0],
        method="Nelder-Mead",
        options={"maxiter": 4_000, "xatol": 1e-9, "fatol": 1e-10},
    )
    assert _deviance(mine, fit) <= best.fun + 1e-6
    assert min(fit.row.reml, fit.column.reml) >= 0


@pytest.mark.parametrize(("row", "column"), [(1.0, 0.0), (0.0, 1.0), (1.0, 0.5)])
def test_anova_components_are_unbiased(row: float, column: float) -> None:
    fits = [crossed(_table(seed, row, column)) for seed in range(600)]
    for values, true in (
        ([fit.row.anova for fit in fits], row**2),
        ([fit.column.anova for fit in fits], column**2),
        ([fit.residual.anova for fit in fits], 1.0),
    ):
        assert np.mean(values) == pytest.approx(true, abs=4 * np.std(values) / math.sqrt(600))


def test_icc_interval_keeps_its_level() -> None:
    true = 1.0 / 2.0
    bounds = [one_way(_table(seed, 1.0, 0.0)).icc1.interval for seed in range(600)]
    held = np.mean([bound.low <= true <= bound.high for bound in bounds])
    assert held == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / 600))


def test_data_without_any_spread() -> None:
    """D7: all runs alike; no warning, no made-up ICC."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flat, table = one_way(np.full((4, 3), 0.98)), crossed(np.full((4, 3), 0.98))
    assert flat.test.reason == table.row_test.reason == "no spread"
    for icc in (flat.icc1, table.icc1, table.icc2, table.icc3):
        assert math.isnan(icc.value)
        assert icc.reason == "no spread"
    assert flat.group.reml == table.row.reml == table.column.reml == table.residual.reml == 0


def test_seeds_that_explain_everything() -> None:
    same_in_rows = np.repeat([[0.90], [0.92], [0.97]], 4, axis=1)
    fit = crossed(same_in_rows)
    assert fit.icc2.value == fit.icc3.value == 1
    assert fit.icc2.reason == "no residual spread"
    assert fit.row_test.statistic == math.inf
    assert math.isnan(fit.row_test.p)
    additive = crossed(same_in_rows + np.array([0.0, 0.01, 0.02, 0.03]))
    assert additive.residual.reml == 0
    assert 0 < additive.icc2.value < 1
    assert additive.icc2.interval.reason is not None


def test_an_interval_without_degrees_of_freedom_says_so() -> None:
    """Rows alike, columns far apart: Satterthwaite's degrees of freedom vanish for ICC(2,1)."""
    table = np.array([[0.0, 11.0], [1.0, 10.0]])
    icc = crossed(table).icc2
    assert math.isnan(icc.interval.low)
    assert "degrees of freedom" in (icc.interval.reason or "")


def test_tables_that_are_not_balanced_are_refused() -> None:
    with pytest.raises(ValueError, match="2 or more rows"):
        one_way([[1.0, 2.0]])
    with pytest.raises(ValueError, match="every cell"):
        crossed([[1.0, 2.0], [math.nan, 3.0]])
