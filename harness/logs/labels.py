"""Whose run a log is: arm and replicate, from its columns, a pattern, or its name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath

import numpy as np

from harness.errors import UserError
from harness.language import said
from harness.logs.run import Run

_FIELD = re.compile(r"\{(arm|replicate)\}|(\*)")
_NAMED = re.compile(
    r"(?P<arm>.+?)[\s_\-/.=]+(?:s|seed|run|rep|replicate|trial|fold|r|v)?"
    r"[_\-= ]?(?P<replicate>\d+)",
    re.IGNORECASE,
)
_REPLICATE_ONLY = re.compile(r"(?:seed|run|rep|replicate|trial|fold|s)?[_\-= ]?\d+", re.IGNORECASE)
_PLAIN_STEMS = {
    "metrics",
    "log",
    "logs",
    "history",
    "results",
    "summary",
    "progress",
    "scalars",
    "stats",
    "curve",
    "curves",
    "training",
    "train",
    "trainer_state",
}


@lru_cache(maxsize=64)
def pattern_of(text: str) -> re.Pattern[str]:
    """``{arm}-s{replicate}.csv`` as a regular expression for the end of a path or a run's name.

    The arm takes as much as it can, so that it may hold the separators itself; ``*`` stands for
    anything but a slash.

    Raises:
        UserError: It has no ``{arm}``, or one twice.
    """
    fields = [found[1] for found in _FIELD.finditer(text) if found[1]]
    if fields.count("arm") != 1 or fields.count("replicate") > 1:
        raise UserError(
            f"--arm-from {text!r}: must have {{arm}} once and {{replicate}} at most once, such as "
            '"{arm}-s{replicate}.csv"'
        )
    parts, end = [], 0
    for found in _FIELD.finditer(text):
        parts.append(re.escape(text[end : found.start()]))
        named = {"arm": r"(?P<arm>[^/]+)", "replicate": r"(?P<replicate>[^/]+?)"}
        parts.append(named.get(found[1] or "", r"[^/]*"))
        end = found.end()
    return re.compile(rf"(?:.*/)?{''.join(parts)}{re.escape(text[end:])}")


@dataclass(frozen=True)
class Label:
    """Arm and replicate of a run; no replicate where nothing names it."""

    arm: str
    replicate: str | None
    notice: str | None = None


def label_of(run: Run, pattern: str | None, *, arm: str | None = None) -> Label:
    """Say whose a run is.

    The log's own columns count first, then the pattern, then the end of its name.

    Args:
        run: The run.
        pattern: As `pattern_of` takes it, or None.
        arm: The arm, where it is known beforehand.

    Raises:
        UserError: The pattern fits neither the run's name nor its path.
    """
    if run.arm is not None:
        return Label(arm or run.arm, run.replicate)
    if pattern is not None:
        found = pattern_of(pattern)
        for text in dict.fromkeys((run.name, _posix(run.source))):
            if (fit := found.fullmatch(_posix(text))) is not None:
                named = fit.groupdict()
                return Label(
                    (arm or named["arm"]).strip(), run.replicate or _clean(named.get("replicate"))
                )
        raise UserError(f"{run.name}: does not fit --arm-from {pattern!r}")
    return _by_name(run, arm)


def _posix(path: str) -> str:
    return path.replace("\\", "/")


def _clean(text: str | None) -> str | None:
    return None if text is None else text.strip()


def _by_name(run: Run, arm: str | None) -> Label:
    """Arm and replicate from the end of a name: ``cnn - adam - s0``, ``runs/cnn-3/metrics.csv``."""
    text = _telling(run)
    found = None if run.kind == "wandb-runs" else _NAMED.fullmatch(text)
    if found is None:
        return Label(arm or text, run.replicate)
    own = found["arm"].strip(" _-/.=")
    taken = said("arm and replicate were taken from the end of the log's name")
    return Label(arm or own, run.replicate or found["replicate"], None if arm else taken)


def _telling(run: Run) -> str:
    """The part of a run's name that tells it from others."""
    if run.name != run.source:
        return run.name if run.kind != "tensorboard" else _of_path(run.name)
    return _of_path(run.source)


def _of_path(path: str) -> str:
    pure = PurePath(_posix(path))
    while pure.suffix in _SUFFIXES:
        pure = pure.with_suffix("")
    parts = list(pure.parts)
    while len(parts) > 1 and (
        parts[-1].lower() in _PLAIN_STEMS or re.fullmatch(r"version_\d+|checkpoint-\d+", parts[-1])
    ):
        parts.pop()
    # a folder or file that names a replicate only stands below that of its arm
    return "/".join(parts[-2:]) if _REPLICATE_ONLY.fullmatch(parts[-1]) else parts[-1]


_SUFFIXES = {".csv", ".tsv", ".txt", ".log", ".json", ".jsonl", ".ndjson", ".parquet", ".dat"}


def labelled(
    runs: Iterable[Run],
    pattern: str | None = None,
    *,
    arm: str | None = None,
    dropped: list[str] | None = None,
) -> Iterator[Run]:
    """Give every run its arm and replicate.

    A run of which nothing names the replicate gets the next free number of its arm. The same run
    given twice counts once; two different ones of one name are refused.

    Args:
        runs: The runs.
        pattern: As `pattern_of` takes it, or None.
        arm: The arm, where it is known beforehand.
        dropped: Grows by a notice for each copy that does not count.

    Raises:
        UserError: See `label_of`; or two different runs have one arm and replicate.
    """
    seen: dict[tuple[str, str], tuple[str, bytes]] = {}
    free: dict[str, int] = {}
    for run in runs:
        label = label_of(run, pattern, arm=arm)
        name, replicate, told = label.arm, label.replicate, label.notice
        if not name:
            raise UserError(f"{run.source}: the arm's name is empty")
        if replicate is None:
            replicate = str(free.setdefault(name, 0))
            free[name] += 1
            told = said(
                "nothing names the replicate: the runs of an arm were numbered as they came"
            )
        content = _content(run)
        before = seen.get((name, replicate))
        if before is not None:
            if before[1] == content:
                if dropped is not None:
                    dropped.append(
                        said(
                            "{run} is the same run as {before}, and counts once",
                            run=run.source,
                            before=before[0],
                        )
                    )
                continue
            raise UserError(
                f'{run.source}: is run {replicate} of arm "{name}", and so is {before[0]}, with '
                "other numbers; give each its own name, or say with --arm-from how to read it"
            )
        seen[name, replicate] = (run.source, content)
        notices = run.notices if told is None else (*run.notices, told)
        yield replace(run, arm=name, replicate=replicate, notices=notices)


def _content(run: Run) -> bytes:
    """What tells a run's numbers from another's."""
    values = [np.ascontiguousarray(run.columns[name]).tobytes() for name in sorted(run.columns)]
    digest = hashlib.sha256(run.epoch.tobytes())
    for value in values:
        digest.update(value)
    return digest.digest()
