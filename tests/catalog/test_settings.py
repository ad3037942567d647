"""Rules for values: types, ranges and what their messages say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalog.settings import (
    REQUIRED,
    Choice,
    Flag,
    Number,
    Numbers,
    Words,
    check_settings,
    not_negative,
    positive,
    resolve,
    share,
)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (positive(), [1, 0.001, 1e300], [0, -1, True, "1", None, math.nan, math.inf, 10**400]),
        (positive(whole=True), [1, 512], [0, 1.0, True, -3]),
        (not_negative(), [0, 0.0, 1e-16], [-1e-16, math.nan]),
        (share(), [0, 0.5, 0.999], [1, 1.0, -0.1]),
        (share(below_one=False), [0, 1], [1.01]),
        (Number(high=0, open_high=True), [-0.8], [0, 1]),
        (Flag(), [True, False], [0, 1, "true"]),
        (Choice("a", ("a", "b")), ["a", "b"], ["c", 1, None]),
        (Words(), [[], ["x"]], ["x", [1]]),
        (Numbers((1,), positive(whole=True)), [[1], [1, 2]], [[], [0], 5, "12", [1, None]]),
        (Numbers(0.2, share(), lone=True), [0.5, [0.1, 0.2]], [1.0, [1.0], "0.5"]),
        (Numbers(0.2, share(), lone=True, length=2), [0.5, [0.1, 0.2]], [[0.1], [0.1, 0.2, 0.3]]),
    ],
)
def test_rules_accept_and_refuse(rule: Flag, good: list[object], bad: list[object]) -> None:
    assert [rule.fault(value) for value in good] == [None] * len(good)
    for value in bad:
        fault = rule.fault(value)
        assert fault is not None, value
        assert fault.startswith("must be "), value


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Number(), "a number, neither nan nor inf"),
        (positive(), "a number above 0"),
        (positive(whole=True), "a whole number, from 1 upwards"),
        (share(), "a number from 0 up to but not including 1"),
        (Number(high=0), "a number to 0"),
        (Number(high=0, open_high=True), "a number below 0"),
        (Number(low=0, high=1, open_low=True), "a number above 0 to 1"),
    ],
)
def test_ranges_read_as_sentences(rule: Number, words: str) -> None:
    assert rule.describe() == words


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_passes_only_inside_its_range(value: float) -> None:
    assert (share().fault(value) is None) == (0 <= value < 1)


def test_every_problem_is_found_at_once() -> None:
    rules = {"rate": positive(REQUIRED), "nesterov": Flag(), "size": positive(whole=True)}
    problems = check_settings({"nesterov": "True", "sise": 3, "size": "3"}, rules, "sgd", "opt.")
    assert [(p.key, p.suggestion) for p in problems] == [
        ("opt.nesterov", "true"),
        ("opt.sise", "size"),
        ("opt.size", "3"),
        ("opt.rate", None),
    ]


def test_resolve_fills_in_defaults_and_converts() -> None:
    rules = {"rate": positive(0.1), "hidden": Numbers((512,), positive(whole=True)), "clip": Flag()}
    assert resolve({"rate": 1}, {**rules, "none": positive()}) == {
        "rate": 1.0,
        "hidden": [512],
        "clip": False,
    }
    assert isinstance(resolve({"rate": 1}, rules)["rate"], float)
