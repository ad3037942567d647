"""The deciding test at its largest exact size: 20 pairs, 1,048,576 arrangements."""

from __future__ import annotations

from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.measurement import Measurement, interleaved, seconds_of
from harness.stats.paired import sign_flips

_PAIRS = 20
_GOAL_SECONDS = 0.2


def exact_interval(quick: bool) -> Measurement:
    """Seconds of the exact p value of 20 pairs together with the interval that inverts it."""
    differences = _differences()
    sign_flips(differences)  # imports and caches
    seconds = median(seconds_of(lambda: _decide(differences)) for _ in range(3 if quick else 15))
    return Measurement(
        "exact interval",
        seconds / _GOAL_SECONDS,
        1.0,
        f"p and interval of {_PAIRS} pairs, exactly: {seconds:.3f} s of {_GOAL_SECONDS:g} s",
        at_least=False,
    )


def exact_test(quick: bool) -> Measurement:
    """Time of the exact test with its interval against SciPy's test alone, same resamples."""
    differences = _differences()
    ours, theirs = _decide(differences), _scipy_p(differences)
    if abs(ours - theirs) > 1e-12:
        raise AssertionError(f"the tests disagree: p = {ours} here, {theirs} from SciPy")
    times = interleaved(
        lambda: _decide(differences), lambda: _scipy_p(differences), 1 if quick else 5
    )
    return Measurement(
        "exact test",
        median(own / other for own, other in times),
        0.1,
        f"{1 << _PAIRS:,} arrangements: {median(t for t, _ in times):.3f} s with the interval; "
        f"scipy.stats.permutation_test {median(t for _, t in times):.2f} s without one",
        at_least=False,
    )


def _differences() -> NDArray[np.float64]:
    return np.random.default_rng(20).normal(0.4, 1.0, _PAIRS)


def _decide(differences: NDArray[np.float64]) -> float:
    flips = sign_flips(differences)
    flips.interval(0.95)
    return flips.p()


def _scipy_p(differences: NDArray[np.float64]) -> float:
    found = stats.permutation_test(
        (differences,),
        lambda x, axis: x.mean(axis=axis),
        permutation_type="samples",
        n_resamples=2**_PAIRS,  # all there are
        vectorized=True,
        batch=1 << 16,
    )
    return float(found.pvalue)
