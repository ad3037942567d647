"""Family 05, several p values: R's p.adjust, statsmodels.

These oracles leave NaN out of the family; the product's default keeps its place (case D14).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats.multiplicity import adjust
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "05_multiplicity.json"

ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_multiplicity(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    method, what = quantity.split(".")
    p = np.array(case["input"]["p"], dtype=np.float64)
    adjusted = adjust(p, method, keep_place=False)  # type: ignore[arg-type]
    mine = adjusted.tolist() if what == "p_adj" else float(np.sum(adjusted <= 0.05))
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
