"""Whose code a study may run: that of the project one works in; any other only when allowed.

A study file can name functions (``package.module:function``), and whoever trains it imports their
modules. A file that came from somebody else must not get that far by itself. So both the file and
the module have to lie in the project that the command is run in, or the user says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.catalog import references
from harness.study import Study
from harness.study_file import LoadedStudy
from harness.study_problems import Problem, StudyError

PROJECT_MARKS = ("pyproject.toml", ".git")


def may_run_code(loaded: LoadedStudy) -> bool:
    """Whether everything that a study would import is the user's own, or allowed."""
    return not list(_strange_code(loaded))


def refuse_strange_code(loaded: LoadedStudy) -> None:
    """End before any import, where a study names code that is not the user's own.

    Raises:
        StudyError: With every such name, its key and module, and the way out.
    """
    problems = list(_strange_code(loaded))
    if problems:
        raise StudyError(loaded.file, problems)


def project_of(place: Path) -> Path | None:
    """The project that a file or folder lies in: the nearest folder above that is marked as one.

    The home folder and the root of the disk are no projects: everything lies in them, downloads
    too.
    """
    for folder in (place, *place.parents):
        if folder in {Path.home().resolve(), Path(folder.anchor)}:
            return None
        if any((folder / mark).exists() for mark in PROJECT_MARKS):
            return folder
    return None


def _strange_code(loaded: LoadedStudy) -> Iterator[Problem]:
    named = [] if loaded.allow_code else list(_named_code(loaded.study))
    mine = project_of(Path.cwd())
    folder = loaded.file.parent.resolve()
    for key, reference in named:
        source = references.source_path(reference, folder).resolve()
        outside = [
            name
            for name, place in (("this file", folder), (str(source), source.parent))
            if mine is None or project_of(place) != mine
        ]
        if outside:
            yield Problem(key, _words(reference, source, outside[0], mine))


def _words(reference: str, source: Path, outside: str, mine: Path | None) -> str:
    module = reference.partition(":")[0]
    reason = f"{outside} is not in the project you work in, {mine}"
    if mine is None:
        reason = (
            f"you work in no project of your own (no {' or '.join(PROJECT_MARKS)} here or above)"
        )
    return (
        f'"{reference}" would run the code of the module {module} ({source}), and {reason}; if you '
        "trust it, add --allow-code (in Python: allow_code=True)"
    )


def _named_code(study: Study) -> Iterator[tuple[str, str]]:
    """Keys and references of all code that a study names."""
    grid = study.grid.architectures if study.grid else []
    for section, specs in (
        ("arms[{}].architecture", [arm.architecture for arm in study.arms]),
        ("grid.architectures[{}]", grid),
    ):
        for number, spec in enumerate(specs, start=1):
            if spec.is_custom:
                yield section.format(number), spec.name
    named = [("data", study.data)]
    named += [(f"arms[{n}].data", arm.data) for n, arm in enumerate(study.arms, 1) if arm.data]
    for key, data in named:
        if data.name is not None and references.is_reference(data.name):
            yield f"{key}.name", data.name
