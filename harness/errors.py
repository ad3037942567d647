"""What the user can mend, and what went wrong in a line."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user can put right; the message names it and the way out.

    The command line prints the message alone and exits with code 2.
    """


def last_line(traceback: str | None) -> str:
    """What a traceback ends with: the error itself; empty where there is none."""
    return (traceback or "").strip().rpartition("\n")[2]
