"""Counting arrangements: the engines behind the exact permutation and rank tests."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.stats.samples import FloatArray


def subset_sums(values: FloatArray) -> FloatArray:
    """Return the sums of all ``2**n`` subsets: entry s is the subset of the bits set in s."""
    sums = np.zeros(1 << values.size)
    for bit, value in enumerate(values):
        half = 1 << bit
        np.add(sums[:half], value, out=sums[half : 2 * half])
    return sums


@lru_cache(maxsize=4)
def subset_sizes(n: int) -> FloatArray:
    """Return the sizes of all ``2**n`` subsets, in the order of :func:`subset_sums`."""
    sizes = subset_sums(np.ones(n))
    sizes.setflags(write=False)
    return sizes


def count_selections(values: FloatArray, size: int, low: float, high: float) -> tuple[int, int]:
    """Count the selections of ``size`` values whose sum is ``<= low``, and ``>= high``.

    Exact without enumerating them all: the sums of each half of the values are sorted and met in
    the middle (Horowitz & Sahni 1974), ``2**(N/2)`` work for N values.
    """
    left, right = np.array_split(values, 2)
    left_sums, left_sizes = subset_sums(left), subset_sizes(left.size)
    right_sums, right_sizes = subset_sums(right), subset_sizes(right.size)
    below = above = 0
    for taken in range(max(0, size - right.size), min(size, left.size) + 1):
        ours = left_sums[left_sizes == taken]
        theirs = np.sort(right_sums[right_sizes == size - taken])
        below += int(np.searchsorted(theirs, low - ours, side="right").sum())
        above += int((theirs.size - np.searchsorted(theirs, high - ours, side="left")).sum())
    return below, above


def sign_sum_distribution(scores: NDArray[np.int64]) -> FloatArray:
    """Return P(sum of a random subset = s) for s = 0, 1, ...: each score is in with chance 1/2.

    The shift algorithm (Streitberg & Röhmel 1986); ``scores`` are non-negative integers.
    """
    chance = np.zeros(int(scores.sum()) + 1)
    chance[0] = 1.0
    for score in scores:
        shifted = np.zeros_like(chance)
        shifted[score:] = chance[: chance.size - score]
        chance = 0.5 * (chance + shifted)
    return chance


def selection_sum_distribution(scores: NDArray[np.int64], size: int) -> FloatArray:
    """Return P(sum of ``size`` randomly selected scores = s) for s = 0, 1, ...

    The shift algorithm for two samples (Streitberg & Röhmel 1986); non-negative integer scores.
    """
    top = int(np.sort(scores)[scores.size - size :].sum())
    ways = np.zeros((size + 1, top + 1))
    ways[0, 0] = 1.0
    for score in scores:
        ways[1:, score:] += ways[:-1, : top + 1 - score].copy()
    chances: FloatArray = ways[size] / math.comb(scores.size, size)
    return chances
