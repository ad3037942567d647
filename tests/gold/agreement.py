"""Whether a number of ours is that of an independent program."""

from __future__ import annotations

import math
from typing import Any

from tests.gold.reader import close


def agrees(mine: Any, expected: dict[str, Any]) -> bool:
    """Compare; an oracle that refused wrote one NaN where an interval has two ends."""
    if isinstance(mine, list) and expected["value"] == "NaN":
        return all(math.isnan(end) for end in mine)
    return close(mine, expected)
