"""Synthetic learning curves of arms without a difference, for checks of error rates."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

REPLICATIONS = 400


def null_curves(
    rng: np.random.Generator, runs: int, epochs: int = 8, *, persistence: float = 0.6
) -> npt.NDArray[np.float64]:
    """Draw curves whose noise carries over from epoch to epoch, as that of training does."""
    noise = rng.standard_normal((runs, epochs))
    for epoch in range(1, epochs):
        carried = persistence * noise[:, epoch - 1]
        noise[:, epoch] = carried + math.sqrt(1 - persistence**2) * noise[:, epoch]
    return np.asarray(1 - 0.3 / np.arange(1.0, epochs + 1) + 0.01 * noise)


def monte_carlo_error(rate: float, replications: int = REPLICATIONS) -> float:
    """Return three standard errors of a simulated rate."""
    return 3 * math.sqrt(rate * (1 - rate) / replications)
