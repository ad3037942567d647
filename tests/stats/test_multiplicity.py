"""Families of claims."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats.multiplicity import Method, adjust, holm

METHODS: tuple[Method, ...] = ("holm", "hochberg", "hommel", "bonferroni", "bh", "by")
probabilities = st.one_of(st.floats(0, 1), st.sampled_from((0.01, 0.05, 0.5, 1.0)))
families = st.lists(probabilities, min_size=1, max_size=8)
with_gaps = st.lists(st.one_of(probabilities, st.just(math.nan)), min_size=1, max_size=8)


def closed_testing(p: list[float]) -> list[float]:
    """Holm from first principles: the closure of Bonferroni tests over all intersections."""
    m = len(p)
    subsets = [c for k in range(1, m + 1) for c in itertools.combinations(range(m), k)]
    local = {s: min(1.0, len(s) * min(p[i] for i in s)) for s in subsets}
    return [max(local[s] for s in subsets if i in s) for i in range(m)]


class TestHolm:
    """The adjustment that decides."""

    def test_nan_keeps_its_place(self) -> None:
        """D14."""
        adjusted = holm([0.01, math.nan, 0.04])
        assert adjusted == pytest.approx([0.03, math.nan, 0.08], nan_ok=True)

    def test_nan_left_out(self) -> None:
        """D14: the family reduced to 2."""
        adjusted = holm([0.01, math.nan, 0.04], keep_place=False)
        assert adjusted == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)

    @pytest.mark.parametrize(("n", "adjusted"), [(6, 0.09375), (7, 0.046875)])
    def test_three_claims_need_seven_replicates(self, n: int, adjusted: float) -> None:
        """D3."""
        assert holm([2 / 2**n] * 3) == pytest.approx([adjusted] * 3)

    def test_family_larger_than_what_is_here(self) -> None:
        assert holm([0.01, 0.02], family_size=5) == pytest.approx([0.05, 0.08])

    @given(st.lists(probabilities, min_size=1, max_size=6))
    def test_it_is_the_closure_of_bonferroni(self, p: list[float]) -> None:
        assert holm(p) == pytest.approx(closed_testing(p))

    def test_family_wise_error(self) -> None:
        """2,000 families of five true nulls: at most 5 % with any rejection."""
        p = np.random.default_rng(1).uniform(size=(2000, 5))
        rejected = np.mean([holm(row).min() <= 0.05 for row in p])
        assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


class TestAll:
    """What holds for every method."""

    @pytest.mark.parametrize("method", METHODS)
    @given(p=with_gaps, keep_place=st.booleans())
    def test_correction_never_lowers_p(
        self, method: Method, p: list[float], keep_place: bool
    ) -> None:
        adjusted = adjust(p, method, keep_place=keep_place)
        tested = ~np.isnan(p)
        assert np.array_equal(np.isnan(adjusted), ~tested)
        assert np.all(adjusted[tested] >= np.array(p)[tested] - 1e-15)
        assert np.all(adjusted[tested] <= 1)

    @pytest.mark.parametrize("method", METHODS)
    @given(p=families, data=st.data())
    def test_order_does_not_matter(
        self, method: Method, p: list[float], data: st.DataObject
    ) -> None:
        order = data.draw(st.permutations(range(len(p))))
        shuffled = adjust([p[i] for i in order], method)
        assert shuffled == pytest.approx(adjust(p, method)[order])

    @pytest.mark.parametrize("method", METHODS)
    @given(p=with_gaps)
    def test_an_untestable_claim_never_helps_the_others(
        self, method: Method, p: list[float]
    ) -> None:
        kept, dropped = adjust(p, method), adjust(p, method, keep_place=False)
        tested = ~np.isnan(p)
        assert np.all(kept[tested] >= dropped[tested] - 1e-12)

    @given(families)
    def test_methods_rank_as_theory_says(self, p: list[float]) -> None:
        bonferroni, holm_, hochberg, hommel, bh = (
            adjust(p, m) for m in ("bonferroni", "holm", "hochberg", "hommel", "bh")
        )
        for larger, smaller in itertools.pairwise((bonferroni, holm_, hochberg, hommel, bh)):
            assert np.all(larger >= smaller - 1e-12)

    @pytest.mark.parametrize("method", METHODS)
    @settings(max_examples=15)  # statsmodels takes a tenth of a second for Holm
    @given(p=families)
    def test_statsmodels(self, method: Method, p: list[float]) -> None:
        name = {"hochberg": "simes-hochberg", "bh": "fdr_bh", "by": "fdr_by"}.get(method, method)
        assert adjust(p, method) == pytest.approx(multipletests(p, method=name)[1])

    def test_unknown_method(self) -> None:
        with pytest.raises(ValueError, match="one of holm, hochberg, hommel"):
            adjust([0.1], "sidak")  # type: ignore[arg-type]

    def test_empty(self) -> None:
        assert adjust([]).size == 0

    @pytest.mark.parametrize("p", [[1.2], [-0.1], [[0.1]]])
    def test_what_is_no_p_value_is_refused(self, p: list[float]) -> None:
        with pytest.raises(ValueError, match=r"values in \[0, 1\]"):
            adjust(p)

    def test_family_smaller_than_its_members_is_refused(self) -> None:
        with pytest.raises(ValueError, match="family_size is 1, but 2 p values"):
            holm([0.1, 0.2], family_size=1)
