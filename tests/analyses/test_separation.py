"""The simplest rule that says where an outcome flips."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyses.separation import Condition, Rule, simplest_rule
from harness.choices import Choice

GRID: list[Choice] = [
    {"target": target, "sustain": sustain, "test": test}
    for target, sustain, test in product((0.9, 0.92, 0.94, 0.96), (1, 2, 3), ("permutation", "t"))
]
NESTED_GRID: list[Choice] = [
    {"metric": metric, "target": target, "test": test}
    for metric, targets in (("val_accuracy", (0.9, 0.95)), ("val_loss", (0.1, 0.2, 0.3)))
    for target in targets
    for test in ("permutation", "t", "rank")
]


def rule(flips: Callable[[Choice], bool], grid: list[Choice] = GRID) -> Rule | None:
    return simplest_rule(grid, [flips(c) for c in grid], nested={"target": "metric"})


@pytest.mark.parametrize(
    ("flips", "conditions"),
    [
        (
            lambda c: c["target"] > 0.92,
            (Condition("target", (0.94, 0.96), "above", 0.92),),
        ),
        (lambda c: c["sustain"] < 3, (Condition("sustain", (1, 2), "below", 3),)),
        (lambda c: c["sustain"] == 2, (Condition("sustain", (2,), "listed"),)),
        (lambda c: c["test"] == "t", (Condition("test", ("t",), "listed"),)),
        (
            lambda c: c["target"] > 0.94 and c["test"] == "t",
            (
                Condition("target", (0.96,), "above", 0.94),
                Condition("test", ("t",), "listed"),
            ),
        ),
    ],
)
def test_an_exact_rule_is_found(
    flips: Callable[[Choice], bool], conditions: tuple[Condition, ...]
) -> None:
    found = rule(flips)
    assert found is not None
    assert found.conditions == conditions
    assert found.is_exact


def test_a_target_counts_beside_its_metric() -> None:
    found = rule(lambda c: c["metric"] == "val_loss" and float(c["target"]) < 0.2, NESTED_GRID)
    assert found is not None
    assert found.conditions == (
        Condition("target", (0.1,), "below", 0.2, beside=("metric", "val_loss")),
    )


def test_a_rule_with_exceptions_says_how_many() -> None:
    """Targets above 0.94, but not with every test and every number of epochs held."""
    found = rule(lambda c: c["target"] == 0.96 and not (c["sustain"] == 2 and c["test"] == "t"))
    assert found is not None
    assert found.conditions == (Condition("target", (0.96,), "above", 0.94),)
    assert (found.flipped, found.inside) == (5, 6)
    assert not found.is_exact


def test_no_rule_where_nothing_or_everything_or_anything_flips() -> None:
    assert rule(lambda _: False) is None
    assert rule(lambda _: True) is None
    scattered = {("0.9", 1), ("0.92", 2), ("0.94", 3), ("0.96", 1)}
    assert rule(lambda c: (str(c["target"]), c["sustain"]) in scattered) is None


@given(st.lists(st.booleans(), min_size=len(GRID), max_size=len(GRID)))
def test_a_rule_never_leaves_a_flip_out(flips: list[bool]) -> None:
    found = simplest_rule(GRID, flips)
    if found is None:
        return
    meets = [all(c[one.key] in one.levels for one in found.conditions) for c in GRID]
    assert all(met for met, flip in zip(meets, flips, strict=True) if flip)
    assert (sum(meets), sum(flips)) == (found.inside, found.flipped)
    assert found.inside < len(GRID)
    assert found.flipped >= 0.5 * found.inside or found.inside <= 0.25 * len(GRID)
