"""Read a study file: TOML, the profile laid over it, and every error worded for people at once."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness import study as models
from harness.catalog import architectures, datasets, optimizers
from harness.catalog.problems import Problem as CatalogProblem
from harness.choices import Choices
from harness.errors import UserError
from harness.measures import MEASURES
from harness.stats.planning import least_pairs
from harness.stopping import declared_looks, powerless_looks
from harness.study import Study, matching_arms

Path_ = tuple[str | int, ...]
Check = Callable[[str, Mapping[str, object]], list[CatalogProblem]]


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


@dataclass(frozen=True)
class LoadedStudy:
    """A study with where it came from.

    Attributes:
        study: The validated study, profile applied.
        file: The TOML file.
        profile: Name of the applied profile, or None.
        warnings: What the reader should know before training starts.
    """

    study: Study
    file: Path
    profile: str | None
    warnings: tuple[str, ...]

    @property
    def folder_name(self) -> str:
        """Name of the results folder below the reports folder."""
        name = safe_name(self.study.study.name)
        return f"{name}-{safe_name(self.profile)}" if self.profile else name


def safe_name(name: str) -> str:
    """A file name made of a free-form name: one path component, never hidden, never a parent."""
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".-")
    return kept or "unnamed"


def load_study(file: Path, profile: str | None = None) -> LoadedStudy:
    """Read and check a study file.

    Args:
        file: The TOML file.
        profile: A profile of the file to lay over it.

    Raises:
        StudyError: With all problems found; each names the key and the fix.
    """
    raw = _read_toml(file)
    raw = _with_profile(raw, profile, file)
    problems = list(_name_problems(raw, file.parent))
    known = {problem.key for problem in problems}
    study: Study | None = None
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problem = _worded(detail, raw)
            if problem.key not in known:
                problems.append(problem)
    if study is not None:
        problems += _meaning_problems(study)
    if problems or study is None:
        raise StudyError(file, problems)
    return LoadedStudy(study, file, profile, tuple(_warnings(study)))


def with_replicates(loaded: LoadedStudy, replicates: int) -> LoadedStudy:
    """The study with another number of replicates, where these are counted and not listed."""
    section = loaded.study.study.model_copy(update={"replicates": replicates})
    study = loaded.study.model_copy(update={"study": section})
    return replace(loaded, study=study, warnings=tuple(_warnings(study)))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(file.name, _names(file.parent), n=1)
        hint = f"; did you mean {file.parent / near[0]}?" if near else ""
        raise StudyError(file, [Problem("", f"there is no such file{hint}")]) from None
    except OSError as error:
        raise StudyError(file, [Problem("", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise StudyError(file, [Problem("", message)]) from None
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond all measure
        raise StudyError(file, [Problem("", f"is not valid TOML: {error}")]) from None


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.toml")] if folder.is_dir() else []


def _with_profile(raw: dict[str, Any], profile: str | None, file: Path) -> dict[str, Any]:
    """Lay ``[profiles.<name>]`` over the study; arms and claims are found by name and id."""
    profiles = raw.get("profiles", {})
    if profile is None:
        return raw
    if not isinstance(profiles, dict) or profile not in profiles:
        known = sorted(profiles) if isinstance(profiles, dict) else []
        allowed = f"profiles here: {', '.join(known)}" if known else "this file has no profiles"
        message = f'there is no profile "{profile}"; {allowed}{_nearest(profile, known)}'
        raise StudyError(file, [Problem("--profile", message)])
    problems: list[Problem] = []
    merged = deepcopy(raw)
    own = profiles[profile].get("study", {}) if isinstance(profiles[profile], dict) else {}
    if isinstance(own, dict) and "seeds" in own and isinstance(merged.get("study"), dict):
        merged["study"].pop("replicates", None)  # a profile cannot take keys back by itself
        merged["study"].pop("seed", None)
    rule = profiles[profile].get("stopping") if isinstance(profiles[profile], dict) else None
    if isinstance(rule, dict) and rule.get("rule") == "fixed":
        merged.pop("stopping", None)
    _overlay(merged, profiles[profile], ("profiles", profile), problems)
    if problems:
        raise StudyError(file, problems)
    return merged


def _overlay(base: Any, over: Any, at: Path_, problems: list[Problem]) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        for key, value in over.items():
            base[key] = _overlay(base.get(key), value, (*at, key), problems)
        return base
    if isinstance(base, list) and isinstance(over, dict):  # arms by name, claims by id
        rows = {
            row.get("id", row.get("name")): i for i, row in enumerate(base) if isinstance(row, dict)
        }
        for key, value in over.items():
            if key in rows:
                base[rows[key]] = _overlay(base[rows[key]], value, (*at, key), problems)
            else:
                allowed = ", ".join(map(str, rows))
                message = f'there is no "{key}" to change; it has {allowed}'
                problems.append(Problem(_dotted((*at, key)), message))
        return base
    return deepcopy(over)


def _name_problems(raw: Mapping[str, Any], folder: Path) -> Iterator[Problem]:
    """What can be checked on the names alone, however broken the rest is."""
    arms = _tables(raw.get("arms"))
    grid = raw.get("grid") if isinstance(raw.get("grid"), dict) else {}
    specs: dict[str, Check] = {
        "architecture": partial(architectures.check, folder=folder),
        "optimizer": optimizers.check,
    }
    for kind, check in specs.items():
        places: list[tuple[Path_, Any]] = [
            (("arms", i, kind), arm.get(kind)) for i, arm in enumerate(arms)
        ]
        entries = (grid or {}).get(f"{kind}s")
        places += [
            (("grid", f"{kind}s", i), entry)
            for i, entry in enumerate(entries if isinstance(entries, list) else [])
        ]
        for at, spec in places:
            yield from _spec_problems(at, spec, check, in_grid=at[0] == "grid")
    yield from _data_problems(raw.get("data"), folder)
    yield from _duplicates("arms", "name", [arm.get("name") for arm in arms])
    claims = _tables(raw.get("claims"))
    yield from _duplicates("claims", "id", [claim.get("id") for claim in claims])


def _tables(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _spec_problems(at: Path_, spec: Any, check: Check, *, in_grid: bool) -> Iterator[Problem]:
    if isinstance(spec, str):
        spec = {"name": spec}
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        return
    own = {"name", "label"} if in_grid else {"name"}
    settings = {key: value for key, value in spec.items() if key not in own}
    yield from (_located(at, problem) for problem in check(spec["name"], settings))


def _data_problems(data: Any, folder: Path) -> Iterator[Problem]:
    if not isinstance(data, dict):
        return
    name, npz = data.get("name"), data.get("npz")
    if isinstance(npz, str) or isinstance(name, str):
        npz = npz if isinstance(npz, str) else None
        for problem in datasets.check(name, npz=npz, folder=folder):
            yield _located(("data",), problem)


def _located(at: Path_, problem: CatalogProblem) -> Problem:
    given = "" if problem.value is None else f"{_shown(problem.value)} "
    hint = f"; did you mean {problem.suggestion}?" if problem.suggestion else ""
    return Problem(_dotted((*at, *problem.key.split("."))), f"{given}{problem.message}{hint}")


def _duplicates(section: str, key: str, names: Sequence[Any]) -> Iterator[Problem]:
    for name, count in Counter(n for n in names if isinstance(n, str)).items():
        if count > 1:
            yield Problem(section, f'{count} entries have {key} = "{name}"; give each its own')


def _meaning_problems(study: Study) -> list[Problem]:
    """What only a well-formed study can get wrong: names and epochs that must fit together."""
    problems: list[Problem] = []
    arms = {arm.name: arm for arm in study.all_arms}
    if not arms:
        problems.append(Problem("arms", "there are none; add [[arms]] or a [grid]"))
    if len(arms) < len(study.all_arms):
        doubled = [n for n, c in Counter(a.name for a in study.all_arms).items() if c > 1]
        problems.append(Problem("grid", f"gives arms that exist already: {', '.join(doubled)}"))
    problems += _looks_problems(study)
    for i, claim in enumerate(study.claims):
        problems += _claim_problems(study, ("claims", i), claim, arms)
    return problems


def _claim_problems(
    study: Study, at: Path_, claim: models.Claim, arms: Mapping[str, models.Arm]
) -> Iterator[Problem]:
    """Whether the arms and epochs that a claim names are there."""
    sides = [matching_arms(pattern, list(arms)) for pattern in claim.compare]
    for side, (pattern, matched) in enumerate(zip(claim.compare, sides, strict=True)):
        key = _dotted((*at, "compare", side))
        if not matched:
            message = f'there is no arm "{pattern}"; arms: {", ".join(arms)}'
            yield Problem(key, message + _nearest(pattern, list(arms)))
        for name in (name for name in matched if arms[name].crossed is not None):
            message = (
                f'the replicates of "{name}" share their seeds crosswise, so no claim can be '
                "tested on them; compare arms without crossed"
            )
            yield Problem(key, message)
        epoch = getattr(claim.side_measure(side), "epoch", None)
        for name in matched:
            budget = study.epochs_of(arms[name])
            if isinstance(epoch, int) and epoch > budget:
                message = f'epoch {epoch} is beyond the {budget} epochs of "{name}"'
                yield Problem(_dotted((*at, "measure")), message)
    shared = sorted(set(sides[0]) & set(sides[1]))
    if shared and claim.at_epochs is None:
        yield Problem(_dotted((*at, "compare")), f"both sides hold {', '.join(shared)}")
    if shared and claim.at_epochs is not None:
        last = study.epochs_of(arms[shared[0]])
        if len({last if epoch == "last" else epoch for epoch in claim.at_epochs}) == 1:
            message = f'{claim.at_epochs} are one epoch: the last of "{shared[0]}" is {last}'
            yield Problem(_dotted((*at, "at_epochs")), message)


def _looks_problems(study: Study) -> Iterator[Problem]:
    looks, have = study.stopping.looks, len(study.study.replicate_ids)
    if looks is None or looks[-1] == have:
        return
    mend = f"study.replicates = {looks[-1]}"
    if study.study.seeds is not None:
        mend = f"list {looks[-1]} seeds, to whose order looks refers"
    message = f"the last look, {looks[-1]}, must be all {have} replicates: end with {have}, or "
    yield Problem("stopping.looks", message + mend)


def _warnings(study: Study) -> Iterator[str]:
    claims, alpha = len(study.claims), study.study.alpha
    last = declared_looks(study)[-1].level(alpha / max(claims, 1)) * max(claims, 1)
    need, have = least_pairs(max(claims, 1), last), len(study.study.replicate_ids)
    if claims and have < need:
        yield (
            f"{claims} {'claim' if claims == 1 else 'claims'} at alpha {alpha:g} "
            f"{'needs' if claims == 1 else 'need'} at least {need} paired replicates "
            f"(this study has {have}): no difference can be called real, however large"
        )
    yield from powerless_looks(study)
    if not study.study.deterministic:
        yield "deterministic = false: repeated trials may differ, and so may their curves"


LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}


def _worded(detail: ErrorDetails, raw: Mapping[str, Any]) -> Problem:
    """One pydantic error in plain words, with the bad value and what is allowed."""
    kind, value = detail["type"], detail["input"]
    loc = _without_tags(detail["loc"])
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        tag = value.get("kind") if isinstance(value, dict) else value
        message = f"{_shown(tag)} is no measure; allowed: {', '.join(MEASURES)}"
        return Problem(_dotted((*loc, "kind")), message + _nearest(str(tag), list(MEASURES)))
    if kind == "extra_forbidden":
        allowed = _allowed_keys(loc[:-1], raw)
        message = f"unknown key; allowed here: {', '.join(allowed)}"
        return Problem(_dotted(loc), message + _nearest(str(loc[-1]), allowed))
    return Problem(_dotted(loc), _fault(detail, loc))


def _fault(detail: ErrorDetails, loc: Path_) -> str:
    """What is wrong with a value."""
    kind, context = detail["type"], detail.get("ctx", {})
    shown = _shown(detail["input"])
    if kind in LIMITS and "seed" in str(loc[-1] if isinstance(loc[-1], str) else loc[-2]):
        return f"{shown} is no seed (allowed: 0 to {models.MAX_SEED})"
    if kind in LIMITS:
        key, words = LIMITS[kind]
        return f"{shown} must be {words} {context[key]:g}"
    if kind == "value_error":
        return str(context["error"])
    fixed = {
        "missing": "is missing",
        "too_short": f"{shown} needs at least {context.get('min_length')}",
        "literal_error": f"{shown} is not allowed; allowed: {context.get('expected')}",
    }
    if kind in fixed:
        return fixed[kind]
    wanted = detail["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return f"{shown} is not {_article(wanted)}"


def _article(noun: str) -> str:
    if noun.startswith(("a ", "an ")):
        return noun
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _without_tags(loc: Path_) -> Path_:
    """Drop what pydantic adds to a path: union tags (a measure's kind, a type's name)."""
    noise = {*MEASURES, "int", "literal['last']"}
    return tuple(
        part
        for i, part in enumerate(loc)
        if not (i > 0 and isinstance(part, str) and (part in noise or "[" in part))
    )


def _allowed_keys(loc: Path_, raw: Mapping[str, Any]) -> list[str]:
    """The keys that the table at a path may have."""
    sections: dict[str, type[BaseModel]] = {
        "study": models.StudySection,
        "data": models.Data,
        "arms": models.Arm,
        "grid": models.Grid,
        "claims": models.Claim,
        "randomness": models.Randomness,
        "stopping": models.Stopping,
        "published": models.PublishedRuns,
    }
    if not loc:
        return sorted(Study.model_fields)
    if loc[-1] == "specifications":
        return sorted(Choices.model_fields)
    if loc[-1] == "measure":
        table: Any = raw
        for part in loc:
            table = table[part]
        return sorted(MEASURES[table["kind"]].model_fields)
    return sorted(sections[str(loc[0])].model_fields)


def _nearest(word: str, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _dotted(loc: Path_) -> str:
    """A path as people write it: ``claims[2].measure.target``, counted from 1."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
