"""Rules for settings: the type, the legal range and the default of each value a table may hold."""

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.catalog.problems import Problem, nearest

REQUIRED = object()
"""Default of a setting that has none: it must be given."""


@dataclass(frozen=True)
class Number:
    """A finite number inside a range; `whole` numbers are integers."""

    default: object = None
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        kind = int if self.whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kind) or not self._holds(value):
            return f"must be {self.describe()}"
        return None

    def describe(self) -> str:
        """Put the rule in words, such as "a number from 0 up to but not including 1"."""
        noun = "a whole number" if self.whole else "a number"
        low = f"above {self.low:g}" if self.open_low else f"from {self.low:g}"
        high = f"up to but not including {self.high:g}" if self.open_high else f"to {self.high:g}"
        match (math.isfinite(self.low), math.isfinite(self.high)):
            case (True, True):
                return f"{noun} {low} {high}"
            case (True, False):
                return f"{noun} above {self.low:g}" if self.open_low else f"{noun}, {low} upwards"
            case (False, True):
                return f"{noun} below {self.high:g}" if self.open_high else f"{noun} {high}"
        return f"{noun}, neither nan nor inf"

    def convert(self, value: object) -> object:
        """Return the value as the type it is meant to be: TOML's `1` is the number 1.0 here."""
        return value if self.whole else float(value)  # type: ignore[arg-type]

    def _holds(self, value: float) -> bool:
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        finite = -sys.float_info.max <= value <= sys.float_info.max
        return finite and above and below


@dataclass(frozen=True)
class Flag:
    """True or false."""

    default: object = False

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        return None if isinstance(value, bool) else "must be true or false"

    def convert(self, value: object) -> object:
        """Return the value as it is."""
        return value


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    default: object
    words: tuple[str, ...]

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        return None if value in self.words else f"must be one of {', '.join(self.words)}"

    def convert(self, value: object) -> object:
        """Return the value as it is."""
        return value


@dataclass(frozen=True)
class Words:
    """A list of texts."""

    default: object = None

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        fine = isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)
        return None if fine else "must be a list of texts"

    def convert(self, value: object) -> object:
        """Return the value as a list."""
        return list(value)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Numbers:
    """A list of numbers of one kind; `lone` lets one number stand for the whole list."""

    default: object
    item: Number
    lone: bool = False
    length: int | None = None

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        if self.lone and not isinstance(value, list | tuple):
            return None if self.item.fault(value) is None else f"must be {self._describe()}"
        if not isinstance(value, list | tuple) or any(self.item.fault(one) for one in value):
            return f"must be {self._describe()}"
        if not value or (self.length is not None and len(value) != self.length):
            return f"must be {self._describe()}; this list holds {len(value)}"
        return None

    def convert(self, value: object) -> object:
        """Return the value as a list of converted numbers, or a lone number converted."""
        if isinstance(value, list | tuple):
            return [self.item.convert(one) for one in value]
        return self.item.convert(value)

    def _describe(self) -> str:
        size = "a list" if self.length is None else f"a list of {self.length}"
        lone = f"{self.item.describe()}, or " if self.lone else ""
        return f"{lone}{size}, each {self.item.describe()}"


@dataclass(frozen=True)
class Anything:
    """Whatever JSON can hold: of its meaning nothing is known, but it is part of an identity."""

    default: object = None

    def fault(self, value: object) -> str | None:
        """Say what is wrong with `value`, or return None."""
        if _is_plain(value):
            return None
        return "must be a finite number, a text, true or false, or a list or table of these"

    def convert(self, value: object) -> object:
        """Return the value as it is."""
        return value


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(one) for one in value)
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(one) for key, one in value.items())
    return isinstance(value, bool | int | str) or (
        isinstance(value, float) and math.isfinite(value)
    )


Setting = Number | Flag | Choice | Words | Numbers | Anything


def positive(default: object = None, *, whole: bool = False) -> Number:
    """Return the rule for a number above 0 (a whole number: from 1 upwards)."""
    return Number(default, low=1 if whole else 0, open_low=not whole, whole=whole)


def not_negative(default: object = None, *, whole: bool = False) -> Number:
    """Return the rule for a number from 0 upwards."""
    return Number(default, low=0, whole=whole)


def share(default: object = None, *, below_one: bool = True) -> Number:
    """Return the rule for a number in [0, 1), or in [0, 1]."""
    return Number(default, low=0, high=1, open_high=below_one)


def check_settings(
    given: Mapping[str, object], rules: Mapping[str, Setting], owner: str, prefix: str = ""
) -> list[Problem]:
    """Check a table of settings against its rules.

    Args:
        given: The settings as the study file holds them.
        rules: What is allowed, by key.
        owner: Whose settings these are, for the messages.
        prefix: Path in front of each key in the problems.

    Returns:
        One problem for each unknown key, each illegal value and each missing required key.
    """
    problems = []
    for key, value in given.items():
        rule = rules.get(key)
        if rule is None:
            problems.append(_unknown_key(prefix + key, value, owner, rules))
        elif fault := rule.fault(value):
            problems.append(Problem(prefix + key, value, fault, _unquoted(value, rule)))
    missing = [key for key, rule in rules.items() if rule.default is REQUIRED and key not in given]
    problems += [Problem(prefix + key, None, f"is missing: {owner} needs it") for key in missing]
    return problems


def resolve(given: Mapping[str, object], rules: Mapping[str, Setting]) -> dict[str, object]:
    """Return every setting, given or by default, converted to the type it is meant to be."""
    return {
        key: rule.convert(given.get(key, rule.default))
        for key, rule in rules.items()
        if key in given or rule.default is not None
    }


def _unknown_key(key: str, value: object, owner: str, rules: Iterable[str]) -> Problem:
    known = list(rules)
    message = f"is not a setting of {owner}; allowed: {', '.join(known) or 'none'}"
    return Problem(key, value, message, nearest(key.rpartition(".")[2], known))


def _unquoted(value: object, rule: Setting) -> str | None:
    """Suggest the bare value where someone wrote a number or a flag in quotes."""
    if not isinstance(value, str):
        return None
    if isinstance(rule, Choice):
        return nearest(value, rule.words)
    if isinstance(rule, Flag):
        return value.lower() if value.lower() in {"true", "false"} else None
    if isinstance(rule, Number):
        try:
            number = float(value)
        except ValueError:
            return None
        return value if rule.fault(int(number) if rule.whole else number) is None else None
    return None
