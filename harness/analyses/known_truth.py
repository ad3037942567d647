"""Samples whose truth is known, made from the samples of a real study.

A study's samples are rows (one a look, the last of all values) of one sample a claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.claims import Claim
from harness.language import said
from harness.quantities import plural
from harness.samples import FloatArray, Sample
from harness.stats.planning import smallest_p_unpaired
from harness.stats.samples import has_no_spread

LEAST_TO_SPLIT = 8
"""Replicates from which on an arm is split into halves."""
Rows = Sequence[Sequence[Sample]]


def relabeled(claims: Sequence[Claim], rows: Rows, rng: np.random.Generator) -> list[list[Sample]]:
    """The same values without a difference: who is on which side is decided by chance.

    The sides of paired samples are swapped within replicates; else all trials are dealt out anew.
    Claims on the same arms share what is drawn, and so do looks.

    Args:
        claims: The study's claims.
        rows: Its samples.
        rng: Source of the chance.
    """
    ids = _replicates(rows)
    chances: dict[tuple[str, int], float] = {}
    swaps: dict[frozenset[str], NDArray[np.bool_]] = {}

    def anew(claim: Claim, sample: Sample) -> Sample:
        if not sample.is_paired:
            return _dealt(claim, sample, chances, rng)
        arms = frozenset(claim.sides)
        if arms not in swaps:
            swaps[arms] = rng.random(len(ids)) < 0.5
        return _swapped(sample, swaps[arms][_places(ids, sample.replicates[0])])

    return [
        [anew(claim, sample) for claim, sample in zip(claims, row, strict=True)] for row in rows
    ]


def _swapped(sample: Sample, swap: NDArray[np.bool_]) -> Sample:
    if sample.reason is not None:
        return sample
    return replace(
        sample,
        a=np.where(swap, sample.b, sample.a),
        b=np.where(swap, sample.a, sample.b),
        reached_a=np.where(swap, sample.reached_b, sample.reached_a),
        reached_b=np.where(swap, sample.reached_a, sample.reached_b),
    )


def _dealt(
    claim: Claim,
    sample: Sample,
    chances: dict[tuple[str, int], float],
    rng: np.random.Generator,
) -> Sample:
    """The trials with the smallest chances go to the side whose name comes first."""
    epochs = map(str, claim.at_epochs or (None, None))
    names = [f"{arm} {epoch}" for arm, epoch in zip(claim.sides, epochs, strict=True)]
    trials = [(names[side], r) for side in (0, 1) for r in sample.replicates[side]]
    order = np.argsort([chances.setdefault(trial, rng.random()) for trial in trials])
    first = len(sample.a)
    if names[1] < names[0]:
        order = order[::-1]
    values = np.concatenate([sample.a, sample.b])[order]
    reached = np.concatenate([sample.reached_a, sample.reached_b])[order]
    return replace(
        sample,
        a=values[:first],
        b=values[first:],
        reached_a=reached[:first],
        reached_b=reached[first:],
    )


def halves(
    row: Sequence[Sample], rng: np.random.Generator, *, side: int, alpha: float, family: int
) -> list[Sample]:
    """One side of each claim split into two halves that cannot differ but by chance.

    Args:
        row: Samples, one a claim.
        rng: Source of the chance; all claims split the replicates in the same way.
        side: Which side to split, where both have enough replicates; a number has none.
        alpha: Level of the whole family.
        family: Claims in it.

    Returns:
        Unpaired samples, untestable where `why_whole` says why.
    """
    ids = _replicates([row])
    chances = rng.random(len(ids))

    def halved(sample: Sample) -> Sample:
        why = why_whole(sample, alpha=alpha, family=family)
        if why is not None:
            return replace(sample, reason=why)
        is_enough = _too_few(len(sample.replicates[side]), alpha, family) is None
        return _split(sample, ids, chances, side if is_enough else 1 - side)

    return [halved(sample) for sample in row]


def why_whole(sample: Sample, *, alpha: float, family: int) -> str | None:
    """Why a claim's sides are not split: halves that no values could tell apart show nothing.

    Args:
        sample: The claim's values.
        alpha: Level of the whole family.
        family: Claims in it.

    Returns:
        The reason; None where there is a side to split.
    """
    return sample.reason or _too_few(max(map(len, sample.replicates)), alpha, family)


def _too_few(trials: int, alpha: float, family: int) -> str | None:
    """Why halves of so many trials are not compared."""
    if trials < LEAST_TO_SPLIT:
        return said("fewer than {least} replicates", least=LEAST_TO_SPLIT)
    n, m = trials - trials // 2, trials // 2
    smallest = min(1.0, family * smallest_p_unpaired(n, m))
    if smallest <= alpha:
        return None
    return said(
        "the p of {n} against {m} trials, adjusted for {claims}, is never below {smallest}",
        n=n,
        m=m,
        claims=partial(plural, family, "claim"),
        smallest=f"{smallest:.3g}",
    )


def _split(sample: Sample, ids: list[int], chances: FloatArray, side: int) -> Sample:
    values = (sample.a, sample.b)[side]
    reached = (sample.reached_a, sample.reached_b)[side]
    order = np.argsort(chances[_places(ids, sample.replicates[side])])
    first, second = np.array_split(order, 2)
    own = np.array(sample.replicates[side])
    return replace(
        sample,
        a=values[first],
        b=values[second],
        reached_a=reached[first],
        reached_b=reached[second],
        replicates=(tuple(own[first].tolist()), tuple(own[second].tolist())),
        is_paired=False,
    )


def shifted(
    rows: Rows,
    truths: Sequence[float],
    rng: np.random.Generator,
    *,
    symmetric: bool,
) -> list[list[Sample]]:
    """Residuals drawn with replacement around a true difference (Efron 1979).

    Of paired samples these are the differences; else each side is drawn by itself.

    Args:
        rows: The study's samples.
        truths: The true difference that each claim is to have.
        rng: Source of the draws; all claims and looks share them, as far as they have the same
            replicates.
        symmetric: Give each residual a random sign; else keep their skewness.
    """
    ids = _replicates(rows)
    chances = rng.random((2, len(ids)))
    signs = rng.choice((-1.0, 1.0), (2, len(ids))) if symmetric else np.ones((2, len(ids)))

    def drawn(pool: FloatArray, side: int, replicates: Sequence[int]) -> FloatArray:
        places = _places(ids, replicates)
        residuals = pool - pool.mean()
        picked = residuals[(chances[side, places] * len(pool)).astype(np.intp)]
        return np.asarray(picked * signs[side, places])

    def moved(sample: Sample, pool: Sample, truth: float) -> Sample:
        if sample.reason is not None:
            return sample
        if sample.is_paired:
            d = truth + drawn(pool.differences, 0, sample.replicates[0])
            return replace(sample, a=d, b=np.zeros_like(d))
        return replace(
            sample,
            a=truth + drawn(pool.a, 0, sample.replicates[0]),
            b=drawn(pool.b, 1, sample.replicates[1]),
        )

    return [
        [
            moved(sample, pool, truth)
            for sample, pool, truth in zip(row, rows[-1], truths, strict=True)
        ]
        for row in rows
    ]


def varies(sample: Sample) -> bool:
    """Whether there are residuals to draw: some difference is not the mean of all."""
    if sample.is_paired:
        return not has_no_spread(sample.differences)
    return not (has_no_spread(sample.a) and has_no_spread(sample.b))


def _replicates(rows: Rows) -> list[int]:
    return sorted({r for row in rows for sample in row for own in sample.replicates for r in own})


def _places(ids: Sequence[int], replicates: Sequence[int]) -> NDArray[np.intp]:
    return np.searchsorted(ids, replicates)
