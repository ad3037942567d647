"""Family 10, variance components: R aov, lme4, psych; the table of Shrout & Fleiss (1979).

A negative ANOVA estimate is reported beside REML's 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.stats.results import Estimate
from harness.stats.variance import crossed, one_way
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "10_variance_components.json"


def _bounds(estimate: Estimate) -> list[float]:
    return [estimate.interval.low, estimate.interval.high]


def _one_way(y: list[list[float]], quantity: str) -> Any:
    fit = one_way(y)
    return {
        "ms_between": fit.ms_between,
        "ms_within": fit.ms_within,
        "anova.var_group": fit.group.anova,
        "anova.var_resid": fit.residual.anova,
        "F": fit.test.statistic,
        "F.p": fit.test.p,
        "reml.var_group": fit.group.reml,
        "reml.var_resid": fit.residual.reml,
        "icc1": fit.icc1.value,
        "icc1.ci95": _bounds(fit.icc1),
    }[quantity]


def _crossed(y: list[list[float]], quantity: str) -> Any:
    fit = crossed(y)
    return {
        "ms_row": fit.ms_row,
        "ms_col": fit.ms_column,
        "ms_error": fit.ms_error,
        "anova.var_row": fit.row.anova,
        "anova.var_col": fit.column.anova,
        "anova.var_resid": fit.residual.anova,
        "reml.var_row": fit.row.reml,
        "reml.var_col": fit.column.reml,
        "reml.var_resid": fit.residual.reml,
        "icc1": fit.icc1.value,
        "icc1.ci95": _bounds(fit.icc1),
        "icc2": fit.icc2.value,
        "icc2.ci95": _bounds(fit.icc2),
        "icc3": fit.icc3.value,
        "icc3.ci95": _bounds(fit.icc3),
    }[quantity]


def ours(case: dict[str, Any], quantity: str) -> Any:
    answer = {"oneway": _one_way, "crossed": _crossed}[case["input"]["kind"]]
    return answer(case["input"]["y"], quantity)


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_variance_components(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
