"""Arrangements fit in memory however many runs there are, and are the same block by block."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import arrangements
from harness.stats.arrangements import Arrangements, labelings, sign_flips
from harness.stats.classical import brunner_munzel
from harness.stats.effects import cliffs_delta, probability_of_superiority
from harness.stats.logrank import log_rank_permutation
from harness.stats.rank_intervals import rank_shift
from harness.stats.survival import CensoredTimes


@pytest.mark.parametrize(
    "make",
    [
        lambda: labelings(9, 4, draws=1),
        lambda: labelings(50, 20, draws=70),
        lambda: sign_flips(8, draws=1),
        lambda: sign_flips(30, draws=70),
    ],
)
def test_blocks_hold_the_same_rows(
    make: Callable[[], Arrangements], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make().rows
    monkeypatch.setattr(arrangements, "_BLOCK", 256)
    blocks = list(make().blocks())
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks), whole)
    assert max(len(block) for block in make().blocks(width=128)) == 2


def test_thousands_of_runs_want_no_table_of_all_pairs() -> None:
    """Two arms of 4,000: a table of all pairs would take 128 MB, of all labelings 640."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(1, 1, 4_000) ** 2 + 0.1, rng.normal(0, 1, 4_000) ** 2 + 0.1
    reached = np.ones(4_000, dtype=bool)
    tracemalloc.start()
    try:
        won = probability_of_superiority(a, b).value
        brunner_munzel(a, b), cliffs_delta(a, b), rank_shift(a, b)
        log_rank_permutation(CensoredTimes(a, reached), CensoredTimes(b, reached), draws=999)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6
    assert won == pytest.approx(float(np.mean(a[:, None] > b)))
