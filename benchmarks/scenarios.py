"""Kinds of data whose truth is known: how values of two arms fall, and their true difference.

Effects are counted in ``d``: standard deviations of a pair's difference (paired) or of an arm
(unpaired). Values of a pair share half of their variance, as two arms do that saw the same data in
the same order.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FloatArray = NDArray[np.float64]
SHARED = 0.5  # share of the variance that the two values of a pair have in common


@dataclass(frozen=True)
class Latent:
    """Standard normal values that data are made of.

    Attributes:
        a: Of the first arm, shape (studies, n).
        b: Of the second arm, shape (studies, m); those of a pair are correlated.
        extra: Independent ones, shape (studies, n).
    """

    a: FloatArray
    b: FloatArray
    extra: FloatArray


class Scenario(ABC):
    """One kind of data.

    Attributes:
        name: Its key in tables.
        words: What it is, and where it occurs in training runs.
        exact: The designs in which the deciding test keeps its level in theory: whenever two arms
            that do not differ are alike in all but their labels.
        covers: The designs whose interval is held to a coverage of at least 94 %.
    """

    name: ClassVar[str]
    words: ClassVar[str]
    exact: ClassVar[frozenset[str]] = frozenset({"paired", "unpaired"})
    covers: ClassVar[frozenset[str]] = frozenset({"paired", "unpaired"})

    def sizes(self, n: int) -> tuple[int, int]:
        """Values in each arm of a study with ``n`` replicates."""
        return n, n

    def draw(
        self, rng: np.random.Generator, studies: int, n: int, d: float, *, paired: bool
    ) -> tuple[FloatArray, FloatArray]:
        """Return the values of both arms, shapes (studies, n) and (studies, m)."""
        first, second = self.sizes(n)
        a, b = rng.normal(size=(studies, first)), rng.normal(size=(studies, second))
        if paired:
            block = math.sqrt(SHARED) * rng.normal(size=(studies, n))
            own = math.sqrt(1 - SHARED)
            a, b = block + own * a, block + own * b
        extra = rng.normal(size=(studies, first))
        return self.arms(Latent(a, b, extra), d, paired=paired)

    @abstractmethod
    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Turn standard normal values into those of the arms."""

    @abstractmethod
    def truth(self, d: float, *, paired: bool) -> float:
        """Return the true difference of means, first arm minus second."""


def _latent_spread(paired: bool) -> float:
    """Standard deviation of a pair's difference, or of an arm, of the standard normal values."""
    return math.sqrt(2 * (1 - SHARED)) if paired else 1.0


class Normal(Scenario):
    """Normal values."""

    name = "normal"
    words = "normal values: final accuracies and losses, often"

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Shift the first arm."""
        return z.a + self.truth(d, paired=paired), z.b

    def truth(self, d: float, *, paired: bool) -> float:
        """The shift."""
        return d * _latent_spread(paired)


class Skewed(Scenario):
    """Log-normal values in both arms, one of them shifted."""

    name = "skewed"
    words = "log-normal values in both arms (skewness 6): losses with a long tail"

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Take exponentials and shift the first arm."""
        return np.exp(z.a) + self.truth(d, paired=paired), np.exp(z.b)

    def truth(self, d: float, *, paired: bool) -> float:
        """The shift; variance and covariance are those of exp(normal) (Aitchison & Brown 1957)."""
        variance = math.e * (math.e - 1)
        covariance = math.e * (math.exp(SHARED) - 1)
        return d * math.sqrt(2 * (variance - covariance) if paired else variance)


class OneSided(Scenario):
    """Differences with a long tail on one side: only the first arm has one."""

    name = "one-sided"
    words = "an exponential tail in the first arm only (skewness 2): it fails badly now and then"
    exact = frozenset[str]()
    covers = frozenset[str]()

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Give the first arm exponential values with mean 0, the second a tenth of normal noise."""
        tail = self.truth(d, paired=paired) - 1 - stats.norm.logsf(z.extra)
        return (z.b + tail, z.b) if paired else (tail, 0.1 * z.b)

    def truth(self, d: float, *, paired: bool) -> float:
        """The shift."""
        return d * (1.0 if paired else math.sqrt((1 + 0.01) / 2))


class Integer(Scenario):
    """Whole numbers with ties."""

    name = "integer"
    words = "whole epochs with many ties (standard deviation 1.5 epochs)"
    _spread = 1.5

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Round to whole epochs around 12; rounding leaves the means where they are."""
        shift = self.truth(d, paired=paired)
        return np.rint(12 + shift + self._spread * z.a), np.rint(12 + self._spread * z.b)

    def truth(self, d: float, *, paired: bool) -> float:
        """The shift."""
        return d * self._spread * _latent_spread(paired)


class Censored(Scenario):
    """Epochs to a target, cut at the budget: restricted means are compared."""

    name = "censored"
    words = "whole epochs to a target, cut at a budget of 20: 12 % of trials do not get there"
    _budget, _median, _spread = 20, 10.0, 0.6

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Stretch the first arm's log-normal times, round up, cut at the budget."""
        shift = d * _latent_spread(paired)

        def times(x: FloatArray) -> FloatArray:
            return np.minimum(np.ceil(self._median * np.exp(self._spread * x)), self._budget)

        return times(z.a + shift), times(z.b)

    def truth(self, d: float, *, paired: bool) -> float:
        """The difference of restricted means, each a sum of P(T > k) over epochs k."""

        def restricted(shift: float) -> float:
            epochs = np.arange(1, self._budget)
            z = np.log(epochs / self._median) / self._spread
            return 1 + float(stats.norm.sf(z - shift).sum())

        return restricted(d * _latent_spread(paired)) - restricted(0.0)


class Heteroscedastic(Scenario):
    """Unequal noise: between the arms or, where they are paired, between replicates."""

    name = "unequal noise"
    words = "an arm with three times the noise of the other; paired: replicates of unequal noise"
    exact = frozenset({"paired"})
    covers = frozenset({"paired"})
    _ratio = 3.0

    def arms(self, z: Latent, d: float, *, paired: bool) -> tuple[FloatArray, FloatArray]:
        """Scale the replicates' differences, or the arms, with a mean variance of 1."""
        shift = self.truth(d, paired=paired)
        if paired:
            scale = np.exp(0.7 * z.extra - 0.49)
            return z.b + scale * (z.a - z.b) + shift, z.b
        unit = math.sqrt((self._ratio**2 + 1) / 2)
        return self._ratio / unit * z.a + shift, z.b / unit

    def truth(self, d: float, *, paired: bool) -> float:
        """The shift."""
        return d * _latent_spread(paired)


class UnequalSizes(Heteroscedastic):
    """The noisy arm has half as many values: the worst case of two unpaired arms."""

    name = "unequal noise and sizes"
    words = "the same, and the noisier arm has half as many values as the other"
    exact = frozenset[str]()
    covers = frozenset[str]()

    def sizes(self, n: int) -> tuple[int, int]:
        """Twice as many values in the quiet arm."""
        return n, 2 * n


SCENARIOS: tuple[Scenario, ...] = (
    Normal(),
    Integer(),
    Censored(),
    Skewed(),
    Heteroscedastic(),
    UnequalSizes(),
    OneSided(),
)
