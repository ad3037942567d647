"""Family 12, sequential tools: R rpact and gsDesign, closed forms.

z bounds are per side, alpha split in halves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.stats.sequential import (
    Boundary,
    confidence_sequence,
    group_sequential,
    sign_e_process,
)
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "12_sequential.json"

BOUNDARIES: dict[str, Boundary] = {
    "ld_obf": "lan-demets-obf",
    "ld_pocock": "lan-demets-pocock",
    "classic_obf": "obf",
    "classic_pocock": "pocock",
}


def _group_sequential(data: dict[str, Any], quantity: str) -> Any:
    name, what = quantity.split(".")
    design = group_sequential(data["info"], BOUNDARIES[name], alpha=data["alpha"])
    return {
        "z": design.z.tolist(),
        "alpha_spent": design.spent.tolist(),
        "p_nominal_one_sided": design.p_nominal.tolist(),
    }[what]


def _mixture(data: dict[str, Any], quantity: str) -> Any:
    settings = {key: data[key] for key in ("sigma", "rho2", "alpha")}
    sequence = confidence_sequence(data["x"], **settings)
    return {
        "mean": sequence.mean.tolist(),
        "half_width": sequence.half_width.tolist(),
        "half_width_at_1_5_20_40": [sequence.half_width[n - 1] for n in (1, 5, 20, 40)],
        "first_n_excluding_0": sequence.first_exclusion,
    }[quantity]


def _signs(data: dict[str, Any], quantity: str) -> Any:
    process = sign_e_process(data["wins"], alpha=0.05)
    return {
        "e_value": process.e.tolist(),
        "anytime_p": process.p.tolist(),
        "first_n_reject": process.first_rejection,
    }[quantity]


def ours(case: dict[str, Any], quantity: str) -> Any:
    answers = {"gs": _group_sequential, "cs_mixture": _mixture, "e_sign": _signs}
    return answers[case["input"]["kind"]](case["input"], quantity)


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_sequential(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
