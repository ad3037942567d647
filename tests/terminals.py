"""Consoles of people who watch, and of logs that nobody may paint over."""

from __future__ import annotations

import io

from rich.console import Console


class Terminal(io.StringIO):
    """A terminal that keeps what is drawn on it."""

    def isatty(self) -> bool:
        return True


def terminal(height: int = 30) -> Console:
    """A console on such a terminal."""
    return Console(file=Terminal(), force_terminal=True, width=100, height=height)


def coloured_log() -> Console:
    """A console on a file, where FORCE_COLOR is set."""
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def shown(console: Console) -> str:
    """All that was printed on a console of these."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
