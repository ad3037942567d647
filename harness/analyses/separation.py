"""The simplest rule that says for which choices an outcome flips.

A rule is one condition on one choice ("targets above 0.97") or two conditions at once. The search
is exhaustive over thresholds of ordered choices and subsets of the others, so a rule that exists is
found, and the one that is told is the simplest and then the tightest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.choices import Choice, Setting

BoolArray = NDArray[np.bool_]
_LEAST_SHARE = 0.5  # of what a rule names, this much must flip,
_SMALL_SHARE = 0.25  # unless it names no more than this much of all there is
_WORTH_A_CONDITION = 1.5  # factor by which a second condition must narrow a rule with exceptions


@dataclass(frozen=True)
class Condition:
    """Some levels of one choice.

    Attributes:
        key: The choice.
        levels: The levels, in the order of the choice's levels.
        side: Whether these are all levels above or below some other one, or just those listed.
        bound: The nearest level that is not among them, for "above" and "below".
        beside: The choice and level beside which these levels mean something (a target, beside
            its metric); the condition then holds only there. None where they always do.
    """

    key: str
    levels: tuple[Setting, ...]
    side: Literal["above", "below", "listed"]
    bound: Setting | None = None
    beside: tuple[str, Setting] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The choices that the condition is about."""
        return (self.key,) if self.beside is None else (self.key, self.beside[0])


@dataclass(frozen=True)
class Rule:
    """Where an outcome flips: wherever all conditions hold, and nowhere else.

    Attributes:
        conditions: One or two.
        flipped: Specifications that flip; all of them meet the conditions.
        inside: Specifications that meet the conditions.
    """

    conditions: tuple[Condition, ...]
    flipped: int
    inside: int

    @property
    def is_exact(self) -> bool:
        """Whether every specification that meets the conditions flips."""
        return self.flipped == self.inside


def simplest_rule(
    choices: Sequence[Choice], flips: Sequence[bool], *, nested: Mapping[str, str] | None = None
) -> Rule | None:
    """Find the simplest rule that names all flipped specifications.

    A rule names all that flip, and either at least half of what it names flips, or it names no more
    than a quarter of all. Rules without exception come first, those of one condition before those
    of two; among rules with exceptions the one that names fewest, a second condition must pay.

    Args:
        choices: The specifications, with the same keys each.
        flips: Whether each one flips.
        nested: Choices whose levels mean something only beside one level of another choice (a
            target, beside its metric), by key.

    Returns:
        The rule; None where no rule of one or two conditions names the flips, or nothing flips, or
        everything does.
    """
    flipped = np.array(flips, dtype=bool)
    if flipped.all() or not flipped.any():
        return None
    best: tuple[tuple[bool, float, int], Rule] | None = None
    for conditions, meets in _candidates(choices, nested or {}):
        inside = int(meets.sum())
        if (flipped & ~meets).any() or inside == len(flipped):
            continue
        rule = Rule(conditions, int(flipped.sum()), inside)
        tells = rule.flipped >= _LEAST_SHARE * inside or inside <= _SMALL_SHARE * len(flipped)
        if tells and (best is None or _rank(rule) < best[0]):
            best = _rank(rule), rule
    return None if best is None else best[1]


def _rank(rule: Rule) -> tuple[bool, float, int]:
    """Smaller is better."""
    count = len(rule.conditions)
    price = count if rule.is_exact else rule.inside * _WORTH_A_CONDITION ** (count - 1)
    return not rule.is_exact, price, rule.inside


def _candidates(
    choices: Sequence[Choice], nested: Mapping[str, str]
) -> Iterator[tuple[tuple[Condition, ...], BoolArray]]:
    """Every rule of one or two conditions, with the specifications that meet it."""
    singles: list[tuple[Condition, BoolArray]] = []
    for key in choices[0]:
        outer = nested.get(key)
        beside: list[tuple[str, Setting] | None] = [None]
        if outer is not None and len({choice.get(outer) for choice in choices}) > 1:
            beside = [(outer, level) for level in dict.fromkeys(c[outer] for c in choices)]
        for place in beside:
            singles += _conditions(choices, key, place)
    for condition, meets in singles:
        yield (condition,), meets
    for (one, meets_one), (two, meets_two) in combinations(singles, 2):
        if two.key not in one.keys and one.key not in two.keys:
            yield (one, two), meets_one & meets_two


def _conditions(
    choices: Sequence[Choice], key: str, beside: tuple[str, Setting] | None
) -> Iterator[tuple[Condition, BoolArray]]:
    """Every condition on one choice that leaves some of its levels out."""
    among = [beside is None or choice[beside[0]] == beside[1] for choice in choices]
    column = [choice[key] for choice in choices]
    present = {value for value, counts in zip(column, among, strict=True) if counts}
    for condition in _level_sets(key, sorted(present, key=lambda v: (isinstance(v, str), v))):
        chosen: Collection[Setting] = set(condition.levels)
        meets = [v in chosen and counts for v, counts in zip(column, among, strict=True)]
        yield replace(condition, beside=beside), np.array(meets)


def _level_sets(key: str, levels: Sequence[Setting]) -> Iterator[Condition]:
    if any(isinstance(level, str) for level in levels):
        for size in range(1, len(levels)):
            for subset in combinations(levels, size):
                yield Condition(key, subset, "listed")
        return
    for cut in range(1, len(levels)):
        yield Condition(key, tuple(levels[cut:]), "above", levels[cut - 1])
        yield Condition(key, tuple(levels[:cut]), "below", levels[cut])
    for level in levels[1:-1]:
        yield Condition(key, (level,), "listed")
