"""What all commands share in speaking to people: consoles, exit codes, errors in plain words."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import NoReturn

import typer
from rich.text import Text

from harness.errors import UserError
from harness.interrupts import INTERRUPTS
from harness.screen import Screen, is_terminal

FINE, TRIALS_FAILED, BAD_INPUT, CONTRADICTED, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 4, 130

EXIT_CODES = (
    "Exit codes: 0 fine, 1 trials failed, 2 bad input, 3 a gated claim does not hold, 4 a gated "
    "claim is inconclusive, 130 interrupted."
)

OUTCOME_STYLES = {
    "supported": "green",
    "contradicted": "red",
    "practically equal": "cyan",
    "inconclusive": "yellow",
}
"""Colours of verdicts; each stands beside a mark and a word, never alone."""


class Volume(IntEnum):
    """How much a command says."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


console = Screen(highlight=False)
errors = Screen(stderr=True, highlight=False)
_volume = Volume.NORMAL


def reset() -> None:
    """Speak as usual: each command line starts so."""
    set_volume(quiet=False, verbose=False)
    console.stderr = False


def set_volume(*, quiet: bool, verbose: bool) -> None:
    """Speak less or more from now on.

    Raises:
        UserError: If both are asked for.
    """
    global _volume  # noqa: PLW0603 - a process has one terminal
    if quiet and verbose:
        raise UserError("--quiet and --verbose exclude each other: give one")
    _volume = Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL


def is_verbose() -> bool:
    """Whether details are wanted."""
    return _volume == Volume.VERBOSE


def is_quiet() -> bool:
    """Whether nothing is wanted but answers and errors."""
    return _volume == Volume.QUIET


def leave_output_to_machines() -> None:
    """Keep standard output for JSON: words for people go to standard error from now on."""
    console.stderr = True


def answer(text: str | Text) -> None:
    """Print what was asked for: always. Lines are broken between words, and only on a terminal."""
    console.print(text, markup=False, soft_wrap=not is_terminal(console))


def say(text: str | Text) -> None:
    """Print a remark by the way; not with --quiet."""
    if _volume >= Volume.NORMAL:
        answer(text)


def detail(text: str) -> None:
    """Print what only --verbose asks for."""
    if _volume >= Volume.VERBOSE:
        answer(text)


def complain(text: str) -> None:
    """Print to standard error."""
    errors.print(text, markup=False, soft_wrap=not is_terminal(errors))


def fail(text: str) -> NoReturn:
    """Say what is wrong with the input and end the command."""
    fail_with(BAD_INPUT, text)


def fail_with(code: int, text: str) -> NoReturn:
    """Say what is wrong and end the command with this exit code."""
    complain(text)
    raise typer.Exit(code)


def heed_interrupts() -> None:
    """End the command in good order when interrupted, unless it was started to ignore that."""
    for number in INTERRUPTS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    """End the command once: a second Ctrl-C must not cut short the tidying up after the first."""
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors that the user can mend end the command with their text alone and exit code 2."""
    try:
        yield
    except UserError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def cores() -> int:
    """Processor cores that this process may use."""
    from harness.environment import usable_cores

    return usable_cores()
