"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from harness.interrupts import INTERRUPTS

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
    """Heed Ctrl-C and the like: a shell that starts the tests in the background has them ignored.

    Whatever the tests start would inherit that, and none could press Ctrl-C.
    """
    for number in INTERRUPTS:
        if signal.getsignal(number) is signal.SIG_IGN:
            usual = signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Heed them in each test: a command that is run in this process, and ended, ignores them."""
    before = {number: signal.getsignal(number) for number in INTERRUPTS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
