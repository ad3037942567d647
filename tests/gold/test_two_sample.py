"""Family 01, two unpaired samples: R stats, coin, effectsize, exactRankTests; scipy.

Where the oracles disagree this follows the README of the vectors: a two-sided exact p is
P(|T - E| >= |t - E|), Hedges' g has the exact gamma correction, Cliff's interval the unbiased
variance and a t quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats import classical, effects
from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray
from harness.stats.unpaired import permutation_test
from tests.gold.agreement import agrees
from tests.gold.reader import cases

FAMILY = Path(__file__).parent / "data" / "01_two_sample.json"

# Fisher's z with the standard error of the null hypothesis: it ignores how the data spread.
NOT_OFFERED = {"cliff.ci95_effectsize"}

# The oracle's p is 0 when no pair of values overlaps: we say that the test is undefined instead.
NEVER_ZERO = {
    ("ts01_clear_n5", "bm.p_normal"),
    ("ts07_const_but_different", "bm.p_normal"),
    ("ts09_n3_n3", "bm.p_normal"),
    ("ts11_separated_n20", "bm.p_normal"),
}

Arms = tuple[FloatArray, FloatArray]


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _doubled(less: float, greater: float) -> float:
    """What scipy calls two-sided, from our one-sided p values."""
    return min(1.0, 2 * min(less, greater))


def _labelings(a: FloatArray, b: FloatArray) -> float:
    method = permutation_test(a, b, studentized=False).method
    return float(method.split("(")[1].split()[0].replace(",", ""))


def _approximate_g(d: Estimate, df: int) -> float:
    return d.value * (1 - 3 / (4 * df - 1))


def _mw(a: FloatArray, b: FloatArray, **options: Any) -> float:
    return classical.mann_whitney(a, b, **options).p


def _perm(a: FloatArray, b: FloatArray, **options: Any) -> float:
    return permutation_test(a, b, studentized=False, **options).p


OURS: dict[str, Callable[[FloatArray, FloatArray], Any]] = {
    "mean_diff": lambda a, b: permutation_test(a, b, studentized=False).statistic,
    "welch.t": lambda a, b: classical.welch_t(a, b).statistic,
    "welch.df": lambda a, b: classical.welch_t(a, b).df,
    "welch.p_two": lambda a, b: classical.welch_t(a, b).p,
    "welch.p_less": lambda a, b: classical.welch_t(a, b, alternative="less").p,
    "welch.p_greater": lambda a, b: classical.welch_t(a, b, alternative="greater").p,
    "welch.ci95": lambda a, b: _ends(classical.welch_t_interval(a, b)),
    "mwu.U_a": lambda a, b: classical.mann_whitney(a, b).statistic,
    "mwu.p_asymp_nocc": lambda a, b: _mw(a, b, method="asymptotic", continuity=False),
    "mwu.p_asymp_cc": lambda a, b: _mw(a, b, method="asymptotic", continuity=True),
    "mwu.p_exact_two": lambda a, b: _mw(a, b, method="exact"),
    "mwu.p_exact_less": lambda a, b: _mw(a, b, method="exact", alternative="less"),
    "mwu.p_exact_greater": lambda a, b: _mw(a, b, method="exact", alternative="greater"),
    "mwu.p_exact_two_doubled": lambda a, b: _doubled(
        _mw(a, b, alternative="less"), _mw(a, b, alternative="greater")
    ),
    "perm.p_two": _perm,
    "perm.p_less": lambda a, b: _perm(a, b, alternative="less"),
    "perm.p_greater": lambda a, b: _perm(a, b, alternative="greater"),
    "perm.p_two_doubled": lambda a, b: _doubled(
        _perm(a, b, alternative="less"), _perm(a, b, alternative="greater")
    ),
    "perm.n_labelings": _labelings,
    "cliff_delta": lambda a, b: effects.cliffs_delta(a, b).value,
    "cliff.ci95_fengcliff_unbiased_t": lambda a, b: _ends(effects.cliffs_delta(a, b).interval),
    "cliff.ci95_fengcliff_t": lambda a, b: _ends(
        effects.cliffs_delta(a, b, variance="consistent").interval
    ),
    "cliff.ci95_fengcliff_z": lambda a, b: _ends(
        effects.cliffs_delta(a, b, variance="consistent", reference="normal").interval
    ),
    "a12": lambda a, b: effects.probability_of_superiority(a, b).value,
    "a12.ci95_bm": lambda a, b: _ends(
        effects.probability_of_superiority(a, b, clip=False).interval
    ),
    "bm.statistic": lambda a, b: classical.brunner_munzel(a, b).statistic,
    "bm.df": lambda a, b: classical.brunner_munzel(a, b).df,
    "bm.p_t": lambda a, b: classical.brunner_munzel(a, b).p,
    "bm.p_normal": lambda a, b: classical.brunner_munzel(a, b, distribution="normal").p,
    "bm.p_a_less_b": lambda a, b: effects.probability_of_superiority(b, a).value,
    "cohen_d": lambda a, b: effects.cohen_d(a, b).value,
    "cohen_d.ci95": lambda a, b: _ends(effects.cohen_d(a, b).interval),
    "hedges_g": lambda a, b: effects.hedges_g(a, b).value,
    "hedges_g.ci95": lambda a, b: _ends(effects.hedges_g(a, b).interval),
    "hedges_g_approxJ": lambda a, b: _approximate_g(effects.cohen_d(a, b), a.size + b.size - 2),
}


def _arms(case: dict[str, Any]) -> Arms:
    """The vectors drop missing values arm by arm; our functions want that done by the caller."""
    a, b = (np.array(case["input"][arm], dtype=np.float64) for arm in "ab")
    return a[~np.isnan(a)], b[~np.isnan(b)]


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
    if quantity not in NOT_OFFERED and (case["id"], quantity) not in NEVER_ZERO
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_two_sample(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = OURS[quantity](*_arms(case))
    assert agrees(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
