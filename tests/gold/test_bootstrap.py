"""Family 03, bootstrap: R boot, scipy, rliable, and full enumeration.

``strict_z0`` counts only resamples below the estimate (R's boot), ``mid_z0`` half of the ties too
(scipy); both are offered, the second is the default.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.stats.bootstrap import (
    BootstrapResult,
    Correction,
    Statistic,
    bootstrap,
    probability_of_improvement,
)
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "03_bootstrap.json"

# The oracle's 20,000 draws put the adjusted level (0.0098) on the wrong side of a jump (0.0093) of
# the distribution of the median; a million draws give 0.9811 and not 0.981.
NOT_OURS = {("bs07_n20", "median.bca95_strict_z0"): "Monte Carlo error of the oracle"}


@lru_cache(maxsize=64)
def _result(
    x: tuple[float, ...], statistic: Statistic, correction: Correction, percentile: bool
) -> BootstrapResult:
    interval = "percentile" if percentile else "bca"
    return bootstrap(x, statistic, correction=correction, interval=interval)


def ours(case: dict[str, Any], quantity: str) -> Any:
    if quantity == "prob_improvement":
        return probability_of_improvement(case["input"]["x"], case["input"]["y"]).value
    name, what = quantity.split(".")
    statistic = next(s for s in get_args(Statistic) if s == name)
    correction: Correction = "strict" if what.endswith(("strict", "strict_z0")) else "mid"
    result = _result(tuple(case["input"]["x"]), statistic, correction, what == "percentile95")
    bounds = result.estimate.interval
    return {
        "estimate": result.estimate.value,
        "acceleration": result.acceleration,
        "boot_se_exact": result.se,
        "z0_strict": result.z0,
        "z0_mid": result.z0,
    }.get(what, [bounds.low, bounds.high])


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
    if (case["id"], quantity) not in NOT_OURS
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_bootstrap(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    if expected["value"] == "NaN" and isinstance(mine, list):
        # The oracle gives one NaN for an interval it cannot form.
        mine = sum(mine)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
