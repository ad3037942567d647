"""Time budgets as people write them: "90s", "30m", "2h", "1h30m"."""

from __future__ import annotations

import re

from harness.errors import UserError

_WORDS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_MOST_SECONDS = 366 * 24 * 3600


def budget_seconds(words: str) -> float:
    """A time budget in seconds.

    Args:
        words: Hours, minutes and seconds in this order, each at most once, such as "1h30m".

    Raises:
        UserError: If the words are no time, or none that can be kept.
    """
    found = _WORDS.fullmatch(words.strip().lower().replace(" ", ""))
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not 0 < total <= _MOST_SECONDS:
        raise UserError(
            f'--budget "{words}" is no time to train for: write hours, minutes and seconds, such '
            'as "90s", "30m", "2h" or "1h30m", up to a year'
        )
    return float(total)
