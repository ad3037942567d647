"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# `nox -s mutation` runs each test many times in one process, and must see the same cases each time.
settings.register_profile(
    "mutation",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.differing_executors],
)
