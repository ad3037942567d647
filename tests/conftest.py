"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# No test fails because a machine is slow, nor because of what chance tried for the first time: that
# is asked for, with `--hypothesis-profile=explore`.
settings.register_profile(
    "repeatable",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", parent=settings.get_profile("repeatable"), derandomize=False)
settings.load_profile("repeatable")

# `nox -s mutation` runs each test many times in one process, and must see the same cases each time.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("repeatable"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)


def pytest_configure() -> None:
    """Heed Ctrl-C: a shell that starts the tests in the background has them ignore it.

    Whatever they start would inherit that, and no test could press Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
