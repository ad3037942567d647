"""What all tests share."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

# `nox -s mutation` runs each test many times in one process, and must see the same cases each time.
settings.register_profile(
    "mutation",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.differing_executors],
)


def pytest_configure() -> None:
    """Heed Ctrl-C: a shell that starts the tests in the background has them ignore it.

    Whatever they start would inherit that, and no test could press Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
