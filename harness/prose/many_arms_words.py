"""Many arms in words: who ranks where, who beats whom, and what each factor does."""

from __future__ import annotations

from harness.analyses.many_arms import Factors, ManyArms, Ranked
from harness.prose.phrases import subject
from harness.quantities import (
    decimals_for,
    level,
    listed,
    number,
    p_value,
    p_words,
    plural,
)
from harness.stats.planning import smallest_p
from harness.stats.results import Estimate, Interval, TestResult


def what(found: ManyArms) -> str:
    """The measure, as it stands in a sentence."""
    return subject(found.blocks.measure)


def overall_sentence(found: ManyArms) -> str:
    """Whether the arms rank alike at all."""
    test = found.friedman.iman_davenport
    count = plural(len(found.blocks.replicates), "replicate")
    arms = len(found.blocks.arms)
    if not test.defined:
        return f"In {what(found)} all {arms} arms are alike: {test.reason}."
    p = p_words(test.p, found.alpha)
    if test.p > found.alpha:
        return (
            f"In {what(found)} the {arms} arms cannot be told apart by their ranks over {count} "
            f"(Iman-Davenport, {p})."
        )
    return f"In {what(found)} the {arms} arms do not rank alike over {count} (Iman-Davenport, {p})."


def best_sentence(found: ManyArms) -> str:
    """The arm that ranks first, and which others it cannot be told from."""
    best = found.ranked[0]
    others = [row.arm for row in found.ranked[1:] if row.arm not in best.beats]
    text = f"{best.arm} ranks best (mean rank {number(best.mean_rank, 1)})"
    if not others:
        return f"{text} and beats every other arm."
    if not best.beats:
        return f"{text}, but the data do not show that it beats any other arm."
    beaten = plural(len(best.beats), "arm")
    return f"{text}; it beats {beaten} and cannot be told from {listed(others)}."


def pairs_sentence(found: ManyArms) -> str:
    """How many pairs differ, and whether they could."""
    pairs = len(found.pairs)
    apart = sum(found.differs(pair) for pair in found.pairs)
    if found.smallest_adjusted_p > found.alpha:
        return (
            f"With {plural(len(found.blocks.replicates), 'replicate')} no pair of arms could be "
            f"called different: the smallest p, adjusted for {plural(pairs, 'pair')}, is "
            f"{p_value(found.smallest_adjusted_p, found.alpha)}."
        )
    return (
        f"{apart} of {plural(pairs, 'pair')} of arms differ (sign-flip test, Holm over all pairs)."
    )


def factor_sentences(found: ManyArms) -> list[str]:
    """What architecture and optimizer do, and whether each depends on the other."""
    factors = found.factors
    if factors is None:
        return []
    tests = factors.tests
    if smallest_p(len(found.blocks.replicates)) > found.alpha:
        row, column, both = (_share(share) for share in tests.shares[:3])
        return [
            f"With {plural(len(found.blocks.replicates), 'replicate')} no factor could be shown to "
            f"matter; of all variation the architecture makes {row}, the optimizer {column}, the "
            f"dependence of one on the other {both}."
        ]
    return [
        _effect("The architecture", tests.row, tests.shares[0], found),
        _effect("The optimizer", tests.column, tests.shares[1], found),
        _interaction(factors, found),
    ]


def _effect(name: str, test: TestResult, share: float, found: ManyArms) -> str:
    told = f"{_share(share)} of all variation in {what(found)}"
    if not test.defined:
        return f"{name} makes no difference in {what(found)}."
    p = p_words(test.p, found.alpha)
    if test.p <= found.alpha:
        return f"{name} matters: it makes {told} ({p})."
    return f"{name} alone, over the other factor, was not shown to matter: {told} ({p})."


def _interaction(factors: Factors, found: ManyArms) -> str:
    test, share = factors.tests.interaction, factors.tests.shares[2]
    if not test.defined:
        return "Optimizers differ by the same amounts on every architecture."
    told = f"{_share(share)} of all variation, {p_words(test.p, found.alpha)}"
    best = f"best by its mean: {_best(factors, found)}"
    if test.p <= found.alpha:
        return f"What an optimizer is worth depends on the architecture ({told}); {best}."
    return f"That an optimizer's worth depends on the architecture was not shown ({told}); {best}."


def _best(factors: Factors, found: ManyArms) -> str:
    """The optimizer with the best mean: "adam on mlp and rmsprop on cnn"."""
    means = factors.tests.means if found.blocks.higher_is_better else -factors.tests.means
    names = [factors.optimizers[int(row.argmax())] for row in means]
    if len(set(names)) == 1:
        return f"{names[0]} on every architecture"
    pairs = zip(names, factors.architectures, strict=True)
    return listed([f"{name} on {architecture}" for name, architecture in pairs])


def _share(share: float) -> str:
    return f"{number(100 * share, 1)} %"


def middle_words(estimate: Estimate, unit: str) -> str:
    """An interquartile mean with its interval."""
    ends = estimate.interval
    decimals = max(1, decimals_for(unit, Interval(ends.low, ends.high, ends.level), 0.0))
    low, high = level(ends.low, unit, decimals), level(ends.high, unit, decimals)
    return f"{level(estimate.value, unit, decimals)} ({low} to {high})"


def order_words(row: Ranked, found: ManyArms) -> str:
    """Over how many arms an arm is almost stochastically dominant."""
    bounds = [
        pair.order[0] if pair.first == row.arm else pair.order[1]
        for pair in found.pairs
        if row.arm in (pair.first, pair.second)
    ]
    return f"{sum(bound < 0.5 for bound in bounds)} of {len(bounds)}"
