"""Numbers in words: right noun, enough digits, and never a word that contradicts the number."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import quantities
from harness.stats.results import Interval

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


def test_differences_carry_their_unit() -> None:
    assert quantities.amount(3.4, "epochs") == "3.4 epochs"
    assert quantities.amount(0.008, "accuracy") == "0.8 points"
    assert quantities.amount(-0.25, "nats", 2) == "−0.25 nats"
    assert quantities.amount(12.0, "seconds", 0) == "12 seconds"


def test_given_amounts_keep_their_digits_and_number() -> None:
    assert quantities.given_amount(1.0, "epochs") == "1 epoch"
    assert quantities.given_amount(2.5, "epochs") == "2.5 epochs"
    assert quantities.given_amount(0.002, "accuracy") == "0.2 points"
    assert quantities.given_amount(0.01, "accuracy") == "1 point"


def test_levels_of_accuracy_are_per_cent() -> None:
    assert quantities.level(0.978, "accuracy") == "97.8 %"
    assert quantities.level(0.5, "nats", 2) == "0.50 nats"


def test_what_is_no_number_says_so() -> None:
    for text in (
        quantities.amount(math.nan, "epochs"),
        quantities.level(math.nan, "accuracy"),
        quantities.p_value(math.nan),
        quantities.span(Interval(math.nan, math.nan, 0.95), "epochs", 1),
    ):
        assert text == "n/a"


def test_open_intervals_are_told_by_the_end_they_have() -> None:
    assert quantities.span(Interval(2.1, math.inf, 0.95), "epochs", 1) == "2.1 or more"
    assert quantities.span(Interval(-math.inf, 2.1, 0.95), "epochs", 1) == "2.1 or less"
    assert quantities.span(Interval(-math.inf, math.inf, 0.95), "epochs", 1) == "unbounded"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.014, "0.014"), (0.002, "0.002"), (0.31, "0.31"), (0.0004, "< 0.001"), (1.0, "1"),
     (1.0825e-5, "< 0.001"), (0.999, "> 0.99"), (0.05, "0.050"), (0.0625, "0.062")],
)  # fmt: skip
def test_p_values(p: float, text: str) -> None:
    """D4: never 0."""
    assert quantities.p_value(p) == text


@given(st.floats(1e-12, 1.0), st.sampled_from([0.001, 0.01, 0.05, 0.1]))
def test_written_p_is_never_zero_and_stays_on_its_side_of_alpha(p: float, alpha: float) -> None:
    text = quantities.p_value(p, alpha)
    if text.startswith(("<", ">")):
        return
    assert float(text) > 0
    if abs(p - alpha) > 1e-9:
        assert (float(text) <= alpha) == (p <= alpha)


@given(FINITE, FINITE, st.sampled_from(["epochs", "accuracy", "nats", "seconds"]))
def test_bounds_beyond_zero_are_not_written_as_zero(low: float, high: float, unit: str) -> None:
    """An interval that excludes zero must not read as if it touched it."""
    low, high = sorted((low, high))
    interval = Interval(low, high, 0.95)
    decimals = quantities.decimals_for(unit, interval, (low + high) / 2)
    for end in (low, high):
        if abs(quantities.shown(end, unit)) >= 1e-5:
            text = quantities.number(quantities.shown(end, unit), decimals).replace("−", "-")
            assert float(text.replace(",", "")) != 0


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 5))
def test_no_negative_zero_and_no_nan(value: float, decimals: int) -> None:
    text = quantities.number(value, decimals)
    assert "nan" not in text
    assert not re.fullmatch(r"[−-]0(\.0*)?", text)


def test_lists_and_plurals() -> None:
    assert quantities.listed([]) == ""
    assert quantities.listed(["a"]) == "a"
    assert quantities.listed(["a", "b", "c"]) == "a, b and c"
    assert quantities.plural(1, "pair") == "1 pair"
    assert quantities.plural(1200, "pair") == "1,200 pairs"
