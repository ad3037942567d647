"""Family 07, many arms: R, scikit-posthocs, statsmodels, Demsar's published table.

Friedman is tie corrected as R and scipy; Demsar's printed numbers are the uncorrected ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.stats.many_arms import dunn, friedman, kruskal_wallis, mean_ranks, nemenyi, welch_anova
from harness.stats.samples import FloatArray
from tests.gold.reader import cases, close

FAMILY = Path(__file__).parent / "data" / "07_many_arms.json"


def _pairs(matrix: FloatArray) -> list[float]:
    return matrix[np.triu_indices(len(matrix), 1)].tolist()


def _blocks(rows: list[list[float]], quantity: str) -> Any:
    corrected, plain = friedman(rows), friedman(rows, correct_ties=False)
    pairs = nemenyi(rows)
    return {
        "mean_rank": mean_ranks(rows).tolist(),
        "friedman.chisq": corrected.friedman.statistic,
        "friedman.p": corrected.friedman.p,
        "iman_davenport.F": corrected.iman_davenport.statistic,
        "iman_davenport.p": corrected.iman_davenport.p,
        "friedman.chisq_no_tie_correction": plain.friedman.statistic,
        "iman_davenport.F_no_tie_correction": plain.iman_davenport.statistic,
        "nemenyi.q05": pairs.q,
        "nemenyi.cd05": pairs.critical_difference,
        "nemenyi.p_pairs": _pairs(pairs.p),
    }[quantity]


def _groups(groups: list[list[float]], quantity: str) -> Any:
    rank, pairs, welch = kruskal_wallis(groups), dunn(groups), welch_anova(groups)
    return {
        "kruskal.H": rank.statistic,
        "kruskal.p": rank.p,
        "dunn.p_unadjusted": _pairs(pairs.p),
        "dunn.p_holm": _pairs(pairs.p_holm),
        "welch_anova.F": welch.test.statistic,
        "welch_anova.df2": welch.df_denominator,
        "welch_anova.p": welch.test.p,
    }[quantity]


def ours(case: dict[str, Any], quantity: str) -> Any:
    data = case["input"]
    if "rows" in data:
        return _blocks(data["rows"], quantity)
    return _groups(list(data["groups"].values()), quantity)


ALL = [
    pytest.param(case, quantity, expected, id=f"{case['id']}:{quantity}")
    for case, quantity, expected in cases(FAMILY)
]


@pytest.mark.parametrize(("case", "quantity", "expected"), ALL)
def test_many_arms(case: dict[str, Any], quantity: str, expected: dict[str, Any]) -> None:
    mine = ours(case, quantity)
    assert close(mine, expected), f"{quantity}: {mine} is not {expected['value']}"
