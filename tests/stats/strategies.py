"""Samples as training runs produce them, for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from harness.stats.samples import FloatArray

_MESSY = st.floats(-100, 100, allow_nan=False).map(lambda x: round(x, 4))
_EPOCHS = st.integers(-12, 12).map(float)
_ACCURACY = st.integers(900, 999).map(lambda correct: correct / 1000)


def values(least: int, most: int) -> st.SearchStrategy[FloatArray]:
    """Numbers of four decimals, whole epochs (many ties), or accuracies in thousandths."""
    return st.one_of(
        *(st.lists(kind, min_size=least, max_size=most) for kind in (_MESSY, _EPOCHS, _ACCURACY))
    ).map(lambda drawn: np.array(drawn, dtype=np.float64))


@st.composite
def differences(draw: st.DrawFn, least: int = 1, most: int = 10) -> FloatArray:
    """Paired differences: of accuracies they carry the rounding error of the subtraction."""
    n = draw(st.integers(least, most))
    kind = draw(st.sampled_from((_MESSY, _EPOCHS, _ACCURACY)))
    a, b = (np.array(draw(st.lists(kind, min_size=n, max_size=n))) for _ in "ab")
    return a - b


nulls = st.one_of(st.just(0.0), st.integers(-40, 40).map(lambda k: k / 1000), st.integers(-5, 5))
levels = st.sampled_from((0.8, 0.9, 0.95, 0.99))
alternatives = st.sampled_from(("two-sided", "less", "greater"))
