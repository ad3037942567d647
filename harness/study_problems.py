"""What is wrong in a study file, in words that name the key and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from harness import study as models
from harness import study_foreign
from harness.choices import Choices
from harness.claims import Claim
from harness.errors import UserError
from harness.measure_kinds import MEASURES
from harness.study import Study
from harness.study_translations import Translation, Translations
from harness.study_values import MAX_SEED, SOMETHING

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a study file."""

    key: str
    message: str


class StudyError(UserError):
    """A study file that cannot be used, with everything that is wrong with it."""

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.file, self.problems = file, list(problems)
        lines = [f"{p.key}: {p.message}" if p.key else p.message for p in self.problems]
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        super().__init__("\n".join([f"{file}: {count}", *(f"  - {line}" for line in lines)]))


LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}


def worded(detail: ErrorDetails, raw: Mapping[str, Any]) -> Problem:
    """One pydantic error in plain words, with the bad value and what is allowed."""
    kind, value = detail["type"], detail["input"]
    loc = _without_tags(detail["loc"])
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        tag = value.get("kind") if isinstance(value, dict) else value
        what = "is missing" if tag is None else f"{shown(tag)} is no measure"
        message = f"{what}; allowed: {', '.join(MEASURES)}"
        return Problem(dotted((*loc, "kind")), message + nearest(str(tag), list(MEASURES)))
    if kind == "extra_forbidden":
        allowed = _allowed_keys(loc[:-1], raw)
        message = f"unknown key; allowed here: {', '.join(allowed)}"
        return Problem(dotted(loc), message + nearest(str(loc[-1]), allowed))
    return Problem(dotted(loc), _fault(detail, loc))


def _fault(detail: ErrorDetails, loc: Path_) -> str:
    """What is wrong with a value."""
    kind, context = detail["type"], detail.get("ctx", {})
    value = shown(detail["input"])
    if kind in LIMITS and "seed" in str(loc[-1] if isinstance(loc[-1], str) else loc[-2]):
        return f"{value} is no seed (allowed: 0 to {MAX_SEED})"
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"{value} must be {words} {context[key]:g}"
    if kind == "value_error":
        return str(context["error"])
    fixed = {
        "missing": "is missing",
        "too_short": f"{value} needs at least {context.get('min_length')}",
        "too_long": f"{value} may hold at most {context.get('max_length')}",
        "string_too_short": "is empty",
        "string_pattern_mismatch": "is empty"
        if context.get("pattern") == SOMETHING
        else f"{value} may hold only letters, digits and . _ -, and begins with one of the former",
        "bool_type": f"{value} must be true or false",
        "literal_error": f"{value} is not allowed; allowed: {context.get('expected')}",
    }
    if kind in fixed:
        return fixed[kind]
    return _wrong_type(detail, loc)


def _wrong_type(detail: ErrorDetails, loc: Path_) -> str:
    """What a value should have been instead."""
    kind, value = detail["type"], shown(detail["input"])
    if kind in {"model_type", "model_attributes_type", "dict_type"}:
        key = "kind" if loc[-1] == "measure" else "name"
        return f'{value} must be a table, such as {{ {key} = "…" }}'
    if kind == "list_type" and isinstance(detail["input"], dict) and len(loc) == 1:
        return f"is one table; write [[{loc[0]}]], with two brackets, above each"
    wanted = detail["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{value} is not {_article(wanted)}"


def _article(noun: str) -> str:
    if noun.startswith(("a ", "an ")):
        return noun
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def shown(value: Any) -> str:
    """A value as the file has it, cut short."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _without_tags(loc: Path_) -> Path_:
    """Drop what pydantic adds to a path: union tags (a measure's kind, a type's name)."""
    noise = {"int", "literal['last']", "arm", "number"}

    def is_tag(i: int, part: str | int) -> bool:
        if i == 0 or not isinstance(part, str):
            return False
        # elsewhere a measure's name is a key, if a wrong one: measure.at_epoch
        is_kind = loc[i - 1] == "measure" and part in MEASURES
        return is_kind or part in noise or "[" in part

    return tuple(part for i, part in enumerate(loc) if not is_tag(i, part))


def _allowed_keys(loc: Path_, raw: Mapping[str, Any]) -> list[str]:
    """The keys that the table at a path may have."""
    sections: dict[str, type[BaseModel]] = {
        "study": models.StudySection,
        "data": models.Data,
        "arms": models.Arm,
        "grid": models.Grid,
        "claims": Claim,
        "randomness": models.Randomness,
        "stopping": models.Stopping,
        "published": study_foreign.PublishedRuns,
        "translations": Translation if len(loc) > 1 else Translations,
    }
    if not loc:
        return sorted(Study.model_fields)
    if loc[-1] == "logs":
        return sorted(study_foreign.Logs.model_fields)
    if loc[-1] == "specifications":
        return sorted(Choices.model_fields)
    if loc[-1] == "measure":
        table: Any = raw
        for part in loc:
            table = table[part]
        return sorted(MEASURES[table["kind"]].model_fields)
    return sorted(sections[str(loc[0])].model_fields)


def nearest(word: str, allowed: Sequence[str]) -> str:
    """The hint at what was probably meant, or nothing."""
    near = difflib.get_close_matches(word, allowed, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def dotted(loc: Path_) -> str:
    """A path as people write it: ``claims[2].measure.target``, counted from 1."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
