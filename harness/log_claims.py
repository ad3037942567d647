"""The study that `bench analyze` makes of runs: every pair of arms on every usual measure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, get_args

from harness.errors import UserError
from harness.language import LANGUAGES, N_, SOURCE, _, using
from harness.logs.run import KINDS, METRICS, Axis, Kind, Pauses, Reading, Restarts, Scale
from harness.measures import is_accuracy, target_fault
from harness.study import Study
from harness.study_file import LoadedStudy, safe_name

Time = Literal["epochs", "steps", "seconds", "cpu"]
_AXES: Mapping[Time, Literal["epochs", "steps"]] = {"epochs": "epochs", "steps": "steps"}
"""The times that logs themselves can be counted by."""
_WITHIN = {True: 0.005, False: 0.05}
_WINDOW = 5


@dataclass(frozen=True)
class Asked:
    """What the user wants to know of runs at hand.

    Attributes:
        metric: The metric to compare, one of `METRICS`.
        target: The level whose time is compared; None if there is none.
        time: What the time to the target is counted in; what the logs count in if not given.
        alpha: Error rate over all claims.
        margin: The difference in the metric that does not matter.
        time_margin: The difference in time that does not matter.
        is_paired: Whether equal replicate names share their seeds.
        budget: Epochs that every run was given; what the logs show if not given.
    """

    metric: str
    target: float | None = None
    time: Time | None = None
    alpha: float = 0.05
    margin: float = 0.0
    time_margin: float = 0.0
    is_paired: bool = False
    budget: int | None = None


def asked_for(
    *,
    metric: str | None = None,
    target: float | None = None,
    time: Time | None = None,
    budget: int | None = None,
    margin: float = 0.0,
    time_margin: float = 0.0,
    alpha: float = 0.05,
    paired: bool = False,
    kind: Kind | None = None,
    scale: Scale | None = None,
    restarts: Restarts | None = None,
    pauses: Pauses | None = None,
) -> tuple[Asked, Reading]:
    """What is asked of logs, and how they are read for it, of the options of ``bench analyze``.

    A metric that is none of `METRICS` is a column that goes by the logs' own name.

    Raises:
        UserError: An option is given what it does not allow.
    """
    words: Mapping[str, tuple[str | None, Sequence[str]]] = {
        "time": (time, get_args(Time)),
        "kind": (kind, KINDS),
        "scale": (scale, get_args(Scale)),
        "restarts": (restarts, get_args(Restarts)),
        "pauses": (pauses, get_args(Pauses)),
    }
    for option, (given, allowed) in words.items():
        if given is not None and given not in allowed:
            raise UserError(f'{option} = "{given}" is not allowed; allowed: {", ".join(allowed)}')
    if budget is not None and budget < 1:
        raise UserError(f"budget = {budget}: give at least 1")
    for option, size in (("margin", margin), ("time_margin", time_margin)):
        if not 0 <= size < math.inf:
            raise UserError(f"{option} = {size:g}: give 0 or more")
    if not 0 < alpha < 0.5:
        raise UserError(f"alpha = {alpha:g}: give an error rate above 0 and below 0.5")
    is_known = metric in METRICS
    asked = Asked(
        metric=metric if metric is not None and is_known else "",
        target=target,
        time=time,
        alpha=alpha,
        margin=margin,
        time_margin=time_margin,
        is_paired=paired,
        budget=budget,
    )
    reading = Reading(
        kind=kind,
        metric=None if is_known else metric,
        scale=scale,
        restarts=restarts,
        axis=None if time is None else _AXES.get(time),
        pauses=pauses,
    )
    return asked, reading


def usual_measures(asked: Asked, axis: Axis, rows: int) -> list[dict[str, Any]]:
    """The measures to compare, as a study file writes them.

    Args:
        asked: What the user wants to know.
        axis: What the logs count.
        rows: Rows of the longest run: a plateau takes two windows.

    Raises:
        UserError: The target is out of the metric's range.
    """
    metric, found = asked.metric, list[dict[str, Any]]()
    if asked.target is not None and axis != "none":
        fault = target_fault(metric, asked.target)
        if fault is not None:
            raise UserError(f"target {asked.target:g} {fault}")
        found.append(_time_to(asked.target, asked.time or axis, metric))
    found.append({"kind": "final", "metric": metric})
    if axis == "epochs" and rows >= 2 * _WINDOW:
        within = _WITHIN[is_accuracy(metric)]
        found.append(
            {"kind": "epochs_to_plateau", "metric": metric, "within": within, "window": _WINDOW}
        )
    return found


def _time_to(target: float, time: str, metric: str) -> dict[str, Any]:
    kinds = {"epochs": "epochs_to", "steps": "steps_to"}
    if time in kinds:
        return {"kind": kinds[time], "metric": metric, "target": target}
    clock = "cpu" if time == "cpu" else "wall"
    return {"kind": "seconds_to", "metric": metric, "target": target, "clock": clock}


def study_of_runs(
    asked: Asked,
    arms: Mapping[str, Sequence[str]],
    measures: Sequence[dict[str, Any]],
    flat: Sequence[str] = (),
) -> LoadedStudy:
    """A study of logs with a claim for every measure of every pair of arms.

    Args:
        asked: What the user wants to know.
        arms: By arm, the files its runs are from.
        measures: What `usual_measures` gave.
        flat: Arms that never rise, so that nothing is claimed of their plateau.
    """
    names = list(arms)
    pairs = list(combinations(names, 2))
    claims = _with_ids(
        [
            _claim(asked, measure, pair, headline=measure is measures[0])
            for measure in measures
            for pair in pairs
            if measure["kind"] != "epochs_to_plateau" or not set(pair) & set(flat)
        ]
    )
    section: dict[str, Any] = {
        "name": "analysis",
        "question": _question(names, asked),
        "alpha": asked.alpha,
        "paired": asked.is_paired,
    }
    if asked.budget is not None:
        section["epochs"] = asked.budget
    document = {
        "study": section,
        "arms": [{"name": n, "logs": {"path": _some(files)}} for n, files in arms.items()],
        "claims": claims,
        "translations": {
            language: _translation(language, names, asked, claims)
            for language in LANGUAGES
            if language != SOURCE
        },
    }
    return LoadedStudy(Study.model_validate(document), Path("analysis.toml"), None, ())


def _some(files: Sequence[str]) -> list[str]:
    """A few of an arm's files: a list of ten thousand helps nobody."""
    own = list(dict.fromkeys(files))
    return own if len(own) <= 5 else [*own[:4], f"and {len(own) - 4} more files"]


def _translation(
    language: str, names: Sequence[str], asked: Asked, claims: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the study says, in another language."""
    with using(language):
        says = {claim["id"]: _says(claim["measure"]["kind"], *claim["compare"]) for claim in claims}
        return {"question": _question(names, asked), "claims": says}


def _question(names: Sequence[str], asked: Asked) -> str:
    if len(names) == 1:
        return _("How does {arm} learn?").format(arm=names[0])
    two = N_("Do {a} and {b} differ in how they learn?")
    several = N_("Do these {n} arms differ in how they learn?")
    if asked.target is not None:
        two = N_("Do {a} and {b} differ in how fast and how far they learn?")
        several = N_("Do these {n} arms differ in how fast and how far they learn?")
    return _(two if len(names) == 2 else several).format(a=names[0], b=names[1], n=len(names))


_SAYS: Mapping[str, str] = {
    "epochs_to": N_("{a} and {b} differ in the epochs they need to the target."),
    "steps_to": N_("{a} and {b} differ in the steps they need to the target."),
    "seconds_to": N_("{a} and {b} differ in the seconds they need to the target."),
    "final": N_("{a} and {b} end at different levels."),
    "epochs_to_plateau": N_("{a} and {b} settle after different numbers of epochs."),
}


def _says(kind: str, a: str, b: str) -> str:
    return _(_SAYS[kind]).format(a=a, b=b)


def _claim(
    asked: Asked, measure: dict[str, Any], pair: tuple[str, str], *, headline: bool
) -> dict[str, Any]:
    a, b = pair
    kind = measure["kind"]
    in_metric = kind == "final"
    return {
        "id": kind.replace("_", "-"),
        "says": _says(kind, a, b),
        "compare": [a, b],
        "measure": measure,
        "expect": "different",
        "margin": float(asked.margin if in_metric else asked.time_margin),
        "answers_question": headline,
    }


def _with_ids(claims: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Claims with an id each, of the arms' names where these make one."""
    ids = []
    for claim in claims:
        a, b = (re.sub(r"[^A-Za-z0-9._-]", "-", safe_name(name)) for name in claim["compare"])
        ids.append(f"{claim['id']}.{a}.{b}")
    unique = len(set(ids)) == len(ids)
    return [
        {**claim, "id": own if unique else f"{claim['id']}.{i}"}
        for i, (claim, own) in enumerate(zip(claims, ids, strict=True), start=1)
    ]


def choose_metric(found: Sequence[str], wanted: str | None, source: str) -> str:
    """The metric to compare: the one asked for, or the first that a run has in a stated order.

    Raises:
        UserError: The run does not have it.
    """
    if wanted is None:
        if not found:
            raise UserError(f"{source}: holds no number of any metric")
        return next(m for m in METRICS if m in found)
    if wanted not in found:
        known = ", ".join(found) or "none"
        raise UserError(f"{source}: has no {wanted}; it has {known}. Choose one with --metric")
    return wanted
