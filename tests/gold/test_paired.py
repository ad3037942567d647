"""Family 02, paired samples: R stats, coin, exactRankTests, effectsize; scipy.

Exact tests with ties enumerate signs of the midranks; Pratt's form ranks zeros and then drops
their ranks. A t test of differences without spread is undefined.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats import classical, effects
from harness.stats.paired import sign_flip_test, sign_flips
from harness.stats.results import Interval
from harness.stats.samples import FloatArray
from tests.gold.agreement import agrees
from tests.gold.reader import cases

FAMILY = Path(__file__).parent / "data" / "02_paired.json"

# R prints degrees of freedom for a t that it could not compute; elsewhere in this family (constant
# differences) it refuses. We give none for an undefined t.
NOT_OURS = {("pd06_all_zero", "t.df")}


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _wilcoxon(**options: Any) -> Callable[[FloatArray], float]:
    return lambda d: classical.wilcoxon_signed_rank(d, **options).p


OURS: dict[str, Callable[[FloatArray], Any]] = {
    "n_pairs_used": lambda d: float(sign_flips(d).pairs),
    "mean_diff": lambda d: sign_flip_test(d).statistic,
    "t.t": lambda d: classical.paired_t(d).statistic,
    "t.df": lambda d: classical.paired_t(d).df,
    "t.p_two": lambda d: classical.paired_t(d).p,
    "t.ci95": lambda d: _ends(classical.paired_t_interval(d)),
    "n_zero": lambda d: float(np.count_nonzero(d == 0)),
    "wsr.W_plus": lambda d: classical.wilcoxon_signed_rank(d).statistic,
    "wsr.p_exact_two_wilcox": _wilcoxon(method="exact"),
    "wsr.p_exact_two_pratt": _wilcoxon(method="exact", zeros="pratt"),
    "wsr.p_asymp_nocc_wilcox": _wilcoxon(method="asymptotic"),
    "wsr.p_asymp_cc_wilcox": _wilcoxon(method="asymptotic", continuity=True),
    "wsr.p_asymp_nocc_pratt": _wilcoxon(method="asymptotic", zeros="pratt"),
    "wsr.p_asymp_cc_pratt": _wilcoxon(method="asymptotic", zeros="pratt", continuity=True),
    "signflip.p_two": lambda d: sign_flip_test(d).p,
    "signflip.p_greater": lambda d: sign_flip_test(d, alternative="greater").p,
    "sign_test.p_two": lambda d: classical.sign_test(d).p,
    "rank_biserial_paired": effects.rank_biserial,
    "cohen_dz": lambda d: effects.cohen_dz(d).value,
    "cohen_dz.ci95": lambda d: _ends(effects.cohen_dz(d).interval),
    "hedges_gz": lambda d: effects.hedges_gz(d).value,
    "hedges_gz.ci95": lambda d: _ends(effects.hedges_gz(d).interval),
}


def _differences(case: dict[str, Any]) -> FloatArray:
    """A pair with a missing value is dropped; our functions want that done by the caller."""
    a, b = (np.array(case["input"][arm], dtype=np.float64) for arm in "ab")
    d = a - b
    return d[~np.isnan(d)]


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
    if (case["id"], quantity) not in NOT_OURS
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_paired(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = OURS[quantity](_differences(case))
    assert agrees(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
