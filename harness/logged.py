"""Logs -> results: what others trained, measured and decided like a study's own trials.

Runs come one by one. Each is measured on all its rows and kept with as many as a figure needs, so
that any number of rows takes a bounded amount of memory.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from harness.analyses.judge import Judgement, judge_run
from harness.errors import UserError
from harness.log_claims import Asked, choose_metric, study_of_runs, usual_measures
from harness.logs import Reading, Run, expand, labelled, open_log
from harness.logs.labels import pattern_of
from harness.logs.names import role
from harness.measures import CURVE_COLUMNS, Measure, Measured, SecondsTo
from harness.quantities import listed, plural
from harness.results import Results
from harness.samples import SideValue
from harness.study import Logs, Study, matching_arms
from harness.study_file import LoadedStudy
from harness.verdicts import decide

MANY_ROWS = 1_000_000
"""Up to so many rows in all, every row is kept for figures and further analyses."""
SHOWN_ROWS = 200
"""Rows that are kept of each run beyond that; verdicts rest on all rows all the same."""

Watch = Callable[[Path], None]
"""Called with each log before it is read."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A run, thinned where there are many, with what was measured on all its rows."""

    run: Run
    whole: Run | None
    measured: Mapping[str, Measured]


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
        watch: Called with each log before it is read.

    Raises:
        UserError: A log cannot be read without guessing, or the runs do not go together.
    """
    if pattern is not None:
        pattern_of(pattern)
    logs = expand(paths)
    dropped: list[str] = []
    runs = labelled(_opened(logs, reading, watch), pattern, dropped=dropped)
    first = next(runs, None)
    if first is None:
        raise UserError("there are no runs to analyse")
    wanted = role(reading.metric) if reading.metric else asked.metric or None
    if wanted is not None and reading.metric and wanted not in first.metrics:
        others = [m for m in first.metrics if m.removeprefix("val_") == wanted]
        wanted = others[0] if others else wanted
    asked = replace(asked, metric=choose_metric(first.metrics, wanted, first.source))
    rows, sources = [0], dict[str, list[str]]()
    measures = usual_measures(asked, first.axis, 10)
    kept: list[_Kept] = []
    ready = _as_measures(measures)
    for run in _checked(_chain(first, runs), asked.metric):
        sources.setdefault(str(run.arm), []).append(run.source)
        kept.append(_kept(run, ready, rows))
    longest = max(len((one.whole or one.run).epoch) for one in kept)
    axis = "none" if longest == 1 else first.axis
    measures = usual_measures(asked, axis, longest)
    loaded = study_of_runs(asked, sources, measures)
    asked_of_runs = _as_measures(usual_measures(asked, axis, 0))
    return replace(_results(loaded, kept, dropped), asked=asked_of_runs)


def _as_measures(measures: Sequence[Mapping[str, object]]) -> list[Measure]:
    adapter: TypeAdapter[Measure] = TypeAdapter(Measure)
    return [adapter.validate_python(dict(measure)) for measure in measures]


def _chain(first: Run, rest: Iterator[Run]) -> Iterator[Run]:
    yield first
    yield from rest


def _opened(logs: Iterable[Path], reading: Reading, watch: Watch | None) -> Iterator[Run]:
    for log in logs:
        if watch is not None:
            watch(log)
        yield from open_log(log, reading)


def _checked(runs: Iterable[Run], metric: str) -> Iterator[Run]:
    """The runs, as long as they can be compared: one metric, counted by one thing."""
    axis = None
    for run in runs:
        choose_metric(run.metrics, metric, f"{run.source} ({run.name})")
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
        watch: Called with each log before it is read.

    Raises:
        UserError: A log cannot be read without guessing, or the runs do not go together.
    """
    study, folder = loaded.study, loaded.file.parent
    measures = {
        m.model_dump_json(): m for c in study.claims for m in (c.side_measure(0), c.side_measure(1))
    }
    kept, rows, dropped = [], [0], list[str]()
    for arm in study.arms:
        if arm.logs is None:  # pragma: no cover - the study's own check refuses a mix
            continue
        runs = _of_arm(arm.logs, arm.name, folder, watch)
        found = list(labelled(runs, _pattern(arm.logs), arm=arm.name, dropped=dropped))
        if not found:
            raise UserError(f'arm "{arm.name}": its logs hold no runs')
        for run in found:
            _has_metrics(run, list(measures.values()))
            kept.append(_kept(run, list(measures.values()), rows))
    axes = {one.run.axis for one in kept}
    if len(axes) > 1:
        raise UserError(f"{loaded.file}: the logs are counted in {listed(sorted(axes))}")
    return _results(loaded, kept, dropped)


def _pattern(logs: Logs) -> str | None:
    """The pattern of a replicate's name; the arm is known, so that ``*`` stands for it."""
    if logs.replicate_from is None:
        return None
    text = logs.replicate_from
    return text if "{arm}" in text else text.replace("*", "{arm}", 1)


def _of_arm(logs: Logs, name: str, folder: Path, watch: Watch | None) -> Iterator[Run]:
    reading = Reading(
        kind=logs.kind,
        metric=logs.metric,
        scale=logs.scale,
        restarts=logs.restarts,
        pauses=logs.pauses,
    )
    seen = []
    for run in _opened(expand([folder / path for path in logs.paths]), reading, watch):
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


def _kept(run: Run, measures: Sequence[Measure], rows: list[int]) -> _Kept:
    """Measure a run and thin it where there are many rows; a diverged one waits for its budget."""
    rows[0] += len(run.epoch)
    if run.diverged_at is not None:
        return _Kept(run, run, {})
    curve = run.curve(int(run.epoch[-1]))
    measured = {m.model_dump_json(): m.of(curve) for m in measures}
    if rows[0] <= MANY_ROWS or len(run.epoch) <= SHOWN_ROWS:
        return _Kept(run, run, measured)
    shown = np.unique(np.linspace(0, len(run.epoch) - 1, SHOWN_ROWS).astype(int))
    thin = replace(
        run,
        epoch=run.epoch[shown],
        columns={name: values[shown] for name, values in run.columns.items() if name != "seconds"},
    )
    return _Kept(thin, None, measured)


def _results(loaded: LoadedStudy, kept: Sequence[_Kept], dropped: Sequence[str]) -> Results:
    kept = _in_order(loaded.study, kept)
    runs = [one.run for one in kept]
    numbers = _replicate_numbers(runs)
    loaded = replace(loaded, study=_with_budgets(loaded.study, runs))
    study = loaded.study
    budgets = {arm.name: study.epochs_of(arm) for arm in study.arms}
    values = list(_values(study, kept, numbers, budgets))
    _refuse_pauses(study, runs)
    notices = [*_run_notices(runs), *dropped, *_study_notices(study, runs)]
    if any(one.whole is None for one in kept):
        notices.append(
            f"there are more than {MANY_ROWS:,} rows: verdicts rest on all of them, figures and "
            f"further analyses on {SHOWN_ROWS} of each long run"
        )
    verdicts = decide(
        study, values, confirmatory={}, is_paired=study.study.paired and len(study.arms) > 1
    )
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


def _in_order(study: Study, kept: Sequence[_Kept]) -> list[_Kept]:
    place = {arm.name: i for i, arm in enumerate(study.arms)}
    return sorted(kept, key=lambda one: (place[str(one.run.arm)], _sortable(one.run.replicate)))


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


def _values(
    study: Study,
    kept: Sequence[_Kept],
    numbers: Mapping[str, int],
    budgets: Mapping[str, int],
) -> Iterator[SideValue]:
    names = [arm.name for arm in study.arms]
    by_arm: dict[str, list[_Kept]] = {name: [] for name in names}
    for one in kept:
        by_arm[str(one.run.arm)].append(one)
    for claim in study.claims:
        for side, pattern in enumerate(claim.compare):
            measure = claim.side_measure(side)
            for name in matching_arms(pattern, names):
                for one in by_arm[name]:
                    yield SideValue(
                        claim.id,
                        side,
                        name,
                        numbers[str(one.run.replicate)],
                        _measured(one, measure, budgets[name]),
                        one.run.diverged_at is not None,
                    )


def _measured(one: _Kept, measure: Measure, budget: int) -> Measured:
    known = one.measured.get(measure.model_dump_json())
    return known or measure.of((one.whole or one.run).curve(budget))


def _refuse_pauses(study: Study, runs: Sequence[Run]) -> None:
    """Wall time with pauses in it is not training time (case E8)."""
    timed = any(
        isinstance(c.measure, SecondsTo) and c.measure.clock == "wall" for c in study.claims
    )
    paused = [run for run in runs if run.pauses]
    if timed and paused and not any("as asked" in told for told in paused[0].notices):
        pause = paused[0].pauses[0]
        raise UserError(
            f"{paused[0].name}: {pause.seconds:,.1f} seconds passed after epoch {pause.after}, "
            "most likely a pause; say with --pauses out that they are no training time, or with "
            "--pauses in that they are"
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
            "fingerprint": [_fingerprint(run) for run in runs],
            "epochs": [len(run.epoch) for run in runs],
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


def _fingerprint(run: Run) -> str:
    digest = hashlib.sha256(run.epoch.tobytes())
    for name in sorted(run.columns):
        digest.update(name.encode() + run.columns[name].tobytes())
    return digest.hexdigest()


def _run_notices(runs: Sequence[Run]) -> Iterator[str]:
    """What was assumed, repaired or left out, each once with the runs it is true of."""
    told: dict[str, list[Run]] = {}
    for run in runs:
        for notice in run.notices:
            told.setdefault(notice, []).append(run)
    for notice, of in told.items():
        if len(of) == len(runs) and len(runs) > 1:
            yield f"in all {len(runs)} runs: {notice}"
            continue
        names = [f"run {run.replicate} of {run.arm}" for run in of[:3]]
        more = f" and {len(of) - 3} more" if len(of) > 3 else ""
        yield f"{', '.join(names)}{more}: {notice}"


def _study_notices(study: Study, runs: Sequence[Run]) -> Iterator[str]:
    counts = Counter(str(run.arm) for run in runs)
    yield "the runs were there before the claims: every claim is exploratory"
    if len(counts) > 1:
        yield (
            "runs of the same name are compared in pairs, as declared"
            if study.study.paired
            else "runs are compared unpaired: nobody says that equal names share their seeds"
        )
    single = [name for name, count in counts.items() if count == 1]
    if single:
        yield (
            f"one run of {listed(single)}: no verdict can rest on a single run; see whether it is "
            "typical of another arm"
        )
    yield from _short_runs(study, runs)
    if len(counts) > 1 and not study.study.paired and study.claims:
        sizes = sorted(counts.values())[:2]
        smallest = len(study.claims) * smallest_p(*sizes)
        if min(sizes) > 1 and smallest > study.study.alpha:
            yield (
                f"{sizes[0]} runs against {sizes[1]} and {plural(len(study.claims), 'claim')}: no "
                f"adjusted p can fall to {study.study.alpha:g}, however large the difference"
            )
    yield from _copies(runs)
    if len({bool(run.is_percent) for run in runs}) > 1:
        yield "some logs count accuracy from 0 to 100 and some from 0 to 1; each by its own scale"


def smallest_p(a: int, b: int) -> float:
    """The smallest p of a two-sided permutation test of two unpaired sides."""
    labelings = math.comb(a + b, a)
    return 2 / labelings if a == b else 1 / labelings


def _short_runs(study: Study, runs: Sequence[Run]) -> Iterator[str]:
    """Runs that ended before the others of their arm: times are compared up to there only."""
    longest = {arm.name: study.epochs_of(arm) for arm in study.arms}
    for run in runs:
        end, whole = int(run.epoch[-1]), longest[str(run.arm)]
        if run.diverged_at is None and run.axis == "epochs" and end < whole:
            yield (
                f"run {run.replicate} of {run.arm} ends at epoch {end} of {whole}; if it does not "
                f"reach a target, times are compared up to epoch {end} at most"
            )


def _copies(runs: Sequence[Run]) -> Iterator[str]:
    """Runs of one arm that are equal number by number."""
    seen: dict[tuple[str, str], Run] = {}
    for run in runs:
        before = seen.setdefault((str(run.arm), _fingerprint(run)), run)
        if before is not run:
            yield (
                f"runs {before.replicate} and {run.replicate} of {run.arm} are equal in every "
                "number; a copy is no further replicate"
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
