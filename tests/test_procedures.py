"""What belongs together in one way to decide: estimate, test, interval, equivalence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measures import FloatArray
from harness.procedures import (
    Maker,
    PairedT,
    RankSum,
    Relabeling,
    SignedRank,
    SignFlip,
    WelchT,
)
from harness.samples import Sample
from harness.stats import equivalence, paired, unpaired

PAIRED: list[Maker] = [SignFlip, PairedT, SignedRank]
UNPAIRED: list[Maker] = [Relabeling, WelchT, RankSum]
CONTROL = np.array([0.001, -0.002, 0.003, 0.0, 0.002, -0.001])


def sample(a: FloatArray, b: FloatArray) -> Sample:
    return Sample(
        a=a,
        b=b,
        reached_a=np.ones(len(a), dtype=bool),
        reached_b=np.ones(len(b), dtype=bool),
        horizon=None,
        notices=(),
        reason=None,
        replicates=(tuple(range(len(a))), tuple(range(len(b)))),
        is_paired=len(a) == len(b),
    )


def drawn(seed: int, shift: float = 0.0) -> Sample:
    rng = np.random.default_rng(seed)
    return sample(rng.normal(shift, 1, 7), rng.normal(0, 1, 7))


def test_tost_by_t_of_the_control_case() -> None:
    """D15."""
    tost = PairedT(sample(CONTROL, np.zeros(6))).tost(0.005)
    assert tost.p == pytest.approx(0.0010012, rel=1e-4)
    assert tost.method == "TOST by paired t test"
    assert np.isnan(PairedT(sample(np.full(5, 0.001), np.zeros(5))).tost(0.005).p)


@pytest.mark.parametrize("make", [PairedT, SignedRank, WelchT, RankSum, SignFlip, Relabeling])
@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_tost_is_the_one_sided_test_with_the_larger_p(make: Maker, shift: float) -> None:
    """By its statistic, too: a difference of means is no t and no sum of ranks."""
    procedure = make(drawn(4, shift))
    lower, upper = procedure.test(-1.0, "greater"), procedure.test(1.0, "less")
    weaker = max(lower, upper, key=lambda side: side.p)
    tost = procedure.tost(1.0)
    assert (tost.statistic, tost.p) == (weaker.statistic, weaker.p)
    assert tost.method == f"TOST by {weaker.method}"


def test_the_statistic_of_tost_by_t_is_that_against_the_nearer_margin() -> None:
    d = sample(CONTROL, np.zeros(6))
    assert PairedT(d).tost(0.005).statistic == pytest.approx(
        (CONTROL.mean() - 0.005) / (CONTROL.std(ddof=1) / np.sqrt(6))
    )


def test_the_deciding_procedures_are_the_tests_of_the_statistics_room() -> None:
    one = drawn(1, 0.5)
    flips = SignFlip(one)
    assert flips.test(0.1, "greater") == paired.sign_flip_test(
        one.differences, null=0.1, alternative="greater"
    )
    assert flips.interval(0.9) == paired.sign_flip_interval(one.differences, level=0.9)
    assert flips.tost(2.0) == equivalence.sign_flip_tost(one.differences, 2.0)
    labels = Relabeling(one)
    assert labels.test() == unpaired.permutation_test(one.a, one.b)
    assert labels.tost(2.0) == equivalence.permutation_tost(one.a, one.b, 2.0)
    assert labels.one_sided_interval(0.9) == unpaired.permutation_interval(
        one.a, one.b, level=0.9, equal_tailed=True
    )


@given(st.integers(0, 1_000), st.sampled_from(PAIRED + UNPAIRED), st.floats(-1.5, 1.5))
def test_an_interval_excludes_zero_exactly_when_the_test_rejects(
    seed: int, make: Maker, shift: float
) -> None:
    procedure = make(drawn(seed, shift))
    interval = procedure.interval(0.95)
    outside = not interval.low <= 0 <= interval.high
    assert outside == (procedure.test().p <= 0.05 + 1e-12)


@given(st.integers(0, 1_000), st.sampled_from(PAIRED + UNPAIRED))
def test_swapping_the_sides_mirrors(seed: int, make: Maker) -> None:
    one = drawn(seed, 0.5)
    there, back = make(one), make(sample(one.b, one.a))
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-9)
    assert back.test().p == pytest.approx(there.test().p)
    assert back.test(0.2, "less").p == pytest.approx(there.test(-0.2, "greater").p)
    assert (back.interval(0.95).low, back.interval(0.95).high) == pytest.approx(
        (-there.interval(0.95).high, -there.interval(0.95).low), abs=1e-9
    )


def test_random_draws_stand_in_for_too_many_arrangements() -> None:
    """D4: sampled p values are never 0."""
    far = sample(np.arange(30.0) + 100, np.arange(30.0) / 7)
    few = SignFlip(far, draws=499, exact_up_to=10).test()
    assert few.p == 1 / 500
    assert "Monte Carlo" in few.method
    labels = Relabeling(sample(far.a[:6], far.b[:6]), draws=99, exact_up_to=10).test()
    assert labels.p >= 1 / 100
