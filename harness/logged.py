"""Logs -> results: what others trained, measured and decided like a study's own trials.

Runs come one by one. Each is measured on all its rows and kept with as many as a figure needs, so
that any number of rows takes a bounded amount of memory.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from harness.analyses.judge import Judgement, judge_run
from harness.claims import arms_of, matching_arms
from harness.errors import UserError
from harness.language import _, said
from harness.log_claims import Asked, choose_metric, study_of_runs, usual_measures
from harness.log_notices import fingerprint, flat_notice, run_notices, study_notices
from harness.logs import Reading, Run, expand, labelled
from harness.logs.labels import pattern_of
from harness.logs.names import role
from harness.logs.progress import LogReader, Watch
from harness.measure_kinds import Measure
from harness.measures import CLOCK_COLUMN, CURVE_COLUMNS, Clock
from harness.quantities import listed
from harness.results import Results
from harness.samples import SideValue
from harness.study import Study
from harness.study_file import LoadedStudy
from harness.study_foreign import Logs
from harness.verdicts import decide

MANY_ROWS = 1_000_000
"""Up to so many rows in all, every row is kept for figures and further analyses."""
SHOWN_ROWS, FEW_ROWS = 200, 20
"""Rows that are kept of each run beyond that, and beyond five times that; verdicts rest on all rows
all the same."""

MOST_ARMS = 100
"""More would make thousands of claims, which nobody reads."""


def analyze(
    paths: Sequence[Path],
    reading: Reading,
    asked: Asked,
    *,
    pattern: str | None = None,
    watch: Watch | None = None,
) -> Results:
    """Analyse runs at hand without a study file.

    Args:
        paths: Files, folders and patterns.
        reading: How to read them.
        asked: What to compare; an empty metric takes the first that the runs have.
        pattern: How to take arm and replicate from a path or a run's name.
        watch: Called as logs are read.

    Raises:
        UserError: A log cannot be read without guessing, or the runs do not go together.
    """
    if pattern is not None:
        pattern_of(pattern)
    logs = expand(paths)
    dropped: list[str] = []
    runs = labelled(LogReader(logs, watch).runs(logs, reading), pattern, dropped=dropped)
    first = next(runs, None)
    if first is None:
        raise UserError("there are no runs to analyse")
    wanted = role(reading.metric) if reading.metric else asked.metric or None
    if wanted is not None and reading.metric and wanted not in first.metrics:
        others = [m for m in first.metrics if m.removeprefix("val_") == wanted]
        wanted = others[0] if others else wanted
    asked = replace(asked, metric=choose_metric(first.metrics, wanted, first.source))
    keeper, sources = _Keeper(), dict[str, list[str]]()
    measures = usual_measures(asked, first.axis, 10)
    ready = _as_measures(measures)
    for run in _checked(chain([first], runs), asked):
        sources.setdefault(str(run.arm), []).append(run.source)
        keeper.keep(run, ready)
    longest = max(run.rows for run in keeper.runs)
    axis = "none" if longest == 1 else first.axis
    measures = usual_measures(asked, axis, longest)
    if len(sources) > MOST_ARMS:
        raise UserError(
            f"the logs hold {len(sources):,} arms, such as {', '.join(list(sources)[:3])}: too "
            f"many to compare each with each (at most {MOST_ARMS}); say with --arm-from which runs "
            'are of one arm, such as "{arm}-s{replicate}.csv"'
        )
    flat = keeper.flat_arms()
    loaded = study_of_runs(asked, sources, measures, flat)
    if flat and len(sources) > 1:
        dropped.append(
            f"no claim on the plateau is made of {listed(flat)}: most runs end no better than they "
            "began"
        )
    asked_of_runs = _as_measures(usual_measures(asked, axis, 0))
    return replace(_results(loaded, keeper.runs, dropped), asked=asked_of_runs)


def _as_measures(measures: Sequence[Mapping[str, object]]) -> list[Measure]:
    adapter: TypeAdapter[Measure] = TypeAdapter(Measure)
    return [adapter.validate_python(dict(measure)) for measure in measures]


def _checked(runs: Iterable[Run], asked: Asked) -> Iterator[Run]:
    """The runs, as long as they can be compared: one metric, counted by one thing."""
    axis = None
    for run in runs:
        choose_metric(run.metrics, asked.metric, f"{run.source} ({run.name})")
        if asked.time == "epochs" and run.axis == "steps":
            raise UserError(f"{run.source}: tells no whole epochs; count by steps")
        if axis is not None and run.axis != axis:
            raise UserError(
                f"{run.source}: is counted in {run.axis}, and the runs before it in {axis}; give "
                "logs that are counted alike, or --time"
            )
        axis = run.axis
        yield run


def logged_results(loaded: LoadedStudy, watch: Watch | None = None) -> Results:
    """Read, measure and decide a study whose arms point at logs.

    Args:
        loaded: The study.
        watch: Called as logs are read.

    Raises:
        UserError: A log cannot be read without guessing, or the runs do not go together.
    """
    study, folder = loaded.study, loaded.file.parent
    measures = {
        m.model_dump_json(): m for c in study.claims for m in (c.side_measure(0), c.side_measure(1))
    }
    keeper, dropped = _Keeper(), list[str]()
    settings = {arm.name: arm.logs for arm in study.arms if arm.logs is not None}
    files = {
        name: expand([folder / path for path in logs.paths]) for name, logs in settings.items()
    }
    reader = LogReader([log for own in files.values() for log in own], watch)
    for name, logs in settings.items():
        runs = _of_arm(logs, name, reader.runs(files[name], _reading(logs)))
        before = len(keeper.runs)
        for run in labelled(runs, _pattern(logs), arm=name, dropped=dropped):
            _has_metrics(run, list(measures.values()))
            keeper.keep(run, list(measures.values()))
        if len(keeper.runs) == before:
            raise UserError(f'arm "{name}": its logs hold no runs')
    axes = {run.axis for run in keeper.runs}
    if len(axes) > 1:
        raise UserError(f"{loaded.file}: the logs are counted in {listed(sorted(axes))}")
    return _results(loaded, keeper.runs, dropped)


def _pattern(logs: Logs) -> str | None:
    """The pattern of a replicate's name; the arm is known, so that ``*`` stands for it."""
    if logs.replicate_from is None:
        return None
    text = logs.replicate_from
    return text if "{arm}" in text else text.replace("*", "{arm}", 1)


def _reading(logs: Logs) -> Reading:
    return Reading(
        kind=logs.kind,
        metric=logs.metric,
        scale=logs.scale,
        restarts=logs.restarts,
        pauses=logs.pauses,
    )


def _of_arm(logs: Logs, name: str, runs: Iterable[Run]) -> Iterator[Run]:
    """The runs that belong to an arm, where its logs hold others as well."""
    seen = []
    for run in runs:
        if logs.arm is None or run.arm == logs.arm:
            yield run
        seen.append(run.arm)
    if logs.arm is not None and logs.arm not in seen:
        known = list(dict.fromkeys(str(arm) for arm in seen if arm is not None))
        told = f"they have {', '.join(known)}" if known else "they name no arms"
        raise UserError(f'arm "{name}": its logs have no arm "{logs.arm}"; {told}')
    arms = {arm for arm in seen if arm is not None}
    if logs.arm is None and len(arms) > 1:
        raise UserError(
            f'arm "{name}": its logs hold several arms; choose one with logs.arm: '
            f"{', '.join(sorted(arms))}"
        )


def _has_metrics(run: Run, measures: Sequence[Measure]) -> None:
    for measure in measures:
        metric = getattr(measure, "metric", None)
        if metric is not None:
            choose_metric(run.metrics, metric, f"{run.source} ({run.name})")


@dataclass
class _Keeper:
    """The runs, thinned once there are many rows; a diverged one waits for its budget."""

    runs: list[Run] = field(default_factory=list)
    rows: int = 0
    flat: Counter[str] = field(default_factory=Counter)

    def flat_arms(self) -> list[str]:
        """Arms of which most runs have no plateau to speak of."""
        counts = Counter(str(run.arm) for run in self.runs)
        return [name for name, count in counts.items() if 2 * self.flat[name] > count]

    def keep(self, run: Run, measures: Sequence[Measure]) -> None:
        """Take a run in."""
        self.rows += len(run.epoch)
        notices = tuple(told for m in measures if (told := flat_notice(run, m)) is not None)
        if notices:
            self.flat[str(run.arm)] += 1
            run = replace(run, notices=(*run.notices, *notices))
        most = SHOWN_ROWS if self.rows <= 5 * MANY_ROWS else FEW_ROWS
        if self.rows > MANY_ROWS and len(run.epoch) > most and run.diverged_at is None:
            best = [{"kind": "best", "metric": metric} for metric in run.metrics]
            run = run.thinned(most, [*measures, *_as_measures(best)])
        self.runs.append(run)


def _results(loaded: LoadedStudy, runs: Sequence[Run], dropped: Sequence[str]) -> Results:
    runs = _in_order(loaded.study, runs)
    numbers = _replicate_numbers(runs)
    loaded = replace(loaded, study=_with_budgets(loaded.study, runs))
    study = loaded.study
    budgets = {arm.name: study.epochs_of(arm) for arm in study.arms}
    _check_budgets(runs, budgets)
    values = list(_values(study, runs, numbers, budgets))
    _check_clocks(study, runs)
    notices = [*run_notices(runs), *dropped, *study_notices(study, runs)]
    shown = {len(run.epoch) for run in runs if run.thinned_from is not None}
    if shown:
        notices.append(
            said(
                "there are more than {many} rows: verdicts rest on all of them, figures and "
                "further analyses on {few} of each long run",
                many=f"{MANY_ROWS:,}",
                few=partial(_at_least, min(shown), exactly=len(shown) == 1),
            )
        )
    verdicts = decide(study, values, confirmatory={}, is_paired=study.is_paired)
    return Results(
        loaded=loaded,
        curves=_curves(runs, numbers),
        trials=_trials(runs, numbers),
        values=values,
        verdicts=verdicts,
        arms={},
        environments=[],
        notices=tuple(dict.fromkeys(notices)),
        runs=tuple(runs),
    )


def _at_least(count: int, *, exactly: bool) -> str:
    return str(count) if exactly else _("{low} or more").format(low=count)


def _in_order(study: Study, runs: Sequence[Run]) -> list[Run]:
    place = {arm.name: i for i, arm in enumerate(study.arms)}
    return sorted(runs, key=lambda run: (place[str(run.arm)], _sortable(run.replicate)))


def _sortable(replicate: str | None) -> tuple[int, int, str]:
    text = str(replicate)
    return (0, int(text), "") if text.isdecimal() and len(text) < 18 else (1, 0, text)


def _replicate_numbers(runs: Sequence[Run]) -> dict[str, int]:
    """Numbers for the replicates' names: their own where all are numbers, else in order."""
    names = sorted({str(run.replicate) for run in runs}, key=_sortable)
    own = [_sortable(name) for name in names]
    if all(kind == 0 for kind, *_ in own) and len({n for _, n, _ in own}) == len(names):
        return {name: number for name, (_, number, _) in zip(names, own, strict=True)}
    return {name: i for i, name in enumerate(names)}


def _with_budgets(study: Study, runs: Sequence[Run]) -> Study:
    """Each arm with the epochs of its longest run, unless the study declares them."""
    longest = Counter[str]()
    for run in runs:
        longest[str(run.arm)] = max(longest[str(run.arm)], int(run.epoch[-1]))
    declared = "epochs" in study.study.model_fields_set
    arms = [
        arm
        if arm.epochs is not None or declared
        else arm.model_copy(update={"epochs": longest[arm.name]})
        for arm in study.arms
    ]
    n = max(Counter(str(run.arm) for run in runs).values())
    section = study.study.model_copy(update={"replicates": n})
    return study.model_copy(update={"arms": arms, "study": section})


def _check_budgets(runs: Sequence[Run], budgets: Mapping[str, int]) -> None:
    """End what would cut no run at its budget, and yet say that there was one."""
    for run in runs:
        last, budget = int(run.epoch[-1]), budgets[str(run.arm)]
        if run.axis == "epochs" and last > budget:
            raise UserError(
                f"{run.source}: goes on to epoch {last:,}, and the budget is {budget:,}; give the "
                "epochs of the longest run with --budget (in a study file epochs), or leave it out"
            )


def _values(
    study: Study,
    runs: Sequence[Run],
    numbers: Mapping[str, int],
    budgets: Mapping[str, int],
) -> Iterator[SideValue]:
    names = [arm.name for arm in study.arms]
    by_arm: dict[str, list[Run]] = {name: [] for name in names}
    for run in runs:
        by_arm[str(run.arm)].append(run)
    for claim in study.claims:
        for side, pattern in enumerate(claim.sides):
            measure = claim.side_measure(side)
            for name in matching_arms(pattern, names):
                for run in by_arm[name]:
                    yield SideValue(
                        claim.id,
                        side,
                        name,
                        numbers[str(run.replicate)],
                        run.value_of(measure, budgets[name]),
                        run.diverged_at is not None,
                    )


def _check_clocks(study: Study, runs: Sequence[Run]) -> None:
    """End what would compare seconds that nobody recorded, or that hold a pause."""
    names = [arm.name for arm in study.arms]
    for claim in study.claims:
        clock: Clock | None = getattr(claim.measure, "clock", None)
        if clock is None:
            continue
        for name in arms_of(claim.sides, names):
            own = [run for run in runs if run.arm == name]
            if not any(CLOCK_COLUMN[clock] in run.columns for run in own):
                raise UserError(
                    f"{own[0].source}: tells no {'elapsed' if clock == 'wall' else 'processor'} "
                    "seconds; count by epochs"
                )
            if clock == "wall":
                _refuse_pauses(own)


def _refuse_pauses(runs: Sequence[Run]) -> None:
    """Wall time with pauses in it is not training time (case E8)."""
    for run in runs:
        if not run.is_timed:
            pause = run.pauses[0]
            raise UserError(
                f"{run.name}: {pause.seconds:,.1f} seconds passed after epoch {pause.after}, most "
                'likely a pause; say with --pauses out (in a study file logs.pauses = "out") that '
                "they are no training time, or with --pauses in that they are"
            )


def _curves(runs: Sequence[Run], numbers: Mapping[str, int]) -> pd.DataFrame:
    sizes = [len(run.epoch) for run in runs]
    table: dict[str, object] = {
        "arm": np.repeat(np.array([str(run.arm) for run in runs], dtype=object), sizes),
        "replicate": np.repeat([numbers[str(run.replicate)] for run in runs], sizes),
        "epoch": np.concatenate([run.epoch for run in runs]),
    }
    for name in CURVE_COLUMNS:
        table[name] = np.concatenate(
            [run.columns.get(name, np.full(len(run.epoch), np.nan)) for run in runs]
        )
    return pd.DataFrame(table)


def _trials(runs: Sequence[Run], numbers: Mapping[str, int]) -> pd.DataFrame:
    """The runs as a table of trials; what only training here could know is empty."""
    return pd.DataFrame(
        {
            "arm": [str(run.arm) for run in runs],
            "replicate": [numbers[str(run.replicate)] for run in runs],
            "status": ["diverged" if run.diverged_at is not None else "completed" for run in runs],
            "fingerprint": [fingerprint(run) for run in runs],
            "epochs": [run.rows for run in runs],
            "seconds": [run.total_seconds for run in runs],
            "cpu_seconds": [
                float(np.nansum(run.columns["cpu_seconds"]))
                if "cpu_seconds" in run.columns
                else math.nan
                for run in runs
            ],
            "setup_seconds": math.nan,
            "peak_memory_mb": math.nan,
            "threads": math.nan,
            "jobs": math.nan,
            "position": range(len(runs)),
            "attempts": 1,
            "error": None,
            "environment": math.nan,
            "source": [run.source for run in runs],
            "run": [run.name for run in runs],
        }
    )


def judgements(results: Results) -> list[tuple[str, Judgement]]:
    """Each single run of an arm of its own, judged against every arm with several runs.

    Returns:
        The run's arm with the judgement, one entry a metric.
    """
    counts = Counter(str(run.arm) for run in results.runs)
    found = []
    for run in results.runs:
        if counts[str(run.arm)] > 1:
            continue
        for name in (name for name, count in counts.items() if count > 1):
            try:
                found += [(str(run.arm), one) for one in judge_run(results, name, run)]
            except UserError:
                continue  # no epoch in common: there is nothing to judge
    return found
