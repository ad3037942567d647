"""Family 06, TOST by t tests: R's t.test, statsmodels, pingouin."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats import classical, equivalence
from harness.stats.equivalence import TTost
from harness.stats.results import TestResult
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "06_equivalence.json"

# All differences are zero: R's check for constant data lets them pass and prints t = Inf, p = 0.
# The vectors' notes recommend what we do: t undefined, with the reason "no spread".
NOT_OURS = {
    ("eq07_identical", "paired.t_lower"),
    ("eq07_identical", "paired.t_upper"),
    ("eq07_identical", "paired.df"),
    ("eq07_identical", "paired.p_lower"),
    ("eq07_identical", "paired.p_upper"),
    ("eq07_identical", "paired.p_tost"),
}


def _tests(case: dict[str, Any], design: str) -> tuple[TTost, TestResult]:
    data = case["input"]
    a, b = np.array(data["a"], dtype=np.float64), np.array(data["b"], dtype=np.float64)
    if design == "welch":
        return equivalence.welch_tost(a, b, data["low"], data["high"]), classical.welch_t(a, b)
    tost = equivalence.paired_t_tost(a - b, data["low"], data["high"])
    return tost, classical.paired_t(a - b)


def ours(case: dict[str, Any], quantity: str) -> Any:
    design, what = quantity.split(".")
    tost, difference = _tests(case, design)
    answers = {
        "t_lower": tost.lower.statistic,
        "t_upper": tost.upper.statistic,
        "df": tost.lower.df,
        "p_lower": tost.lower.p,
        "p_upper": tost.upper.p,
        "p_tost": tost.p,
        "ci90": [tost.interval.low, tost.interval.high],
        "p_difference": difference.p,
        "equivalent": tost.equivalent(0.05),
        "different": None if math.isnan(difference.p) else difference.p <= 0.05,
    }
    return answers[what]


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
    if (case["id"], quantity) not in NOT_OURS
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_equivalence(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
