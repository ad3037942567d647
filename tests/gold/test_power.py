"""Family 08, power and sample size: R's power.t.test, pwr, rpact; statsmodels; simulations.

Quantities named ``*_sim`` were simulated by the oracle and are compared with our exact values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.stats import planning
from harness.stats.planning import Design
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "08_power.json"

# An approximation by the difference of two noncentral t probabilities; we integrate exactly.
NOT_OFFERED = {"ind.power_nct_approx", "paired.power_nct_approx"}


def _size(case: dict[str, Any], quantity: str) -> float:
    design: Design = "paired" if quantity.startswith("paired") else "two-sample"
    data = case["input"]
    n = planning.t_sample_size(data["d"], data["power"], data["alpha"], design=design)
    return float(math.ceil(n)) if quantity.endswith("_ceil") else n


def _power(case: dict[str, Any], quantity: str) -> list[float]:
    n, effects, alpha = (case["input"][key] for key in ("n", "d", "alpha"))
    if quantity == "welch_sim.power":
        return [planning.welch_power(n, d, alpha) for d in effects]
    if quantity == "two_sample.power_one_tail_only":
        return [
            planning.t_power(n, d, alpha / 2, design="two-sample", alternative="greater")
            for d in effects
        ]
    design: Design = "paired" if quantity.startswith("paired") else "two-sample"
    return [planning.t_power(n, d, alpha, design=design) for d in effects]


def _tost(case: dict[str, Any], quantity: str) -> float:
    data = case["input"]
    design: Design = "paired" if quantity.startswith("paired") else "two-sample"
    return planning.tost_power(
        data["n"], data["sd"], data["delta"], data["theta"], data["alpha"], design=design
    )


def _events(case: dict[str, Any], quantity: str) -> float:
    data = case["input"]
    return planning.logrank_events(data["hr"], data["power"], data["alpha"])


KINDS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "n_for_power": _size,
    "power_at_n": _power,
    "tost_power": _tost,
    "logrank_events": _events,
}

ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
    if quantity not in NOT_OFFERED
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_power(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = KINDS[case["input"]["kind"]](case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
