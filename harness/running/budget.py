"""Time budgets as people write them: "90s", "30m", "2h", "1h30m"."""

from __future__ import annotations

from harness.errors import UserError
from harness.quantities import seconds_in


def budget_seconds(words: str) -> float:
    """A time budget in seconds.

    Args:
        words: Hours, minutes and seconds in this order, each at most once, such as "1h30m".

    Raises:
        UserError: If the words are no time, or none that can be kept.
    """
    seconds = seconds_in(words)
    if seconds is None:
        raise UserError(
            f'--budget "{words}" is no time to train for: write hours, minutes and seconds, such '
            'as "90s", "30m", "2h" or "1h30m", up to a year'
        )
    return seconds
