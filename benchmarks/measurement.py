"""What a benchmark finds: a ratio, the goal it is held against, and the figures behind it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Measurement:
    """One row of the table.

    Attributes:
        name: What was measured.
        ratio: How often faster than the baseline; for a goal in seconds or bytes what was measured
            as a share of the goal.
        goal: What the ratio should be.
        detail: The figures behind the ratio, in words.
        at_least: Whether more is better; if not, the ratio should be at most the goal.
    """

    name: str
    ratio: float
    goal: float
    detail: str
    at_least: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal


Benchmark = Callable[[bool], Measurement]
"""Takes whether a quick form will do."""


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> list[tuple[float, float]]:
    """Wall times of two calls in turn, so that a busy moment of the machine strikes both."""
    return [(seconds_of(first), seconds_of(second)) for _ in range(repeats)]


def median_ratio(times: list[tuple[float, float]]) -> float:
    """Median of the ratios of paired times, first by second."""
    return median(first / second for first, second in times)
