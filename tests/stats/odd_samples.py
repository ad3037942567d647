"""Samples at the edge of what a statistic is defined for, and what results say of them."""

from __future__ import annotations

import math

import numpy as np

from harness.stats.survival import CensoredTimes

NAN = [math.nan]
LEVEL = 0.8
ONE, SAME, OTHER = [1.0], [1.0, 1.0], [2.0, 2.0]
FEW, LATER = [1.0, 2.0, 4.0], [2.5, 3.0, 7.0]
MANY = np.arange(60.0) % 17 + 0.01 * np.arange(60)
WAITING = CensoredTimes(np.full(3, 20.0), np.zeros(3, dtype=bool))
AT_ONCE = CensoredTimes(np.full(3, 5.0), np.ones(3, dtype=bool))
SOON = CensoredTimes(np.array([1.0, 2.0, 4.0]), np.ones(3, dtype=bool))
LATE = CensoredTimes(np.array([3.0, 5.0, 6.0]), np.ones(3, dtype=bool))
NO_PAIRS, NO_ARM = "no pairs", "an arm is empty"
EQUAL, ZERO = "no spread: all differences are equal", "all differences are zero"
FLAT, FEW_VALUES = (
    "no spread in either arm",
    "1 against 2 values: each arm needs two for a variance",
)
TOO_FAR = (
    "the last run was watched to 20 and had not reached the target; choose a horizon of at "
    "most that, not 30"
)
ONE_SIDED = "not estimable: wherever both arms were waiting, events came from one arm only"
