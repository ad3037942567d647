"""Looking at the data while they come in: boundaries and sequences that keep their error rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from harness.stats.samples import FloatArray, sample

Boundary = Literal["lan-demets-obf", "lan-demets-pocock", "obf", "pocock"]

_NODES = 256
_FAR = 9.0  # standard deviations beyond which the density is left out


@dataclass(frozen=True, slots=True, eq=False)
class GroupSequential:
    """Boundaries of a study that is looked at a few times; all arrays have shape (looks,).

    Attributes:
        information: Share of all replicates seen at each look.
        z: Stop at a look where |z| is at least this.
        spent: Probability, under no difference, of having crossed one side by each look.
        p_nominal: One-sided p value that corresponds to ``z``; double it for a two-sided test.
    """

    information: FloatArray
    z: FloatArray
    spent: FloatArray
    p_nominal: FloatArray


@lru_cache(maxsize=1)
def _gauss_legendre() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes), np.asarray(weights)


class _Walk:
    """Where a study under no difference stands that has not yet crossed its upper boundary.

    The score z sqrt(information) is a Brownian motion; its density over the not stopped paths is
    carried from look to look by quadrature (Armitage, McPherson & Rowe 1969).
    """

    def __init__(self) -> None:
        self._points: FloatArray = np.zeros(1)
        self._mass: FloatArray = np.ones(1)
        self._information = 0.0

    def crossing(self, information: float, z: float) -> float:
        """Probability of crossing at the next look and not before."""
        step = math.sqrt(information - self._information)
        beyond = special.ndtr((self._points - z * math.sqrt(information)) / step)
        return float(self._mass @ beyond)

    def stay(self, information: float, z: float) -> None:
        """Go on to the next look, without the paths that crossed there."""
        root = math.sqrt(information)
        step = math.sqrt(information - self._information)
        nodes, weights = _gauss_legendre()
        low, high = -_FAR * root, min(z, _FAR) * root
        points = low + (high - low) * (nodes + 1) / 2
        steps = (points[:, None] - self._points) / step
        density = np.exp(-(steps**2) / 2) @ self._mass / (step * math.sqrt(2 * math.pi))
        self._points, self._mass = points, density * weights * (high - low) / 2
        self._information = information


def group_sequential(
    information: npt.ArrayLike, boundary: Boundary, *, alpha: float = 0.05
) -> GroupSequential:
    """Compute the boundaries of a group-sequential test.

    Args:
        information: Share of all replicates at each look, ascending to at most 1; shape (looks,).
        boundary: ``"lan-demets-obf"`` and ``"lan-demets-pocock"`` spend alpha by a function of
            information (Lan & DeMets 1983), so looks may come at any time; ``"obf"`` (O'Brien &
            Fleming 1979) and ``"pocock"`` (1977) have looks that were fixed beforehand.
        alpha: Two-sided level; half of it is spent on each side.

    Returns:
        One boundary a look.
    """
    t = np.asarray(information, dtype=np.float64)
    if t.ndim != 1 or t.size == 0 or t[0] <= 0 or t[-1] > 1 + 1e-12 or np.any(np.diff(t) <= 0):
        raise ValueError(f"information must ascend within (0, 1], not {t.tolist()}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
    side = alpha / 2
    match boundary:
        case "lan-demets-obf":
            z = _spending_bounds(t, 2 * special.ndtr(special.ndtri(side / 2) / np.sqrt(t)))
        case "lan-demets-pocock":
            z = _spending_bounds(t, side * np.log1p((math.e - 1) * t))
        case "obf":
            z = _scaled_bounds(t, side, lambda c: c * np.sqrt(t[-1] / t))
        case "pocock":
            z = _scaled_bounds(t, side, lambda c: np.full_like(t, c))
    return GroupSequential(t, z, _spent(t, z), np.asarray(special.ndtr(-z)))


def _spending_bounds(t: FloatArray, spent: FloatArray) -> FloatArray:
    walk, z = _Walk(), np.empty_like(t)
    for look, to_spend in enumerate(np.diff(spent, prepend=0.0)):
        now = float(t[look])

        def excess(bound: float, now: float = now, to_spend: float = float(to_spend)) -> float:
            return walk.crossing(now, bound) - to_spend

        z[look] = optimize.brentq(excess, -_FAR, 40.0, xtol=1e-10)
        walk.stay(now, float(z[look]))
    return z


def _scaled_bounds(t: FloatArray, side: float, shape: Callable[[float], FloatArray]) -> FloatArray:
    def excess(scale: float) -> float:
        return float(_spent(t, shape(scale))[-1]) - side

    return shape(float(optimize.brentq(excess, 0.01, 40.0, xtol=1e-10)))


def _spent(t: FloatArray, z: FloatArray) -> FloatArray:
    walk, crossed = _Walk(), np.empty_like(t)
    for look, (now, bound) in enumerate(zip(t, z, strict=True)):
        crossed[look] = walk.crossing(float(now), float(bound))
        walk.stay(float(now), float(bound))
    return np.cumsum(crossed)


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceSequence:
    """Intervals that hold at all times together; arrays have shape (n,), one entry a replicate.

    Attributes:
        mean: Running mean.
        half_width: Half the interval's width around it.
        first_exclusion: The first number of replicates whose interval leaves out 0, or None.
    """

    mean: FloatArray
    half_width: FloatArray
    first_exclusion: int | None


def confidence_sequence(
    differences: npt.ArrayLike, *, sigma: float, rho2: float = 0.1, alpha: float = 0.05
) -> ConfidenceSequence:
    """Follow a mean with a normal-mixture confidence sequence (Robbins 1970).

    The mean lies in all intervals at once with probability 1 - alpha, so one may look after every
    replicate and stop at will.

    Args:
        differences: Paired differences in the order they came in, shape (n,).
        sigma: Their sub-Gaussian scale, known beforehand (the standard deviation if normal); one
            estimated from the same data voids the guarantee.
        rho2: Variance of the mixture over sigma²: at alpha = 0.05 it is tightest near n = 8 / rho2.
        alpha: Two-sided level.

    Returns:
        The sequence.
    """
    x = sample(differences, "differences")
    if not (sigma > 0 and rho2 > 0):
        raise ValueError(f"sigma and rho2 must be > 0, not {sigma} and {rho2}")
    n = np.arange(1.0, x.size + 1)
    mean = np.cumsum(x) / n
    grown = n * rho2 + 1
    half_width = sigma * np.sqrt(grown / (n**2 * rho2) * np.log(grown / alpha**2))
    return ConfidenceSequence(mean, half_width, _first(np.abs(mean) > half_width))


@dataclass(frozen=True, slots=True, eq=False)
class SignProcess:
    """Evidence that wins are not a coin's; arrays have shape (n,), one entry a pair.

    Attributes:
        e: Evidence against "win and loss are equally likely" so far; its expectation is 1 if true.
        p: Anytime-valid p value so far.
        first_rejection: The first number of pairs with e >= 1 / alpha, or None.
    """

    e: FloatArray
    p: FloatArray
    first_rejection: int | None


def sign_e_process(wins: npt.ArrayLike, *, alpha: float = 0.05) -> SignProcess:
    """Test fair wins after every pair, with a Beta(1/2, 1/2) mixture of bets (Ville 1939).

    Args:
        wins: 1 where the first arm won the pair, 0 where it lost, in the order they came in; leave
            ties out. Shape (n,).
        alpha: Level: the chance that e ever reaches 1 / alpha is at most alpha.

    Returns:
        The process.
    """
    w = sample(wins, "wins")
    if not np.all((w == 0) | (w == 1)):
        raise ValueError("wins must be 0 or 1; leave tied pairs out")
    n, won = np.arange(1.0, w.size + 1), np.cumsum(w)
    log_e = special.betaln(won + 0.5, n - won + 0.5) - special.betaln(0.5, 0.5) + n * math.log(2)
    e = np.exp(np.minimum(log_e, 700.0))  # beyond it a float overflows
    p = np.minimum(np.minimum.accumulate(1 / e), 1.0)
    return SignProcess(e, p, _first(e >= 1 / alpha))


def _first(reached: npt.NDArray[np.bool_]) -> int | None:
    places = np.flatnonzero(reached)
    return int(places[0]) + 1 if places.size else None
