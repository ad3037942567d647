"""How long tests wait for what must happen: a hang is a failure, a slow machine is none."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 600.0
"""Seconds. How fast anything is, is measured in benchmarks/."""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds; what never does fails the test."""
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.05)
