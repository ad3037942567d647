"""Many arms in words: who ranks where, who beats whom, and what each factor does."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analyses.many_arms import Factors, ManyArms, Ranked
from harness.language import N_, _
from harness.prose.phrases import subject
from harness.quantities import (
    NO_VALUE,
    decimals_for,
    level,
    listed,
    number,
    p_value,
    p_words,
    plural,
    with_ends,
    with_percent,
)
from harness.stats.planning import smallest_p
from harness.stats.results import Estimate, Interval, TestResult


def what(found: ManyArms) -> str:
    """The measure, as it stands in a sentence."""
    return subject(found.blocks.measure)


def overall_sentence(found: ManyArms) -> str:
    """Whether the arms rank alike at all."""
    test = found.friedman.deciding
    count = plural(len(found.blocks.replicates), "replicate")
    arms = len(found.blocks.arms)
    parts = {"measure": what(found), "arms": arms, "replicates": count}
    if not test.defined:
        return _("In {measure} all {arms} arms are alike: {reason}.").format(
            **parts, reason=_(test.reason or NO_VALUE)
        )
    template = N_("In {measure} the {arms} arms do not rank alike over {replicates} ({test}, {p}).")
    if test.p > found.alpha:
        template = N_(
            "In {measure} the {arms} arms cannot be told apart by their ranks over {replicates} "
            "({test}, {p})."
        )
    name = _("Iman-Davenport") if found.friedman.exact is None else _("exact Friedman test")
    return _(template).format(**parts, test=name, p=p_words(test.p, found.alpha))


def best_sentence(found: ManyArms) -> str:
    """The arm that ranks first, and which others it cannot be told from, or even loses to."""
    best = found.ranked[0]
    others = [row.arm for row in found.ranked[1:] if row.arm not in best.beats]
    template = N_(
        "{arm} ranks best (mean rank {rank}); it beats {beaten} and cannot be told from {others}."
    )
    if best.loses_to:
        template = N_(
            "{arm} ranks best (mean rank {rank}), but by its mean it loses to {winners}: few large "
            "differences outweigh many small ones."
        )
    elif not others:
        template = N_("{arm} ranks best (mean rank {rank}) and beats every other arm.")
    elif not best.beats:
        template = N_(
            "{arm} ranks best (mean rank {rank}), but the data do not show that it beats any other "
            "arm."
        )
    return _(template).format(
        arm=best.arm,
        rank=number(best.mean_rank, 1),
        beaten=plural(len(best.beats), "arm"),
        others=listed(others),
        winners=listed(best.loses_to),
    )


def pairs_sentence(found: ManyArms) -> str:
    """How many pairs differ, and whether they could."""
    pairs = len(found.pairs)
    apart = sum(found.differs(pair) for pair in found.pairs)
    if found.smallest_adjusted_p > found.alpha:
        return _(
            "With {replicates} no pair of arms could be called different: the smallest p, adjusted "
            "for {pairs}, is {p}."
        ).format(
            replicates=plural(len(found.blocks.replicates), "replicate"),
            pairs=plural(pairs, "pair"),
            p=p_value(found.smallest_adjusted_p, found.alpha),
        )
    return _("{n} of {pairs} of arms differ (sign-flip test, Holm over all pairs).").format(
        n=apart, pairs=plural(pairs, "pair")
    )


def factor_sentences(found: ManyArms) -> list[str]:
    """What each factor of the grid does, and whether one depends on the other."""
    factors = found.factors
    if factors is None:
        return []
    tests = factors.tests
    names = {"row": _(factors.row), "column": _(factors.column)}
    if smallest_p(len(found.blocks.replicates)) > found.alpha:
        row, column, both = (_share(share) for share in tests.shares[:3])
        return [
            _(
                "With {replicates} no factor could be shown to matter; of all variation the {row} "
                "makes {row_share}, the {column} {column_share}, the dependence of one on the "
                "other {both}."
            ).format(
                replicates=plural(len(found.blocks.replicates), "replicate"),
                **names,
                row_share=row,
                column_share=column,
                both=both,
            )
        ]
    return [
        _effect(names["row"], tests.row, tests.shares[0], found),
        _effect(names["column"], tests.column, tests.shares[1], found),
        _interaction(names, factors, found),
    ]


def _effect(factor: str, test: TestResult, share: float, found: ManyArms) -> str:
    template = N_("The {factor} makes no difference in {measure}.")
    if test.defined and test.p <= found.alpha:
        template = N_("The {factor} matters: it makes {share} of all variation in {measure} ({p}).")
    elif test.defined:
        template = N_(
            "The {factor} alone, over the other factor, was not shown to matter: {share} of all "
            "variation in {measure} ({p})."
        )
    p = p_words(test.p, found.alpha)
    return _(template).format(factor=factor, measure=what(found), share=_share(share), p=p)


def _interaction(names: Mapping[str, str], factors: Factors, found: ManyArms) -> str:
    test, share = factors.tests.interaction, factors.tests.shares[2]
    if not test.defined:
        return _("The {column} makes the same difference whatever the {row}.").format(**names)
    template = N_(
        "That the effect of the {column} depends on the {row} was not shown ({share} of all "
        "variation, {p}); best by its mean: {best}."
    )
    if test.p <= found.alpha:
        template = N_(
            "The effect of the {column} depends on the {row} ({share} of all variation, {p}); "
            "best by its mean: {best}."
        )
    return _(template).format(
        **names, share=_share(share), p=p_words(test.p, found.alpha), best=_best(factors, found)
    )


def _best(factors: Factors, found: ManyArms) -> str:
    """The column with the best mean: "adam on mlp and rmsprop on cnn"."""
    means = factors.tests.means if found.blocks.higher_is_better else -factors.tests.means
    names = [factors.optimizers[int(row.argmax())] for row in means]
    if len(set(names)) == 1:
        return _("{name} throughout").format(name=names[0])
    pairs = zip(names, factors.architectures, strict=True)
    template = _("{optimizer} on {architecture}")
    return listed([template.format(optimizer=o, architecture=a) for o, a in pairs])


def _share(share: float) -> str:
    return with_percent(number(100 * share, 1))


def middle_words(estimate: Estimate, unit: str) -> str:
    """An interquartile mean with its interval."""
    ends = estimate.interval
    decimals = max(1, decimals_for(unit, Interval(ends.low, ends.high, ends.level), 0.0))
    low, high = level(ends.low, unit, decimals), level(ends.high, unit, decimals)
    return with_ends(level(estimate.value, unit, decimals), low, high)


def order_words(row: Ranked, found: ManyArms) -> str:
    """Over how many arms an arm is almost stochastically dominant."""
    bounds = [
        pair.order[0] if pair.first == row.arm else pair.order[1]
        for pair in found.pairs
        if row.arm in (pair.first, pair.second)
    ]
    return _("{some} of {n}").format(some=sum(bound < 0.5 for bound in bounds), n=len(bounds))
