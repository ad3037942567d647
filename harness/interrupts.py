"""The signals that end a command in good order, and how they wait for what must be done whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, what a machine sends that shuts down, and a terminal that is closed."""


@contextmanager
def interrupted_only_afterwards() -> Iterator[None]:
    """Hold interrupts back for what must be done whole, as starting a process or ending it."""
    held: list[int] = []
    heeded = {}
    if threading.current_thread() is threading.main_thread():  # no other is ever interrupted
        found = {number: signal.getsignal(number) for number in INTERRUPTS}
        heeded = {number: handler for number, handler in found.items() if callable(handler)}
    try:
        for number in heeded:
            signal.signal(number, lambda caught, _: held.append(caught))
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
        for caught in held[:1]:
            signal.raise_signal(caught)
