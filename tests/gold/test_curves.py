"""Family 09, learning curves: base R, formulas written in R, R mvtnorm.

The sup-t band has min(n, m) - 1 degrees of freedom, as the README of the vectors recommends.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats import curves
from harness.stats.curve_bands import difference_band, sup_t_critical
from harness.stats.curve_tests import max_t
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "09_curves.json"


def _descriptor(data: dict[str, Any], quantity: str) -> float:
    epoch, y = data["epoch"], data["y"]
    return {
        "aulc": lambda: curves.area_under_curve(epoch, y),
        "aulc_normalized": lambda: curves.area_under_curve(epoch, y, normalised=True),
        "best": lambda: curves.best(epoch, y)[0],
        "best_epoch": lambda: curves.best(epoch, y)[1],
        "final": lambda: curves.final_value(epoch, y),
        "gain99.level": lambda: curves.gain_level(epoch, y, share=0.99),
        "gain99.epoch": lambda: curves.gain_reach(epoch, y, share=0.99),
    }[quantity]()


def _reach(data: dict[str, Any], quantity: str) -> float:
    level, how = quantity.removeprefix("reach_").rsplit(".", 1)
    epoch, y, threshold = data["epoch"], data["y"], float(level)
    return {
        "first": lambda: curves.first_reach(epoch, y, threshold),
        "linear": lambda: curves.interpolated_reach(epoch, y, threshold),
        "sustained": lambda: curves.first_reach(epoch, y, threshold, sustain=data["sustain"]),
        "stays_to_end": lambda: curves.stays_from(epoch, y, threshold),
        "seconds": lambda: curves.seconds_to_reach(data["seconds"], y, threshold),
    }[how]()


def _max_t(data: dict[str, Any], quantity: str) -> Any:
    result = max_t(data["a"], data["b"], paired=data["paired"])
    return {
        "n_perm": result.arrangements,
        "abs_t": np.abs(result.t).tolist(),
        "p_raw": result.p_raw.tolist(),
        "p_single_step": result.p_single_step.tolist(),
        "p_step_down": result.p_step_down.tolist(),
    }[quantity.removeprefix("maxt.")]


def _sup_t(data: dict[str, Any], quantity: str) -> Any:
    if quantity == "supt.crit_normal":
        arms = [np.array(data[arm]) for arm in "ab"]
        factor = [(x - x.mean(axis=0)) / math.sqrt(len(x) * (len(x) - 1)) for x in arms]
        return sup_t_critical(np.concatenate(factor), df=math.inf)
    band = difference_band(data["a"], data["b"], paired=False)
    return {
        "diff": band.centre.tolist(),
        "se": band.se.tolist(),
        "df": band.df,
        "crit_t": band.critical,
    }[quantity.removeprefix("supt.")]


def ours(case: dict[str, Any], quantity: str) -> Any:
    answer = {"maxt": _max_t, "supt": _sup_t}.get(quantity.split(".", maxsplit=1)[0])
    if answer is None:
        answer = _reach if quantity.startswith("reach_") else _descriptor
    return answer(case["input"], quantity)


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_curves(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
