"""The values a claim rests on: measures of the curves of both sides, ready for a test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from harness.claims import Claim, matching_arms
from harness.language import N_, said
from harness.measure_kinds import Measure
from harness.measures import Curve, Measured
from harness.quantities import given_amount, plural, two_digits, with_unit
from harness.stats.samples import difference
from harness.stats.spread import deviations
from harness.study import Study
from harness.timed_on import (
    UNKNOWN,
    TimedOn,
    beside_unlike_neighbours,
    left_out_words,
    mixed_words,
    processors,
    torn,
    unpaired_words,
)

FloatArray = NDArray[np.float64]
Curves = Mapping[tuple[str, int], Curve]  # by arm and replicate
Known = dict[tuple[Measure, str], dict[int, Measured]]  # by measure and arm; replicate


@dataclass(frozen=True)
class SideValue:
    """One value of one side of a claim: a row of ``measures.csv``."""

    claim: str
    side: int
    arm: str
    replicate: int
    measured: Measured
    diverged: bool
    timed_on: TimedOn = UNKNOWN


@dataclass(frozen=True)
class Sample:
    """The numbers of one claim; for a claim on spread, distances from the side's median.

    Attributes:
        a: Values of the first side, one a replicate; where paired, ``a[i]`` belongs to ``b[i]``.
            For a claim with ``beyond``, the differences of its first two sides.
        b: Values of the second side, or the differences of the other two.
        reached_a: Whether each value of ``a`` was reached, not cut at the horizon.
        reached_b: The same for ``b``.
        horizon: Where times were cut; None if nothing was censored.
        notices: What was left out, and why.
        reason: Why no test is possible; None if one is.
        replicates: The replicate that each value comes from, by side; none where a number stands
            on the second.
        is_paired: Whether each value of ``a`` has its partner in ``b``, at the same place.
        earliest: The same sample, were every time that is known to an interval at its lower end;
            None where all are known exactly.
        is_unreached: Whether no trial of either side got there within the horizon, so that all
            times are cut and nothing is left to test.
    """

    a: FloatArray
    b: FloatArray
    reached_a: NDArray[np.bool_]
    reached_b: NDArray[np.bool_]
    horizon: float | None
    notices: tuple[str, ...]
    reason: str | None
    replicates: tuple[tuple[int, ...], tuple[int, ...]]
    is_paired: bool
    earliest: Sample | None = None
    is_unreached: bool = False

    @cached_property
    def differences(self) -> FloatArray:
        """Paired differences, rid of binary noise: equal decimals are equal numbers (case D6)."""
        return difference(self.a, self.b)


def side_values(study: Study, curves: Curves) -> list[SideValue]:
    """Measure every curve for every claim, in the order of claims, sides, arms, replicates."""
    names = [arm.name for arm in study.all_arms]
    return [value for claim in study.claims for value in claim_values(claim, names, curves)]


def claim_values(
    claim: Claim, names: Sequence[str], curves: Curves, known: Known | None = None
) -> list[SideValue]:
    """Measure the curves that one claim compares.

    Args:
        claim: The claim.
        names: The study's arms, in order.
        curves: Finished trials.
        known: What was measured of these curves before; what is measured now is added.
    """
    values = []
    known = {} if known is None else known
    for side, pattern in enumerate(claim.sides):
        measure = claim.side_measure(side)
        for name in matching_arms(pattern, names):
            measured = known.setdefault((measure, name), {})
            for arm, replicate in sorted(key for key in curves if key[0] == name):
                curve = curves[arm, replicate]
                if replicate not in measured:
                    measured[replicate] = measure.of(curve)
                value = measured[replicate]
                values.append(
                    SideValue(claim.id, side, arm, replicate, value, curve.diverged, curve.timed_on)
                )
    return of_whole_sides(claim, names, values)


def of_whole_sides(
    claim: Claim, names: Sequence[str], values: Sequence[SideValue]
) -> list[SideValue]:
    """Those values of a claim whose side has one of each of its arms.

    A side of which an arm has none has no values: the mean over its other arms would be that of
    another side.
    """
    seen = {(value.side, value.arm) for value in values}
    whole = [
        all((side, arm) in seen for arm in matching_arms(pattern, names))
        for side, pattern in enumerate(claim.sides)
    ]
    return [value for value in values if whole[value.side]]


def sample_of(claim: Claim, values: Sequence[SideValue], *, is_paired: bool) -> Sample:
    """Bring the values of a claim's two sides into the form a test takes.

    Where a number stands on the second side, it is the partner of every value: those are pairs,
    whether replicates are or not.

    Times are cut at the smallest censoring time of both sides: up to there every restricted time
    is known and none is guessed, so their mean is the restricted mean (RMST) at that horizon.
    A claim on spread compares the mean distances from each side's median; one with ``beyond``
    compares differences, each taken within its replicate.
    """
    values, beside, unlike = _timed_alike(claim, values, is_paired=is_paired)
    horizon = _horizon(values)
    sides = [
        _by_replicate([v for v in values if v.side == side], horizon)
        for side in range(len(claim.sides))
    ]
    notices: list[str] = [
        said("replicate {replicate} of {arm} has no value", replicate=v.replicate, arm=v.arm)
        for v in values
        if math.isnan(v.measured.value)
    ]
    notices += _incomplete(claim, values, sides)
    if is_paired or claim.beyond is not None:
        alone = sorted(set[int]().union(*sides) - set(sides[0]).intersection(*sides))
        if alone:
            count = partial(plural, len(alone), "replicate")
            which = ", ".join(map(str, alone))
            notices.append(said("{count} unpaired: {which}", count=count, which=which))
        sides = [{r: side[r] for r in side if r not in alone} for side in sides]
    columns = [_column(side) for side in sides]
    if claim.reference is not None:
        columns.append(_everywhere(claim.reference, columns[0]))
    if claim.beyond is not None:
        columns = [_difference(*columns[:2]), _difference(*columns[2:])]
    (a, hit_a), (b, hit_b) = columns
    if claim.statistic == "spread":
        a, b = deviations(a), deviations(b)
    limit = math.inf if horizon is None else horizon
    hits = sum(not v.measured.censored and v.measured.value <= limit for v in values)
    unreached_by = horizon if hits == 0 else None
    sizes = tuple(map(len, sides))
    notices += beside
    reason = unlike or _obstacle(
        claim, values, sizes=sizes, unreached_by=unreached_by, is_paired=is_paired
    )
    partners = () if claim.reference is not None else tuple(sides[1])
    earliest = None
    known = [v for v in values if v.measured.earliest is not None]
    if known:
        notices.append(_interval_words(known, len(values), claim.measure.unit))
        lower = [_at_lower_end(value) for value in values]
        earliest = sample_of(claim, lower, is_paired=is_paired)
    return Sample(
        a=a,
        b=b,
        reached_a=hit_a,
        reached_b=hit_b,
        horizon=horizon,
        notices=tuple(notices),
        reason=reason,
        replicates=(tuple(sides[0]), partners),
        is_paired=is_paired or claim.reference is not None,
        earliest=earliest,
        is_unreached=unreached_by is not None,
    )


def _incomplete(
    claim: Claim, values: Sequence[SideValue], sides: Sequence[Mapping[int, tuple[float, bool]]]
) -> list[str]:
    """Which replicates of a side of several arms are left out, for want of one of the arms."""
    unknown = {(v.side, v.replicate) for v in values if math.isnan(v.measured.value)}
    notices: list[str] = []
    for place, (arms, side) in enumerate(zip(claim.sides, sides, strict=True)):
        lost = sorted({v.replicate for v in values if v.side == place} - set(side))
        lost = [replicate for replicate in lost if (place, replicate) not in unknown]
        if lost:
            template = N_("{count} of {side} left out, an arm is missing: {which}")
            count = partial(plural, len(lost), "replicate")
            notices.append(said(template, count=count, side=arms, which=", ".join(map(str, lost))))
    return notices


_Column = tuple[FloatArray, NDArray[np.bool_]]


def _column(side: Mapping[int, tuple[float, bool]]) -> _Column:
    """A side's values, and which of them were reached."""
    rows = side.values()
    return np.array([v for v, _ in rows], dtype=float), np.array([hit for _, hit in rows], bool)


def _everywhere(number: float, column: _Column) -> _Column:
    """A number as the partner of each value of a side."""
    values, reached = column
    return np.full_like(values, number), np.ones_like(reached)


def _difference(first: _Column, second: _Column) -> _Column:
    """Differences replicate by replicate, rid of binary noise; reached where both values were."""
    return difference(first[0], second[0]), first[1] & second[1]


def _at_lower_end(value: SideValue) -> SideValue:
    earliest = value.measured.earliest
    return value if earliest is None else replace(value, measured=Measured(earliest))


def _interval_words(known: Sequence[SideValue], count: int, unit: str) -> str:
    first = known[0].measured
    return said(
        "{known} of {count} times are known to an interval only, such as {first} to {last}: the "
        "later end decides, and a sensitivity test takes the earlier",
        known=len(known),
        count=count,
        first=f"{first.earliest:g}",
        last=partial(with_unit, f"{first.value:g}", unit),
    )


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
            _mean([min(m.value, limit) for m in row]),
            all(not m.censored and m.value <= limit for m in row),
        )
        for replicate, row in sorted(table.items())
        if len(row) == arms and not any(math.isnan(m.value) for m in row)
    }


def _mean(values: Sequence[float]) -> float:
    """The mean over a side's arms; a side of one arm, as most are, needs no arithmetic."""
    return values[0] if len(values) == 1 else float(np.mean(values))


def _timed_alike(
    claim: Claim, values: Sequence[SideValue], *, is_paired: bool
) -> tuple[Sequence[SideValue], list[str], str | None]:
    """The values whose seconds may be compared, what to tell of them, why the others may not.

    Any values will do where a claim is not on seconds.
    """
    clock = getattr(claim.measure, "clock", None)
    if clock is None:
        return values, [], None
    notices: list[str] = []
    reason = beside = beside_unlike_neighbours(clock, [v.timed_on for v in values])
    if beside is not None:
        notices.append(beside)
        reason = beside if clock == "wall" else None
    kinds = processors(v.timed_on for v in values)
    if len(kinds) < 2:
        return values, notices, reason
    if not (is_paired or claim.beyond is not None or claim.reference is not None):
        return values, notices, unpaired_words(kinds)
    apart = torn((v.replicate, v.timed_on) for v in values)
    if apart:
        left_out = left_out_words(apart, kinds)
        values = [v for v in values if v.replicate not in apart]
        if not values:
            return values, notices, left_out
        notices.append(left_out)
        kinds = processors(v.timed_on for v in values)
    if len(kinds) > 1:
        notices.append(mixed_words(kinds))
    return values, notices, reason


def _obstacle(
    claim: Claim,
    values: Sequence[SideValue],
    *,
    sizes: tuple[int, ...],
    unreached_by: float | None,
    is_paired: bool,
) -> str | None:
    """Why these values allow no test, or None."""
    lost = [v for v in values if v.diverged and math.isnan(v.measured.value)]
    if lost:  # leaving it out would favour the arm that diverges
        return said(
            "replicate {replicate} of {arm} diverged and has no {measure}: there is no mean",
            replicate=lost[0].replicate,
            arm=lost[0].arm,
            measure=claim.measure.label,
        )
    if 0 in sizes:
        return N_("no finished trials to compare")
    if not is_paired and claim.beyond is not None:
        return N_(
            "a difference is taken from another within each replicate: these runs are not paired"
        )
    too_few = _too_few(claim, sizes, is_paired=is_paired)
    if too_few is not None:
        return too_few
    if unreached_by is not None:
        template = N_("not testable: 0/{n} reached it within {horizon}")
        if hasattr(claim.measure, "target"):
            template = N_("not testable: 0/{n} reached the target within {horizon}")
        within = partial(given_amount, _rounded(unreached_by), claim.measure.unit)
        return said(template, n=sum(sizes), horizon=within)
    return None


def _too_few(claim: Claim, sizes: tuple[int, ...], *, is_paired: bool) -> str | None:
    """Why so few values show no spread, which the test or the claim itself is about; or None."""
    if not is_paired and 1 in sizes:
        arm = claim.sides[sizes.index(1)]
        return said("one run of {arm} cannot show how much runs differ", arm=arm)
    if claim.statistic == "spread" and min(sizes) < 3:  # two are always as far from their median
        return said("{n} cannot show a spread", n=partial(plural, min(sizes), "replicate"))
    return None


def _rounded(time: float) -> float:
    """A time to hundredths; to two digits where those would be fewer."""
    return round(time, max(2, two_digits(time))) if time > 0 else time
