"""The values a claim rests on: measures of the curves of both sides, ready for a test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.measures import Curve, Measured
from harness.quantities import given_amount
from harness.stats.samples import tie_decimals
from harness.stats.spread import deviations
from harness.study import Claim, Study, matching_arms

FloatArray = NDArray[np.float64]
Curves = Mapping[tuple[str, int], Curve]  # by arm and replicate


@dataclass(frozen=True)
class SideValue:
    """One value of one side of a claim: a row of ``measures.csv``."""

    claim: str
    side: int
    arm: str
    replicate: int
    measured: Measured
    diverged: bool
    jobs: int | None = None  # trials that ran at a time while this one was timed, where known


@dataclass(frozen=True)
class Sample:
    """The numbers of one claim; for a claim on spread, distances from the side's median.

    Attributes:
        a: Values of the first side, one a replicate; where paired, ``a[i]`` belongs to ``b[i]``.
        b: Values of the second side.
        reached_a: Whether each value of ``a`` was reached, not cut at the horizon.
        reached_b: The same for ``b``.
        horizon: Where times were cut; None if nothing was censored.
        notices: What was left out, and why.
        reason: Why no test is possible; None if one is.
        replicates: The replicate that each value comes from, by side.
        earliest: The same sample, were every time that is known to an interval at its lower end;
            None where all are known exactly.
    """

    a: FloatArray
    b: FloatArray
    reached_a: NDArray[np.bool_]
    reached_b: NDArray[np.bool_]
    horizon: float | None
    notices: tuple[str, ...]
    reason: str | None
    replicates: tuple[tuple[int, ...], tuple[int, ...]]
    earliest: Sample | None = None

    @property
    def differences(self) -> FloatArray:
        """Paired differences, rid of binary noise: equal decimals are equal numbers (case D6)."""
        differences = self.a - self.b
        return np.round(differences, tie_decimals(differences))


def side_values(study: Study, curves: Curves) -> list[SideValue]:
    """Measure every curve for every claim, in the order of claims, sides, arms, replicates."""
    names = [arm.name for arm in study.all_arms]
    return [value for claim in study.claims for value in claim_values(claim, names, curves)]


def claim_values(claim: Claim, names: Sequence[str], curves: Curves) -> list[SideValue]:
    """Measure the curves that one claim compares; ``names`` are the study's arms, in order.

    A side of several arms of which one has no curve at all has no values: the mean over the others
    would be that of another side.
    """
    rows = []
    trained = {arm for arm, _ in curves}
    for side, pattern in enumerate(claim.compare):
        if not trained.issuperset(matching_arms(pattern, names)):
            continue
        measure = claim.side_measure(side)
        rows += [
            SideValue(claim.id, side, arm, replicate, measure.of(curve), curve.diverged, curve.jobs)
            for name in matching_arms(pattern, names)
            for arm, replicate in sorted(key for key in curves if key[0] == name)
            for curve in [curves[arm, replicate]]
        ]
    return rows


def sample_of(claim: Claim, values: Sequence[SideValue], *, is_paired: bool) -> Sample:
    """Bring the values of a claim's two sides into the form a test takes.

    Times are cut at the smallest censoring time of both sides: up to there every restricted time
    is known and none is guessed, so their mean is the restricted mean (RMST) at that horizon.
    A claim on spread compares the mean distances from each side's median.
    """
    horizon = _horizon(values)
    sides = [_by_replicate([v for v in values if v.side == side], horizon) for side in (0, 1)]
    notices = [f"{_where(v)} has no value" for v in values if math.isnan(v.measured.value)]
    if is_paired:
        alone = sorted(set(sides[0]) ^ set(sides[1]))
        if alone:
            noun = "replicate" if len(alone) == 1 else "replicates"
            notices.append(f"{len(alone)} {noun} unpaired: {', '.join(map(str, alone))}")
        sides = [{r: side[r] for r in side if r not in alone} for side in sides]
    a, b = (np.array([value for value, _ in side.values()], dtype=float) for side in sides)
    if claim.statistic == "spread":
        a, b = deviations(a), deviations(b)
    hit_a, hit_b = (np.array([hit for _, hit in side.values()], dtype=bool) for side in sides)
    limit = math.inf if horizon is None else horizon
    hits = sum(not v.measured.censored and v.measured.value <= limit for v in values)
    sizes = (len(a), len(b))
    reason = _obstacle(claim, values, sizes=sizes, hits=hits, horizon=horizon, is_paired=is_paired)
    beside = _beside_unlike_neighbours(claim, values)
    if beside is not None:
        notices.append(beside)
        reason = reason or (beside if getattr(claim.measure, "clock", None) == "wall" else None)
    replicates = (tuple(sides[0]), tuple(sides[1]))
    earliest = None
    known = [v for v in values if v.measured.earliest is not None]
    if known:
        notices.append(_interval_words(known, len(values), claim.measure.unit))
        lower = [_at_lower_end(value) for value in values]
        earliest = sample_of(claim, lower, is_paired=is_paired)
    return Sample(a, b, hit_a, hit_b, horizon, tuple(notices), reason, replicates, earliest)


def _at_lower_end(value: SideValue) -> SideValue:
    earliest = value.measured.earliest
    return value if earliest is None else replace(value, measured=Measured(earliest))


def _interval_words(known: Sequence[SideValue], count: int, unit: str) -> str:
    first = known[0].measured
    return (
        f"{len(known)} of {count} times are known to an interval only, such as {first.earliest:g} "
        f"to {first.value:g} {unit}: the later end decides, and a sensitivity test takes the "
        "earlier"
    )


def _where(value: SideValue) -> str:
    return f"replicate {value.replicate} of {value.arm}"


def _horizon(values: Sequence[SideValue]) -> float | None:
    cut = [v.measured.value for v in values if v.measured.censored]
    cut = [value for value in cut if not math.isnan(value)]
    return min(cut) if cut else None


def _by_replicate(
    values: Sequence[SideValue], horizon: float | None
) -> dict[int, tuple[float, bool]]:
    """Value and "reached" of each replicate that has a number for every arm of the side."""
    arms = len({v.arm for v in values})
    limit = math.inf if horizon is None else horizon
    table: dict[int, list[Measured]] = {}
    for value in values:
        table.setdefault(value.replicate, []).append(value.measured)
    return {
        replicate: (
            float(np.mean([min(m.value, limit) for m in row])),
            all(not m.censored and m.value <= limit for m in row),
        )
        for replicate, row in sorted(table.items())
        if len(row) == arms and not any(math.isnan(m.value) for m in row)
    }


def _beside_unlike_neighbours(claim: Claim, values: Sequence[SideValue]) -> str | None:
    """Why seconds cannot be pooled: trials were timed beside different numbers of others (G2)."""
    clock = getattr(claim.measure, "clock", None)
    jobs = sorted({v.jobs for v in values if v.jobs is not None})
    if clock is None or len(jobs) < 2:
        return None
    told = f"some trials were timed at {' and some at '.join(map(str, jobs))} jobs"
    way_out = 'time them alone with study.timing = "exclusive"'
    if clock == "wall":
        return (
            f'{told}, so their wall times are no fair comparison; {way_out}, or use clock = "cpu"'
        )
    return f"{told}, which changes processor seconds a little, too; {way_out}"


def _obstacle(
    claim: Claim,
    values: Sequence[SideValue],
    *,
    sizes: tuple[int, int],
    hits: int,
    horizon: float | None,
    is_paired: bool,
) -> str | None:
    """Why these values allow no test, or None."""
    lost = [v for v in values if v.diverged and math.isnan(v.measured.value)]
    if lost:  # leaving it out would favour the arm that diverges
        return f"{_where(lost[0])} diverged and has no {claim.measure.label}: there is no mean"
    if 0 in sizes:
        return "no finished trials to compare"
    if not is_paired and 1 in sizes:
        return f"one run of {claim.compare[sizes.index(1)]} cannot show how much runs differ"
    if horizon is not None and hits == 0:
        what = "the target" if hasattr(claim.measure, "target") else "it"
        within = given_amount(horizon, claim.measure.unit)
        return f"not testable: 0/{sum(sizes)} reached {what} within {within}"
    return None
