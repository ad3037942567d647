"""Which source of randomness makes trials differ: arms alike in all but the streams they vary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.analyses.blocks import Blocks, asked_measures, blocks_of
from harness.catalog import datasets
from harness.catalog.raw_data import VALIDATION_SHARE
from harness.measure_kinds import Measure
from harness.measures import AtEpoch, Curve, Final, FloatArray
from harness.plan import arm_job, digest, square_side
from harness.results import Results
from harness.stats.results import Estimate, Interval
from harness.stats.spread import variance_estimate, variance_ratio
from harness.stats.variance import Crossed, crossed
from harness.study import STREAMS, Arm, Data, Stream, Study

Curves = Mapping[tuple[str, int], Curve]
_METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True, eq=False)
class Source:
    """One arm: the streams it lets vary, and how much its trials differ for it.

    Attributes:
        arm: Its name.
        streams: The streams that vary.
        variance: Variance of the measure, in its squared unit.
        share: That over the variance of all sources at once; None where no arm varies them all.
        cut: Trials whose time was cut at the horizon.
    """

    arm: str
    streams: tuple[Stream, ...]
    variance: Estimate
    share: Estimate | None
    cut: int


@dataclass(frozen=True, eq=False)
class FiniteValidation:
    """What the drawing of a finite validation set explains by itself.

    Attributes:
        images: Images m in the validation set.
        pool: Images N that they are drawn from.
        accuracy: Mean accuracy p on it.
        variance: p (1 - p) / m (N - m) / (N - 1), of draws without replacement (Cochran 1977).
        share: Its share in the variance that the split makes.
    """

    images: int
    pool: int
    accuracy: float
    variance: float
    share: Estimate


@dataclass(frozen=True, eq=False)
class Crossing:
    """An arm that crosses each draw of one stream with each draw of another.

    Attributes:
        arm: Its name.
        streams: The two streams.
        side: Draws of each.
        components: Variance components, in the squared unit; the first stream makes the rows.
        shares: Share of each stream in the variance of one run: of the REML components, with the
            interval of ICC(2,1).
        rest: What is left: how the two meet, since nothing else varies.
    """

    arm: str
    streams: tuple[Stream, Stream]
    side: int
    components: Crossed
    shares: tuple[Estimate, Estimate]
    rest: float


@dataclass(frozen=True, eq=False)
class Spreads:
    """One measure.

    Attributes:
        blocks: The values.
        singles: The arms that vary one stream, in the order of the streams.
        together: The arm that varies all of these at once; None if there is none.
        sum_to_all: Sum of the single variances over that of all at once; 1 where sources add up.
        repeats: The arm that varies nothing; None if there is none.
        validation: What the finite validation set explains; None where that is not known, or all
            there are to score on are taken.
        crossings: Arms in which two streams are crossed.
    """

    blocks: Blocks
    singles: tuple[Source, ...]
    together: Source | None
    sum_to_all: Estimate | None
    repeats: Source | None
    validation: FiniteValidation | None
    crossings: tuple[Crossing, ...]


@dataclass(frozen=True)
class Repeats:
    """Trials of one arm that nothing tells apart.

    Attributes:
        arm: Its name.
        trials: How many were trained.
        identical: Whether every value of every curve is the same in all of them.
    """

    arm: str
    trials: int
    identical: bool


@dataclass(frozen=True, eq=False)
class Experiment:
    """One model, trained with one source of randomness let loose at a time.

    Attributes:
        model: Its architecture and optimizer, for people.
        spreads: One entry a measure of the study's claims.
        repeats: Its repeated trials; None if there are none.
    """

    model: str
    spreads: tuple[Spreads, ...]
    repeats: Repeats | None


def experiments_of(results: Results) -> list[Experiment]:
    """The experiments on randomness in a study: two or more arms that vary one stream each."""
    study = results.loaded.study
    curves = results.trial_curves
    trained = {arm for arm, _ in curves}
    alike: dict[str, list[Arm]] = {}
    for arm in study.all_arms:
        if arm.name in trained:
            alike.setdefault(digest(arm_job(study, arm, Path()).settings), []).append(arm)
    return [
        _experiment(study, arms, curves)
        for arms in alike.values()
        if len({tuple(study.streams_of(a)) for a in arms if len(study.streams_of(a)) == 1}) > 1
    ]


def _experiment(study: Study, arms: Sequence[Arm], curves: Curves) -> Experiment:
    fixed = next((arm.name for arm in arms if not study.streams_of(arm)), None)
    model = f"{arms[0].architecture.name} with {arms[0].optimizer.name}"
    spreads = [_spreads(study, arms, measure, curves) for measure in asked_measures(study)]
    return Experiment(
        model=model,
        spreads=tuple(one for one in spreads if one is not None),
        repeats=None if fixed is None else _repeats(fixed, curves),
    )


def _repeats(arm: str, curves: Curves) -> Repeats:
    own = [curve for (name, _), curve in curves.items() if name == arm]
    first = own[0]
    identical = all(
        np.array_equal(curve.columns[metric], first.columns[metric], equal_nan=True)
        for curve in own
        for metric in _METRICS
    )
    return Repeats(arm, len(own), identical)


def _spreads(study: Study, arms: Sequence[Arm], measure: Measure, curves: Curves) -> Spreads | None:
    free = [arm for arm in arms if arm.crossed is None]
    table = blocks_of(measure, [arm.name for arm in free], curves)
    if table.reason is not None:
        return None
    streams = {arm.name: tuple(s for s in STREAMS if s in study.streams_of(arm)) for arm in free}
    single = {varied[0]: name for name, varied in streams.items() if len(varied) == 1}
    whole = tuple(stream for stream in STREAMS if stream in single)
    together = next((name for name in streams if streams[name] == whole), None)
    fixed = next((name for name in streams if not streams[name]), None)
    columns = dict(zip(table.arms, table.values.T, strict=True))
    everything = None if together is None else columns[together][:, None]

    def source(name: str) -> Source:
        cut = int((~table.reached[:, table.arms.index(name)]).sum())
        share = None if everything is None else variance_ratio(columns[name][:, None], everything)
        return Source(name, streams[name], variance_estimate(columns[name]), share, cut)

    names = [single[stream] for stream in whole]
    parts = np.column_stack([columns[name] for name in names])
    split = columns[single["split"]] if "split" in single else None
    return Spreads(
        blocks=table,
        singles=tuple(map(source, names)),
        together=None if together is None else source(together),
        sum_to_all=None if everything is None else variance_ratio(parts, everything),
        repeats=None if fixed is None else source(fixed),
        validation=None if split is None else _validation(study.data_of(arms[0]), measure, split),
        crossings=tuple(_crossings(study, arms, measure, curves)),
    )


def _crossings(
    study: Study, arms: Sequence[Arm], measure: Measure, curves: Curves
) -> Iterator[Crossing]:
    """Variance components of the arms whose square is whole."""
    side = square_side(len(study.study.replicate_ids))
    square = study.study.replicate_ids[: side**2]
    for arm in arms:
        if arm.crossed is None or side < 2:
            continue
        table = blocks_of(measure, [arm.name], curves)
        if table.reason is not None or not set(square) <= set(table.replicates):
            continue
        y = table.values[[table.replicates.index(r) for r in square], 0].reshape(side, side)
        found, turned = crossed(y), crossed(y.T)
        parts = (found.row.reml, found.column.reml, found.residual.reml)
        if sum(parts) > 0:
            row, column, rest = (part / sum(parts) for part in parts)
            shares = (_within_one(row, found.icc2), _within_one(column, turned.icc2))
            first, second = arm.crossed
            yield Crossing(arm.name, (first, second), side, found, shares, rest)


def _within_one(share: float, icc: Estimate) -> Estimate:
    """A share with the part of its ICC's interval that shares can lie in."""
    ends = icc.interval
    low, high = (float(end) for end in np.clip([ends.low, ends.high], 0, 1))
    return Estimate(share, Interval(low, high, ends.level, ends.reason), icc.method, icc.reason)


def _validation(data: Data, measure: Measure, values: FloatArray) -> FiniteValidation | None:
    """Hold the variance that drawing the validation images makes against that of the split."""
    drawn = drawn_for_validation(data)
    of_one_epoch = isinstance(measure, Final | AtEpoch) and measure.metric == "val_accuracy"
    seen = variance_estimate(values)
    if not of_one_epoch or drawn is None or seen.value == 0:
        return None
    images, pool = drawn
    accuracy = float(values.mean())
    alone = variance_of_a_draw(accuracy, images, pool)
    if alone == 0:
        return None
    low, high = alone / seen.interval.high, alone / seen.interval.low
    interval = Interval(low, high, seen.interval.level, seen.interval.reason)
    share = Estimate(alone / seen.value, interval, "variance of a draw over the variance seen")
    return FiniteValidation(images, pool, accuracy, alone, share)


def variance_of_a_draw(accuracy: float, images: int, pool: int) -> float:
    """Variance of the accuracy on images drawn without replacement (Cochran 1977, section 3.2).

    Args:
        accuracy: Share of the pool that is recognized, p.
        images: Images drawn, m.
        pool: Images that they are drawn from, N.
    """
    return accuracy * (1 - accuracy) / images * (pool - images) / (pool - 1)


def drawn_for_validation(data: Data) -> tuple[int, int] | None:
    """How many images are scored on, and of how many; None where only the data could tell."""
    known = {info.name: info for info in datasets.available()}
    if data.name not in known:
        return None
    info = known[data.name]
    pool = info.validation or info.images
    usual = info.validation or round(info.images * VALIDATION_SHARE)
    return data.validation or usual, pool
