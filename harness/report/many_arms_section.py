"""The section on three arms or more: ranks, all pairs, factors, profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from harness.analyses.many_arms import ManyArms, Pair, Profiles, many_arms_of, profiles_of
from harness.language import _
from harness.prose.many_arms_words import (
    best_sentence,
    factor_sentences,
    middle_words,
    order_words,
    overall_sentence,
    pairs_sentence,
    what,
)
from harness.quantities import (
    amount,
    decimals_for,
    joined,
    level,
    listed,
    number,
    p_value,
    span_with_unit,
)
from harness.report.exports import csv_text
from harness.report.figure_style import arm_styles
from harness.report.figures import Drawn
from harness.report.many_arms_figures import (
    critical_differences,
    interaction,
    middles,
    profiles,
)
from harness.report.sections import Section, Table, left_out_note
from harness.results import Results

_RANKS, _PAIRS, _PROFILES = "ranks.csv", "pairs.csv", "profiles.csv"
_MOST_LINES = 8  # arms in one panel of profiles


def section_of(results: Results) -> Section | None:
    """All arms compared; None for fewer than three, or where they cannot be ranked."""
    compared = many_arms_of(results)
    if not compared:
        return None
    reached = profiles_of(results)
    files = {_RANKS: csv_text(_rank_values(compared)), _PAIRS: csv_text(_pair_values(compared))}
    if reached is not None:
        files[_PROFILES] = csv_text(_profile_values(reached))
    return Section(
        key="many-arms",
        title=_("All arms compared"),
        lead=[*_lead(compared[0]), *map(_summary, compared[1:])],
        figures=list(_figures(results, compared, reached)),
        tables=[*_tables(compared[0]), *map(_rank_table, compared[1:])],
        method=_method(compared),
        files=files,
    )


def _lead(found: ManyArms) -> list[str]:
    """The first measure in full; `_summary` has the others."""
    return [
        _summary(found),
        pairs_sentence(found),
        *factor_sentences(found),
    ]


def _summary(found: ManyArms) -> str:
    alike = not found.friedman.deciding.defined
    return joined([overall_sentence(found), "" if alike else best_sentence(found)])


def _figures(
    results: Results, compared: Sequence[ManyArms], reached: Profiles | None
) -> Iterator[Drawn]:
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    for i, found in enumerate(compared):
        yield critical_differences(f"ranks-{i}", found, styles, _RANKS)
    yield middles("middles", compared[0], styles, _RANKS)
    if compared[0].factors is not None:
        yield interaction("factors", compared[0], compared[0].factors, _RANKS)
    if reached is None:
        return
    for i, (title, arms) in enumerate(_panels(results, reached)):
        yield profiles(f"profiles-{i}", title, reached, {a: styles[a] for a in arms}, _PROFILES)


def _panels(results: Results, reached: Profiles) -> Iterator[tuple[str, list[str]]]:
    """The arms of a panel of profiles: all, or one architecture's where they are too many."""
    title, arms = _("Trials that reach a target"), list(reached.shares)
    if len(arms) <= _MOST_LINES:
        yield title, arms
        return
    architectures = {arm.name: arm.architecture.name for arm in results.loaded.study.all_arms}
    for name in dict.fromkeys(architectures.values()):
        of_one = [arm for arm in arms if architectures[arm] == name]
        for start in range(0, len(of_one), _MOST_LINES):
            yield (
                _("{title}: {name}").format(title=title, name=name),
                of_one[start : start + _MOST_LINES],
            )


def _rank_table(found: ManyArms) -> Table:
    return Table(
        caption=_("Arms by rank: {measure}").format(measure=what(found)),
        header=[
            _("Arm"),
            _("Mean rank"),
            _("Interquartile mean"),
            _("Beats"),
            _("Loses to"),
            _("Almost dominates"),
        ],
        rows=[
            [
                row.arm,
                number(row.mean_rank, 2),
                middle_words(row.middle, found.blocks.measure.unit),
                listed(row.beats) or _("none"),
                listed(row.loses_to) or _("none"),
                order_words(row, found),
            ]
            for row in found.ranked
        ],
    )


def _tables(found: ManyArms) -> list[Table]:
    """The first measure in full; of the others the ranks alone."""
    unit = found.blocks.measure.unit
    pairs = Table(
        caption=_("All pairs: {measure}").format(measure=what(found)),
        header=[
            _("First"),
            _("Second"),
            _("First minus second"),
            _("Interval"),
            "p",
            _("Adjusted p"),
            "ASO",
        ],
        rows=[_pair_row(pair, unit, found.alpha) for pair in found.pairs],
    )
    return [_rank_table(found), *_factor_table(found), pairs]


def _pair_row(pair: Pair, unit: str, alpha: float) -> list[str]:
    decimals = decimals_for(unit, pair.interval, pair.effect)
    return [
        pair.first,
        pair.second,
        amount(pair.effect, unit, decimals),
        span_with_unit(pair.interval, unit, decimals),
        p_value(pair.p, alpha),
        p_value(pair.p_adjusted, alpha),
        " / ".join(number(bound, 2) for bound in pair.order),
    ]


def _factor_table(found: ManyArms) -> list[Table]:
    factors, unit = found.factors, found.blocks.measure.unit
    if factors is None:
        return []
    rows = [
        [name, *(level(float(cell), unit, 2) for cell in cells), middle_words(middle, unit)]
        for name, cells, middle in zip(
            factors.architectures,
            factors.tests.means,
            [factors.middles[name] for name in factors.architectures],
            strict=True,
        )
    ]
    last = [middle_words(factors.middles[name], unit) for name in factors.optimizers]
    return [
        Table(
            caption=_("Means and interquartile means by factor: {measure}").format(
                measure=what(found)
            ),
            header=["", *factors.optimizers, _("Interquartile mean")],
            rows=[*rows, [_("Interquartile mean"), *last, ""]],
        )
    ]


def _rank_values(compared: Sequence[ManyArms]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "measure": found.blocks.measure.label,
                "unit": found.blocks.measure.unit,
                "arm": row.arm,
                "mean_rank": row.mean_rank,
                "interquartile_mean": row.middle.value,
                "low": row.middle.interval.low,
                "high": row.middle.interval.high,
                "beats": len(row.beats),
                "loses_to": len(row.loses_to),
            }
            for found in compared
            for row in found.ranked
        ]
    )


def _pair_values(compared: Sequence[ManyArms]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "measure": found.blocks.measure.label,
                "unit": found.blocks.measure.unit,
                "first": pair.first,
                "second": pair.second,
                "effect": pair.effect,
                "low": pair.interval.low,
                "high": pair.interval.high,
                "p": pair.p,
                "p_adjusted": pair.p_adjusted,
                "aso_first": pair.order[0],
                "aso_second": pair.order[1],
            }
            for found in compared
            for pair in found.pairs
        ]
    )


def _profile_values(reached: Profiles) -> pd.DataFrame:
    return pd.DataFrame({"target": reached.targets, **reached.shares})


def _method(compared: Sequence[ManyArms]) -> list[str]:
    notes = [
        _(
            "Ranks: Friedman's test (1937) in Iman and Davenport's form (1980); critical "
            "differences by Nemenyi (1963), drawn as Demšar does (2006)."
        ),
        _(
            "Pairs: the sign-flip test that decides claims, Holm's method over all pairs of a "
            "measure. These pairs are not claims, and no claim's p value knows of them."
        ),
        _(
            "Factors: the contrasts of each replicate change sign together in every pattern, which "
            "takes no arms for equally variable. Shares are parts of the sum of squares."
        ),
        _(
            "Interquartile means and profiles: Agarwal et al. (2021). Their bootstrap draws the "
            "runs of each arm by themselves; means over several arms draw whole replicates here, "
            "as arms that share them go up and down together. With few replicates these percentile "
            "intervals are too short: at 10 replicates they hold the truth in about 90 % of cases, "
            "not in 95 %."
        ),
        _(
            "ASO: almost stochastic order (Dror et al. 2019), a second look that decides nothing. "
            "Below 0.5 the larger part of the squared distance between the two arms' quantile "
            "curves favours the first (or second) arm: a few large differences can outweigh many "
            "small ones. The bounds take all pairs into account."
        ),
    ]
    if any(found.friedman.exact is not None for found in compared):
        notes.append(
            _(
                "Over so few replicates the p of all ranks is exact: the share of all rankings "
                "within replicates whose mean ranks lie as far apart or further."
            )
        )
    if any(found.blocks.horizon is not None for found in compared):
        notes.append(_("A time that was not reached counts as the smallest budget of all arms."))
    return notes + left_out_note({r for found in compared for r in found.blocks.left_out})
