"""Cells of a table as numbers: missing is NaN, recorded but not finite is inf."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from harness.errors import UserError
from harness.measures import FloatArray

MISSING = frozenset({"", "na", "n/a", "none", "null", "-", "--", "<na>", "#n/a", "missing"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")


def numbers(
    cells: Sequence[str],
    *,
    name: str,
    where: Callable[[int], str],
    decimal_comma: bool = False,
    dates: bool = False,
) -> tuple[FloatArray, bool]:
    """Turn a column's cells into numbers.

    An empty cell (or NA, null …) is missing and becomes NaN; ``nan`` and ``inf`` were recorded and
    become inf, so that a loss that is no number is told from a loss that is not there.

    Args:
        cells: The cells.
        name: The column, for messages.
        where: Says for a cell's place in which file and line it stands.
        decimal_comma: Whether ``0,5`` is a number here.
        dates: Whether ``2024-01-31 12:00:00`` is one, of seconds since 1970 (UTC where it does not
            say otherwise).

    Returns:
        The numbers, and whether any carries a percent sign.

    Raises:
        UserError: A cell is no number; the message names it with its line.
    """
    try:
        return recorded(np.fromiter(map(float, cells), dtype=np.float64, count=len(cells))), False
    except ValueError:
        pass
    values, percent, commas = np.empty(len(cells)), 0, 0
    for place, cell in enumerate(cells):
        text = cell.strip()
        if text.lower() in MISSING:
            values[place] = np.nan
            continue
        percent += text.endswith("%")
        text = text.rstrip("% ")
        if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
            text, commas = text.replace(",", "."), commas + 1
        elif commas and "." in text:
            raise UserError(f"{where(place)}: {name} mixes decimal commas and points: {cell!r}")
        if dates and (seconds := _seconds_of_date(text)) is not None:
            values[place] = seconds
            continue
        values[place] = _number(text, cell, name, where(place))
    return values, percent > 0


def _seconds_of_date(text: str) -> float | None:
    """A date in ISO 8601's notation as seconds since 1970; None for anything else."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    if text.isdigit():  # 20240131, a number as well
        return None
    return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()


def _number(text: str, cell: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        clock = _CLOCK.fullmatch(text)
        if clock is None:
            hint = ""
            if _DECIMAL_COMMA.fullmatch(text):
                hint = (
                    "; if this is a decimal comma, write a point, or separate columns by semicolons"
                )
            shown = cell if len(cell) <= 40 else cell[:37] + "…"
            raise UserError(f"{where}: {name} holds {shown!r}, which is no number{hint}") from None
        hours, minutes, seconds = clock.groups()
        value = int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    return value if np.isfinite(value) else np.inf


def recorded(values: Iterable[float]) -> FloatArray:
    """Numbers that were all recorded: those that are not finite become inf."""
    array = np.array(values, dtype=np.float64)
    array[~np.isfinite(array)] = np.inf
    return array
