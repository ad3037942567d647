"""What can be wrong with a name or a setting, said so that a person can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from harness.errors import UserError


class CatalogError(UserError, ValueError):
    """A name or a setting that the catalog cannot build."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one key of a study's table.

    Attributes:
        key: Path of the key inside the table that was checked, such as `learning_rate.schedule`.
        value: The value as it was given.
        message: What is wrong and what is allowed; reads on after the key.
        suggestion: What to write instead, where that can be told.
    """

    key: str
    value: object
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.suggestion}?)" if self.suggestion else ""
        given = "" if self.value is None else f" = {self.value!r}"
        return f"{self.key}{given} {self.message}{hint}"


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known name that `word` most looks like, or None.

    Case, hyphens and underscores do not count: `RMS-prop` finds `rmsprop`.
    """
    plain = {_plain(name): name for name in known}
    found = get_close_matches(_plain(str(word)), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def unknown(key: str, value: object, what: str, known: Iterable[str]) -> Problem:
    """Describe a name that is not among the `known` ones, with the nearest spelling."""
    names = list(known)
    message = f"is not {what}; known: {', '.join(names) or 'none'}"
    return Problem(key, value, message, nearest(value, names))


def refuse(what: str, problems: Iterable[Problem]) -> None:
    """Raise a `CatalogError` that lists the problems, if there are any.

    Raises:
        CatalogError: There is at least one problem.
    """
    lines = [f"  {problem}" for problem in problems]
    if lines:
        raise CatalogError("\n".join([f"{what} cannot be built:", *lines]))


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")
