"""Three arms or more at once: ranks, all pairs, factors of a grid, and profiles over targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.analyses.blocks import Blocks, asked_measures, blocks_of
from harness.language import N_, said
from harness.measures import Best, FloatArray
from harness.results import Results
from harness.stats import multiplicity, paired
from harness.stats.bootstrap import iqm_over_blocks, iqm_over_tasks
from harness.stats.factorial import Factorial, factorial
from harness.stats.many_arms import FriedmanResult, NemenyiResult, friedman, nemenyi
from harness.stats.planning import draws_needed, smallest_p
from harness.stats.results import Estimate, Interval
from harness.stats.samples import difference
from harness.stats.stochastic_order import stochastic_orders_of_pairs
from harness.study import Grid, Spec, Study

FEWEST_ARMS = 3
_FEWEST_DRAWS = 9_999  # random sign patterns a pair, where there are more than 20 replicates
_FEWEST_HITS = 5
_TARGETS = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """Two arms over the same replicates.

    Attributes:
        first: An arm.
        second: Another one.
        effect: Mean difference, first minus second, in the measure's unit.
        interval: Its interval, not adjusted for the number of pairs.
        p: The deciding test's p.
        p_adjusted: The same after Holm's method over all pairs.
        order: Upper bounds of almost stochastic order: that the first is better, and the second.
    """

    first: str
    second: str
    effect: float
    interval: Interval
    p: float
    p_adjusted: float
    order: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One arm among all.

    Attributes:
        arm: Its name.
        mean_rank: Over replicates; 1 is best.
        middle: Interquartile mean with its bootstrap interval.
        beats: Arms that are worse with an adjusted p of at most alpha.
        loses_to: Arms that are better so.
    """

    arm: str
    mean_rank: float
    middle: Estimate
    beats: tuple[str, ...]
    loses_to: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Factors:
    """Architectures crossed with optimizers.

    Attributes:
        architectures: Their labels, the rows.
        optimizers: Their labels, the columns.
        tests: Main effects, interaction, and shares of the variation.
        middles: Interquartile mean of each label over the other factor's labels; whole replicates
            are drawn for its interval, as a grid's arms always share them.
        row: What differs between the rows: the architecture, or only its settings.
        column: The same of the columns.
    """

    architectures: tuple[str, ...]
    optimizers: tuple[str, ...]
    tests: Factorial
    middles: Mapping[str, Estimate]
    row: str
    column: str


@dataclass(frozen=True, eq=False)
class ManyArms:
    """One measure of three arms or more.

    Attributes:
        blocks: The values.
        alpha: The study's error rate.
        friedman: Test that all arms rank alike.
        nemenyi: Pairs of arms by mean ranks.
        ranked: The arms, best mean rank first.
        pairs: All pairs of arms, in the study's order.
        factors: The grid's factors; None without a grid of two or more by two or more.
    """

    blocks: Blocks
    alpha: float
    friedman: FriedmanResult
    nemenyi: NemenyiResult
    ranked: tuple[Ranked, ...]
    pairs: tuple[Pair, ...]
    factors: Factors | None

    @property
    def smallest_adjusted_p(self) -> float:
        """The smallest adjusted p that any pair can reach with so many replicates."""
        pairs = len(self.pairs)
        smallest = smallest_p(len(self.blocks.replicates), _draws(pairs, self.alpha))
        return min(1.0, pairs * smallest)

    def differs(self, pair: Pair) -> bool:
        """Whether two arms differ beyond chance, all pairs taken into account."""
        return pair.p_adjusted <= self.alpha


@dataclass(frozen=True, eq=False)
class Profiles:
    """Share of each arm's trials that reach a target, over targets.

    Attributes:
        metric: The metric whose best value over all epochs is held against the targets.
        targets: Shape (targets,), ascending.
        shares: Shape (targets,) by arm.
    """

    metric: str
    targets: FloatArray
    shares: Mapping[str, FloatArray]


def many_arms_of(results: Results) -> list[ManyArms]:
    """Compare all arms of a study on each measure that answers its question.

    Returns:
        One entry a measure that every arm has; empty where arms cannot be ranked.
    """
    study = results.loaded.study
    arms = ranked_arms(study)
    if not arms:
        return []
    curves = results.trial_curves
    tables = [blocks_of(measure, arms, curves) for measure in asked_measures(study, answering=True)]
    return [_compared(study, table) for table in tables if table.reason is None]


def ranked_arms(study: Study) -> list[str]:
    """The arms, if there are three or more, of one dataset, and none varies other things.

    Ranks over several datasets would say which of these is the easiest.
    """
    arms = study.all_arms
    alike = all(arm.vary is None and arm.crossed is None for arm in arms)
    alike = alike and len({data.label for data in study.all_data}) == 1
    return [arm.name for arm in arms] if alike and len(arms) >= FEWEST_ARMS else []


def _compared(study: Study, table: Blocks) -> ManyArms:
    alpha, better = study.study.alpha, table.higher_is_better
    ranks = friedman(table.values, higher_is_better=better)
    pairs = _pairs(table, alpha)
    by_pairs = nemenyi(table.values, alpha=alpha, higher_is_better=better)
    return ManyArms(
        blocks=table,
        alpha=alpha,
        friedman=ranks,
        nemenyi=by_pairs,
        ranked=_ranked(table, ranks.mean_ranks, pairs, alpha),
        pairs=tuple(pairs),
        factors=None if study.grid is None else _factors(study.grid, table),
    )


def _draws(pairs: int, alpha: float) -> int:
    """Random sign patterns a pair, enough for Holm's hardest step."""
    return min(paired.DRAWS, max(_FEWEST_DRAWS, draws_needed(alpha / pairs, _FEWEST_HITS)))


def _pairs(table: Blocks, alpha: float) -> list[Pair]:
    """All pairs by the deciding test, adjusted together; stochastic order as a second look."""
    columns = dict(zip(table.arms, table.values.T, strict=True))
    sign = 1.0 if table.higher_is_better else -1.0
    named = list(combinations(table.arms, 2))
    differences = [difference(columns[first], columns[second]) for first, second in named]
    found = [
        (flips.mean, flips.interval(1 - alpha), flips.p())
        for flips in paired.sign_flips_of_each(differences, draws=_draws(len(named), alpha))
    ]
    p = np.array([raw for *_, raw in found])
    orders = stochastic_orders_of_pairs(
        [sign * columns[arm] for arm in table.arms],
        level=1 - alpha / len(named),  # takes all pairs into account (Bonferroni)
    )
    return [
        Pair(
            first,
            second,
            mean,
            interval,
            raw,
            float(adjusted),
            (there.interval.high, back.interval.high),
        )
        for (first, second), (mean, interval, raw), adjusted, (there, back) in zip(
            named, found, multiplicity.holm(p), orders, strict=True
        )
    ]


def _ranked(
    table: Blocks, mean_ranks: FloatArray, pairs: Sequence[Pair], alpha: float
) -> tuple[Ranked, ...]:
    beats: dict[str, list[str]] = {arm: [] for arm in table.arms}
    loses: dict[str, list[str]] = {arm: [] for arm in table.arms}
    for pair in pairs:
        if pair.p_adjusted <= alpha:
            first_wins = (pair.effect > 0) == table.higher_is_better
            winner, loser = (pair.first, pair.second) if first_wins else (pair.second, pair.first)
            beats[winner].append(loser)
            loses[loser].append(winner)
    rows = [
        Ranked(
            arm=arm,
            mean_rank=float(mean_ranks[i]),
            middle=iqm_over_tasks(table.values[:, [i]]),
            beats=tuple(beats[arm]),
            loses_to=tuple(loses[arm]),
        )
        for i, arm in enumerate(table.arms)
    ]
    return tuple(sorted(rows, key=lambda row: row.mean_rank))


def _factors(grid: Grid, table: Blocks) -> Factors | None:
    """The grid as rows of architectures and columns of optimizers."""
    rows, columns = (tuple(map(_label, specs)) for specs in (grid.architectures, grid.optimizers))
    names = [arm.name for arm in grid.arms()]
    if min(len(rows), len(columns)) < 2:
        return None
    places = [table.arms.index(name) for name in names]
    y = table.values[:, places].reshape(-1, len(rows), len(columns))
    middles = {label: iqm_over_blocks(y[:, i, :]) for i, label in enumerate(rows)}
    middles |= {label: iqm_over_blocks(y[:, :, j]) for j, label in enumerate(columns)}
    row = _factor(grid.architectures, N_("architecture"), N_("choice of model settings"))
    column = _factor(grid.optimizers, N_("optimizer"), N_("choice of optimizer settings"))
    return Factors(rows, columns, factorial(y), middles, row, column)


def _factor(specs: Sequence[Spec], kind: str, settings: str) -> str:
    """What differs: the kind itself, one setting of a single kind, or several."""
    if len({spec.name for spec in specs}) > 1:
        return kind
    keys = dict.fromkeys(key for spec in specs for key in spec.settings if key != "label")
    first = specs[0].settings
    differing = [key for key in keys if any(s.settings.get(key) != first.get(key) for s in specs)]
    return said("setting {setting}", setting=differing[0]) if len(differing) == 1 else settings


def _label(spec: Spec) -> str:
    return str(spec.settings.get("label", spec.name))


def profiles_of(results: Results) -> Profiles | None:
    """Performance profiles: the share of trials that ever reach a target, over all targets.

    Dolan & Moré (2002), in the form of Agarwal et al. (2021).

    Returns:
        Profiles of validation accuracy; None where arms cannot be ranked or have no such values.
    """
    arms = ranked_arms(results.loaded.study)
    measure = Best(kind="best", metric="val_accuracy")
    best: dict[str, list[float]] = {}
    for (arm, _), curve in results.trial_curves.items():
        if arm in arms:
            best.setdefault(arm, []).append(measure.of(curve).value)
    known = [value for values in best.values() for value in values if np.isfinite(value)]
    if not known:
        return None
    targets = np.linspace(min(known), max(known), _TARGETS)
    shares = {
        arm: np.mean(np.array(best[arm])[:, None] >= targets - 1e-12, axis=0)
        for arm in arms
        if arm in best
    }
    return Profiles(measure.metric, targets, shares)
