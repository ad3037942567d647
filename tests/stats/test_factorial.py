"""Two factors within blocks: known effects are found, absent ones are not, whatever the spread."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.stats.classical import paired_t
from harness.stats.factorial import factorial
from harness.stats.paired import sign_flip_test

FloatArray = NDArray[np.float64]


def noise(blocks: int, seed: int = 0) -> FloatArray:
    """A block effect and cells of very different spread: no sphericity."""
    rng = np.random.default_rng(seed)
    spread = np.array([[0.2, 1.0, 3.0], [2.0, 0.5, 0.2]])
    return np.asarray(rng.normal(size=(blocks, 2, 3)) * spread + rng.normal(size=(blocks, 1, 1)))


def test_two_rows_are_the_sign_flip_test_of_their_difference() -> None:
    y = noise(9)
    difference = y[:, 0].mean(axis=1) - y[:, 1].mean(axis=1)
    found = factorial(y).row
    assert found.p == sign_flip_test(difference).p
    assert found.statistic == pytest.approx(2 * paired_t(difference).statistic ** 2)


def test_many_blocks_are_drawn_from_the_seed() -> None:
    y = noise(18, seed=6)
    one, again, other = (factorial(y, draws=199, seed=seed).column for seed in (1, 1, 2))
    assert one == again
    assert one.p != other.p


def test_main_effects_without_interaction() -> None:
    y = noise(10, seed=1) * 0.1
    y[:, 1, :] += 1.0
    y += np.array([0.0, 0.5, 1.5])
    found = factorial(y)
    assert found.row.p <= 0.01
    assert found.column.p <= 0.01
    assert found.interaction.p > 0.05
    assert found.means[1] - found.means[0] == pytest.approx([1.0] * 3, abs=0.3)


def test_interaction_without_main_effects() -> None:
    y = noise(10, seed=2) * 0.1
    y += np.array([[1.0, 0.0, -1.0], [-1.0, 0.0, 1.0]])
    found = factorial(y)
    assert found.interaction.p <= 0.01
    assert found.row.p > 0.05
    assert found.column.p > 0.05
    assert found.shares[2] > 0.8


def test_shares_are_parts_of_the_whole() -> None:
    y = noise(7, seed=3)
    shares = factorial(y).shares
    assert sum(shares) == pytest.approx(1)
    centred = y - y.mean()
    rows, columns = (centred.mean(axis=axes, keepdims=True) for axes in ((0, 2), (0, 1)))
    blocks = centred.mean(axis=(1, 2), keepdims=True)
    both = centred.mean(axis=0, keepdims=True) - rows - columns
    for share, part in zip(shares[:4], (rows, columns, both, blocks), strict=True):
        of_cells = np.broadcast_to(part, y.shape)
        assert share == pytest.approx((of_cells**2).sum() / (centred**2).sum())


def test_absent_effects_are_rarely_found_with_unequal_spreads() -> None:
    found = [factorial(noise(8, seed)) for seed in range(200)]
    for effect in ("row", "column", "interaction"):
        rate = np.mean([getattr(one, effect).p <= 0.05 for one in found])
        assert rate <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_the_smallest_p_is_that_of_all_sign_patterns() -> None:
    y = noise(5, seed=4) * 1e-3
    y[:, 1, :] += 1.0
    assert factorial(y).row.p == 2 / 2**5


def test_names_of_rows_and_columns_do_not_matter() -> None:
    y = noise(8, seed=5)
    one, other = factorial(y), factorial(y[:, ::-1, [2, 0, 1]])
    for effect in ("row", "column", "interaction"):
        assert getattr(one, effect).p == getattr(other, effect).p


def test_cells_that_never_differ_are_undefined_and_have_no_shares() -> None:
    found = factorial(np.full((6, 2, 2), 0.98))
    assert found.shares == (0, 0, 0, 0, 0)
    assert math.isnan(found.row.p)
    assert found.interaction.reason == "interaction contrasts never differ"
    blocks = np.arange(6.0)[:, None, None] + np.zeros((6, 2, 3))
    assert math.isnan(factorial(blocks).column.p)


def test_many_blocks_are_sampled_with_the_same_seed() -> None:
    y = noise(30, seed=6)
    one, other = factorial(y, draws=500), factorial(y, draws=500)
    assert one.interaction.p == other.interaction.p
    assert "Monte Carlo" in one.interaction.method
    assert one.interaction.p >= 1 / 501


def test_incomplete_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        factorial(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="finite"):
        factorial(np.full((3, 2, 2), math.nan))


@pytest.mark.parametrize("spread", [8e-3, 6e-3, 2e-3, 1e-4])
def test_p_is_that_of_the_sign_flips_however_small_the_spread(spread: float) -> None:
    """Effects far above their spread: the pattern seen and its mirror image, never p = 0."""
    rng = np.random.default_rng(3)
    for _ in range(25):
        y = np.arange(6.0).reshape(3, 2) ** 2 + spread * rng.standard_normal((8, 3, 2))
        result = factorial(y)
        assert [result.row.p, result.column.p, result.interaction.p] == [2 / 2**8] * 3
