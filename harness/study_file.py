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

from pydantic import ValidationError

from harness.catalog import architectures, datasets, optimizers
from harness.catalog.problems import Problem as CatalogProblem
from harness.errors import UserError
from harness.study import Study
from harness.study_meaning import meaning_problems, study_warnings
from harness.study_problems import Path_, Problem, StudyError, dotted, nearest, shown, worded

Check = Callable[[str, Mapping[str, object]], list[CatalogProblem]]


@dataclass(frozen=True)
class LoadedStudy:
    """A study with where it came from.

    Attributes:
        study: The validated study, profile applied.
        file: The TOML file.
        profile: Name of the applied profile, or None.
        warnings: What the reader should know before training starts.
        allow_code: Whether code that it names may run, whosever it is (see `harness.own_code`).
    """

    study: Study
    file: Path
    profile: str | None
    warnings: tuple[str, ...]
    allow_code: bool = False

    def command(self, name: str = "study") -> str:
        """What to type to train it, or for another command on it."""
        profile = f" --profile {self.profile}" if self.profile else ""
        return f"bench {name} {self.file}{profile}"

    @property
    def folder_name(self) -> str:
        """Name of the results folder below the reports folder."""
        name = safe_name(self.study.study.name)
        return f"{name}-{safe_name(self.profile)}" if self.profile else name


def safe_name(name: str) -> str:
    """A file name made of a free-form name: one path component, never hidden, never a parent."""
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".-")
    return kept or "unnamed"


def load_study(file: Path, profile: str | None = None, *, allow_code: bool = False) -> LoadedStudy:
    """Read and check a study file.

    Args:
        file: The TOML file.
        profile: A profile of the file to lay over it.
        allow_code: Whether code that it names may run later, whosever it is.

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
            problem = worded(detail, raw)
            if problem.key not in known:
                problems.append(problem)
    if study is not None:
        problems += meaning_problems(study)
    if problems or study is None:
        raise StudyError(file, problems)
    return LoadedStudy(study, file, profile, tuple(study_warnings(study)), allow_code)


def with_replicates(loaded: LoadedStudy, replicates: int) -> LoadedStudy:
    """The study with another number of replicates, where these are counted and not listed."""
    section = loaded.study.study.model_copy(update={"replicates": replicates})
    study = loaded.study.model_copy(update={"study": section})
    return replace(loaded, study=study, warnings=tuple(study_warnings(study)))


def study_document(loaded: LoadedStudy) -> dict[str, Any]:
    """A study as it was decided, profile applied: what goes with its results."""
    return {
        "file": loaded.file.name,
        "profile": loaded.profile,
        "study": loaded.study.model_dump(mode="json", exclude_unset=True),
    }


def study_from_document(document: Mapping[str, Any], folder: Path) -> LoadedStudy:
    """The study that `study_document` wrote down.

    Args:
        document: The document.
        folder: Where it was found; the study's file is taken to lie there.

    Raises:
        StudyError: It is no such document, or of a version that reads studies otherwise.
    """
    file = folder / str(document.get("file", "study.toml"))
    try:
        study = Study.model_validate(document["study"])
    except (KeyError, ValidationError) as error:
        message = f"the study that was kept with the results cannot be read: {error}"
        raise StudyError(file, [Problem("", message)]) from None
    return LoadedStudy(study, file, document.get("profile"), ())


def refuse_other_study(loaded: LoadedStudy, document: Mapping[str, Any] | None, place: str) -> None:
    """End what would mix the results of two studies whose names give one folder name.

    Args:
        loaded: The study at hand.
        document: The study that the results belong to, see `study_document`; None if not known.
        place: What to call the results in the message.

    Raises:
        UserError: They are another study's, or another profile's.
    """
    if document is None:
        return
    try:
        kept = document["study"]["study"]["name"], document.get("profile")
    except (KeyError, TypeError):
        return
    own = loaded.study.study.name, loaded.profile
    if kept != own:
        raise UserError(
            f"{place}: holds the results of {_called(*kept)}, whose folder would be that of "
            f"{_called(*own)}, too; if it was renamed, give it its old name again, else a name of "
            "its own, or keep it elsewhere with --reports, --store or --html"
        )


def _called(name: str, profile: str | None) -> str:
    return f'study "{name}"' + (f' with profile "{profile}"' if profile else "")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(file.name, _names(file.parent), n=1)
        hint = f"; did you mean {file.parent / near[0]}?" if near else ""
        raise StudyError(file, [Problem("", f"there is no such file{hint}")]) from None
    except IsADirectoryError:
        inside = sorted(_names(file))
        hint = f"; study files in it: {', '.join(inside)}" if inside else ""
        raise StudyError(file, [Problem("", f"is a folder{hint}")]) from None
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
        message = f'there is no profile "{profile}"; {allowed}{nearest(profile, known)}'
        raise StudyError(file, [Problem("--profile", message)])
    problems: list[Problem] = []
    merged = deepcopy(raw)
    _overlay(merged, profiles[profile], ("profiles", profile), problems)
    if problems:
        raise StudyError(file, problems)
    _drop_outdated_translations(raw, merged, _table(profiles, profile))
    return merged


def _drop_outdated_translations(
    raw: Mapping[str, Any], merged: Mapping[str, Any], profile: Mapping[str, Any]
) -> None:
    """Take out what is translated of words that the profile changes, unless it does so itself."""
    before, after = _claims_say(raw), _claims_say(merged)
    changed = [claim for claim, says in before.items() if after.get(claim) != says]
    translations = _table(merged, "translations")
    for language in translations:
        told = _table(translations, language)
        own = _table(_table(profile, "translations"), language)
        for claim in changed:
            if claim not in _table(own, "claims"):
                _table(told, "claims").pop(claim, None)
        if "question" in _table(profile, "study") and "question" not in own:
            told.pop("question", None)


def _claims_say(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {str(claim.get("id")): claim.get("says") for claim in _tables(raw.get("claims"))}


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = raw.get(key)
    return found if isinstance(found, dict) else {}


_WHOLE_CLAIM = {"says", "compare", "measure", "expect", "margin"}
"""What a claim must have; a profile that says all of it makes a claim of its own."""


_TOLD_BY = {
    "measure": "kind",
    "architecture": "name",
    "optimizer": "name",
    "learning_rate": "schedule",
    "stopping": "rule",
}
"""By table, the key that decides which other keys it may have."""

_INSTEAD_OF = {
    ("study", "seeds"): {"replicates", "seed"},
    ("study", "replicates"): {"seeds"},
    ("study", "seed"): {"seeds"},
    ("data", "name"): {"npz"},
    ("data", "npz"): {"name"},
    ("arms", "vary"): {"crossed"},
    ("arms", "crossed"): {"vary"},
}
"""By table and key, the keys that cannot stand beside it, which no profile can take back itself."""


def _overlay(base: Any, over: Any, at: Path_, problems: list[Problem]) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        table = _table_at(at)
        if _is_another(_TOLD_BY.get(table, ""), base, over):
            return deepcopy(over)
        for key in over:
            for other in _INSTEAD_OF.get((table, key), set()) - over.keys():
                base.pop(other, None)
        for key, value in over.items():
            base[key] = _overlay(base.get(key), value, (*at, key), problems)
        return base
    if isinstance(base, list) and isinstance(over, dict):  # arms by name, claims by id
        rows = {name: i for i, row in enumerate(base) if isinstance(name := _name_of(row), str)}
        for key, value in over.items():
            if key in rows:
                base[rows[key]] = _overlay(base[rows[key]], value, (*at, key), problems)
            elif at[-1] == "claims" and isinstance(value, dict) and value.keys() >= _WHOLE_CLAIM:
                base.append({"id": key, **deepcopy(value)})
            else:
                allowed = ", ".join(map(str, rows))
                message = f'there is no "{key}" to change; it has {allowed}'
                problems.append(Problem(dotted((*at, key)), message))
        return base
    return deepcopy(over)


def _table_at(at: Path_) -> str:
    """What the table at a path below ``profiles`` is: an arm is one of ``arms``, by any name."""
    is_row = len(at) == 4 and at[2] in {"arms", "claims"}
    return str(at[2] if is_row else at[-1])


def _is_another(key: str, base: Mapping[str, Any], over: Mapping[str, Any]) -> bool:
    """Whether a table makes way for one that is of another kind, so that its keys mean nothing."""
    return key in base and key in over and base[key] != over[key]


def _name_of(row: Any) -> Any:
    return row.get("id", row.get("name")) if isinstance(row, dict) else None


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
    if not any("logs" in arm for arm in arms):
        yield from _data_problems(("data",), raw.get("data"), folder)
        for i, arm in enumerate(arms):
            yield from _data_problems(("arms", i, "data"), arm.get("data"), folder)
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


def _data_problems(at: Path_, data: Any, folder: Path) -> Iterator[Problem]:
    if not isinstance(data, dict):
        return
    name, npz = data.get("name"), data.get("npz")
    if isinstance(npz, str) or isinstance(name, str):
        npz = npz if isinstance(npz, str) else None
        for problem in datasets.check(name, npz=npz, folder=folder):
            yield _located(at, problem)


def _located(at: Path_, problem: CatalogProblem) -> Problem:
    given = "" if problem.value is None else f"{shown(problem.value)} "
    hint = f"; did you mean {problem.suggestion}?" if problem.suggestion else ""
    return Problem(dotted((*at, *problem.key.split("."))), f"{given}{problem.message}{hint}")


def _duplicates(section: str, key: str, names: Sequence[Any]) -> Iterator[Problem]:
    for name, count in Counter(n for n in names if isinstance(n, str)).items():
        if count > 1:
            yield Problem(section, f'{count} entries have {key} = "{name}"; give each its own')
