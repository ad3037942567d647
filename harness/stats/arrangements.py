"""All the ways, or a random sample of them, in which data could have fallen under no difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import numpy.typing as npt

from harness.language import N_, said
from harness.stats.samples import FloatArray

BoolArray = npt.NDArray[np.bool_]
Packed = npt.NDArray[np.uint8]

MOST_ENUMERATED = 200_000
"""Above this many arrangements they are sampled: 10 against 10 runs (184,756) are still exact."""
_BLOCK = 4_000_000  # memberships drawn or unpacked at once


@dataclass(frozen=True, slots=True, eq=False)
class Arrangements:
    """Equally likely arrangements of the same data.

    Attributes:
        packed: One arrangement a row, eight memberships a byte: thousands of runs fit in memory.
        n: Number of runs, or pairs, that are arranged.
        exact: Whether these are all arrangements, the observed one among them.
        kind: What is rearranged: "labelings" or "sign flips".
    """

    packed: Packed
    n: int
    exact: bool
    kind: str

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def rows(self) -> BoolArray:
        """All at once, shape (arrangements, n): who is in the first arm, or whose sign changes."""
        return self._unpacked(self.packed)

    def blocks(self, width: int = 1) -> Iterator[BoolArray]:
        """The same rows, as many at a time as fit in little memory.

        Args:
            width: Numbers that are made of each arrangement.
        """
        at_once = max(1, _BLOCK // max(self.n, width))
        for start in range(0, len(self), at_once):
            yield self._unpacked(self.packed[start : start + at_once])

    def statistics(self, of: Callable[[BoolArray], FloatArray]) -> FloatArray:
        """A statistic of each arrangement; ``of`` takes some of the rows at a time."""
        return np.concatenate([of(rows) for rows in self.blocks()])

    def _unpacked(self, packed: Packed) -> BoolArray:
        return np.unpackbits(packed, axis=1, count=self.n).view(np.bool_)

    def describe(self) -> str:
        """Say in words how the reference distribution was made."""
        if self.exact:
            template = N_("exact permutation ({count} {kind})")
        else:
            template = N_("Monte Carlo permutation ({count} random {kind})")
        return said(template, count=f"{len(self):,}", kind=said(self.kind))


def labelings(
    n: int, n_first: int, *, draws: int, rng: np.random.Generator | None = None
) -> Arrangements:
    """List the ways of giving ``n_first`` of ``n`` runs to the first arm.

    Args:
        n: Number of runs in both arms together.
        n_first: Number of runs in the first arm.
        draws: Random labelings where there are more than ``MOST_ENUMERATED``.
        rng: Source of those; a fixed one by default.

    Returns:
        All labelings if they are few enough, else ``draws`` random ones.
    """
    if math.comb(n, n_first) <= MOST_ENUMERATED:
        packed = np.packbits(all_labelings(n, n_first), axis=1)
        return Arrangements(packed, n, exact=True, kind=N_("labelings"))
    return random_labelings(n, n_first, draws=draws, rng=_generator(rng))


def all_labelings(n: int, n_first: int) -> BoolArray:
    """All ways of giving ``n_first`` of ``n`` runs to the first arm, one a row."""
    total = math.comb(n, n_first)
    flat = chain.from_iterable(combinations(range(n), n_first))
    members = np.fromiter(flat, dtype=np.intp, count=total * n_first).reshape(total, n_first)
    rows = np.zeros((total, n), dtype=np.bool_)
    np.put_along_axis(rows, members, values=True, axis=1)
    return rows


def random_labelings(n: int, n_first: int, *, draws: int, rng: np.random.Generator) -> Arrangements:
    """Random ways of giving ``n_first`` of ``n`` runs to the first arm."""
    members = np.arange(n) < n_first
    packed = _drawn(lambda size: rng.permuted(np.tile(members, (size, 1)), axis=1), n, draws)
    return Arrangements(packed, n, exact=False, kind="labelings")


def _drawn(draw: Callable[[int], BoolArray], n: int, draws: int) -> Packed:
    """Random arrangements, some at a time, so that they never take a byte for each membership."""
    at_once = max(1, _BLOCK // n)
    sizes = (min(at_once, draws - start) for start in range(0, draws, at_once))
    return np.concatenate([np.packbits(draw(size), axis=1) for size in sizes])


def sign_flips(n: int, *, draws: int, rng: np.random.Generator | None = None) -> Arrangements:
    """List the ways of turning the signs of ``n`` paired differences.

    Args:
        n: Number of pairs.
        draws: Random flips where there are more than ``MOST_ENUMERATED``.
        rng: Source of those; a fixed one by default.

    Returns:
        All 2^n flips if they are few enough, else ``draws`` random ones; True turns a sign.
    """
    if 2**n <= MOST_ENUMERATED:
        rows = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
        return Arrangements(np.packbits(rows, axis=1), n, exact=True, kind=N_("sign flips"))
    source = _generator(rng)
    packed = _drawn(lambda size: source.random((size, n)) < 0.5, n, draws)
    return Arrangements(packed, n, exact=False, kind="sign flips")


def _generator(rng: np.random.Generator | None) -> np.random.Generator:
    return np.random.default_rng(0) if rng is None else rng


def share_at_least(reference: FloatArray, observed: float, *, exact: bool) -> float:
    """Turn a reference distribution into a p value: the share that is at least ``observed``.

    Arrangements with equal statistics differ in the last bits, so "at least" has a tolerance.
    A sampled distribution gets the add-one estimator (Phipson & Smyth 2010): p is never 0.

    Args:
        reference: Statistic of each arrangement, shape (arrangements,), large values extreme.
        observed: The statistic of the data.
        exact: Whether the reference holds all arrangements.

    Returns:
        p in (0, 1].
    """
    tolerance = 1e-10 * float(np.max(np.abs(reference)))
    hits = int(np.count_nonzero(reference >= observed - tolerance))
    return hits / reference.size if exact else (hits + 1) / (reference.size + 1)
