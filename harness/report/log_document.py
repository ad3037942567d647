"""`bench analyze` as JSON and as lines: arms, runs, claims, judgements and notices.

The document is described in ``docs/logs/analyze.md``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from harness.analyses.judge import Judgement, judgement_document
from harness.language import N_, _
from harness.logged import judgements
from harness.logs.run import Axis, Run, Status
from harness.measure_kinds import Measure
from harness.measures import Best, Final, Measured
from harness.prose.curve_words import judgement_sentence
from harness.prose.notices import study_notices
from harness.quantities import amount, level, number
from harness.report.exports import verdict_document
from harness.results import Results
from harness.stats.logrank import log_rank, log_rank_permutation
from harness.stats.results import TestResult
from harness.stats.survival import CensoredTimes, kaplan_meier, median_time, rmst
from harness.time_measures import EpochsTo, SecondsTo, StepsTo

TimeTo = EpochsTo | StepsTo | SecondsTo
_SCHEMA = 1
_WHERE: Mapping[Axis, str] = {
    "epochs": N_("epoch {n}"),
    "steps": N_("step {n}"),
    "none": N_("final values only"),
}
_CUT_SHORT: Mapping[Status, str] = {
    "diverged": N_("diverged, {where}"),
    "aborted": N_("aborted, {where}"),
}


def analysis_document(results: Results) -> dict[str, Any]:
    """The whole analysis as one JSON document."""
    whole = verdict_document(results)
    times = time_measures(results)
    claims = []
    for claim, verdict in zip(whole["claims"], results.verdicts, strict=True):
        testable = verdict.reason is None
        told = {
            "outcome": verdict.outcome if testable else "not testable",
            "compare": list(verdict.claim.compare),
        }
        claims.append({**claim, **told})
    return {
        "schema": _SCHEMA,
        "question": whole["question"],
        "answer": whole["answer"],
        "alpha": whole["alpha"],
        "paired": results.loaded.study.study.paired,
        "arms": [_arm(results, name, times) for name in _names(results)],
        "claims": claims,
        "log_rank": [test for measure in times for test in _log_ranks(results, measure)],
        "judgements": [
            {"of": arm, "against": one.arm, **judgement_document(one)}
            for arm, one in judgements(results)
        ],
        "notices": study_notices(results),
    }


def analysis_lines(results: Results) -> Iterator[str]:
    """The arms in a line each, then what single runs look like beside other arms."""
    times = time_measures(results)
    for name in _names(results):
        arm = _arm(results, name, times)
        final = level(_or_nan(arm["final"]["mean"]), _final(results).unit, 2)
        told = [f"{arm['n']} run{'' if arm['n'] == 1 else 's'}", f"final {final}"]
        for one, measure in zip(arm["times"], times, strict=True):
            median = one["median"]
            shown = "not reached" if median is None else amount(median, measure.unit)
            if one["median_earliest"] is not None:
                shown = f"{number(one['median_earliest'], 1)} to {shown}"
            told.append(f"{one['reached']} of {one['n']} reached the target, median {shown}")
        yield f"{name}: {'; '.join(told)}"
    for arm_name, one in judgements(results):
        yield judgement_sentence(one, f"the run of {arm_name}")


def judged_sentences(found: Sequence[tuple[str, Judgement]]) -> list[str]:
    """A sentence a judgement."""
    return [judgement_sentence(one, _("The run of {arm}").format(arm=arm)) for arm, one in found]


def time_measures(results: Results) -> list[TimeTo]:
    """The distinct times to a target that are asked for."""
    every = [*(claim.measure for claim in results.loaded.study.claims), *results.asked]
    found = {
        measure.model_dump_json(): measure
        for measure in every
        if isinstance(measure, EpochsTo | StepsTo | SecondsTo)
    }
    return list(found.values())


def _names(results: Results) -> list[str]:
    return [arm.name for arm in results.loaded.study.all_arms]


def _runs(results: Results, name: str) -> list[Run]:
    return [run for run in results.runs if run.arm == name]


def _metric(results: Results) -> Any:
    for measure in [*results.asked, *(claim.measure for claim in results.loaded.study.claims)]:
        if hasattr(measure, "metric"):
            return measure.metric
    return results.runs[0].metrics[0]


def _final(results: Results) -> Final:
    return Final(kind="final", metric=_metric(results))


def measured_runs(results: Results, name: str, measure: Measure) -> list[Measured]:
    """A measure of every run of an arm, from the values behind the verdicts where they have it."""
    runs = _runs(results, name)
    claims = {claim.id: claim for claim in results.loaded.study.claims}
    known = [
        value.measured
        for value in results.values
        if value.arm == name and claims[value.claim].side_measure(value.side) == measure
    ]
    if len(known) >= len(runs):
        return known[: len(runs)]
    budget = {arm.name: results.loaded.study.epochs_of(arm) for arm in results.loaded.study.arms}
    return [run.value_of(measure, budget[name]) for run in runs]


def _arm(results: Results, name: str, times: Sequence[TimeTo]) -> dict[str, Any]:
    runs, final = _runs(results, name), _final(results)
    finals = measured_runs(results, name, final)
    best = measured_runs(results, name, Best(kind="best", metric=final.metric))
    by_time = [measured_runs(results, name, measure) for measure in times]
    return {
        "name": name,
        "n": len(runs),
        "final": _summary(final.metric, finals),
        "best": _summary(final.metric, best),
        "times": [
            _times(measure, own, _horizon(results, measure))
            for measure, own in zip(times, by_time, strict=True)
        ],
        "runs": [
            _run(run, finals[i], best[i], times, [own[i] for own in by_time])
            for i, run in enumerate(runs)
        ],
    }


def _summary(metric: str, values: Sequence[Measured]) -> dict[str, Any]:
    known = np.array([m.value for m in values if math.isfinite(m.value)])
    return {
        "metric": metric,
        "n": len(known),
        "mean": float(known.mean()) if len(known) else None,
        "sd": float(known.std(ddof=1)) if len(known) > 1 else None,
    }


def _censored(values: Sequence[Measured]) -> CensoredTimes | None:
    known = [m for m in values if math.isfinite(m.value)]
    if not known:
        return None
    return CensoredTimes(
        np.array([m.value for m in known]), np.array([not m.censored for m in known])
    )


def _horizon(results: Results, measure: TimeTo) -> float:
    """Up to where all arms were watched: the first censoring, else the last time."""
    every = [m for name in _names(results) for m in measured_runs(results, name, measure)]
    known = [m for m in every if math.isfinite(m.value)]
    cut = [m.value for m in known if m.censored]
    return min(cut) if cut else max((m.value for m in known), default=math.nan)


def _times(measure: TimeTo, values: Sequence[Measured], horizon: float) -> dict[str, Any]:
    times = _censored(values)
    told: dict[str, Any] = {
        "measure": measure.model_dump(mode="json"),
        "unit": measure.unit,
        "n": 0 if times is None else len(times),
        "reached": 0 if times is None else times.reached,
        "median": None,
        "median_earliest": None,
        "median_reason": "no run has a time",
        "restricted_mean": None,
        "horizon": horizon,
    }
    if times is None:
        return told
    median = median_time(kaplan_meier(times))
    told["median"] = None if math.isnan(median.value) else median.value
    told["median_reason"] = median.reason
    if any(one.earliest is not None for one in values):
        lower = [one if one.earliest is None else Measured(one.earliest) for one in values]
        earliest = median_time(kaplan_meier(_censored(lower) or times))
        told["median_earliest"] = None if math.isnan(earliest.value) else earliest.value
    told["restricted_mean"] = rmst(times, horizon)[0].value if horizon > 0 else None
    return told


def _run(
    run: Run,
    final: Measured,
    best: Measured,
    times: Sequence[TimeTo],
    reached: Sequence[Measured],
) -> dict[str, Any]:
    seconds = None
    if math.isfinite(run.total_seconds):
        seconds = {
            "total": run.total_seconds,
            "active": run.active_seconds,
            "intervals": int(np.isfinite(run.columns["seconds"]).sum()),
            "pauses": [{"after": p.after, "seconds": p.seconds} for p in run.pauses],
            "first_known": not run.starts_unknown,
            "watched": run.watched_seconds,
        }
    return {
        "replicate": run.replicate,
        "name": run.name,
        "source": run.source,
        "kind": run.kind,
        "counted_in": run.axis,
        "rows": run.rows,
        "last": int(run.epoch[-1]),
        "status": run.status,
        "diverged_at": run.diverged_at,
        "final": final.value,
        "best": best.value,
        "times": [
            {
                "unit": measure.unit,
                "reached": not one.censored and math.isfinite(one.value),
                "value": one.value,
                "earliest": one.earliest,
            }
            for measure, one in zip(times, reached, strict=True)
        ],
        "seconds": seconds,
        "notices": list(run.notices),
    }


def _log_ranks(results: Results, measure: TimeTo) -> Iterator[dict[str, Any]]:
    """The log-rank test of every pair of arms: asymptotic, and by permutation."""
    arms: Mapping[str, CensoredTimes | None] = {
        name: _censored(measured_runs(results, name, measure)) for name in _names(results)
    }
    for a, b in combinations(arms, 2):
        first, second = arms[a], arms[b]
        if first is None or second is None or min(len(first), len(second)) < 2:
            continue
        yield {
            "compare": [a, b],
            "unit": measure.unit,
            "asymptotic": _test(log_rank([first, second]).test),
            "permutation": _test(log_rank_permutation(first, second)),
        }


def _test(test: TestResult) -> dict[str, Any]:
    return {"statistic": test.statistic, "p": test.p, "reason": test.reason}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def run_rows(results: Results) -> list[list[str]]:
    """One row a run, for the report's table."""
    times = time_measures(results)
    rows = []
    for name in _names(results):
        reached = [measured_runs(results, name, measure) for measure in times]
        for i, run in enumerate(_runs(results, name)):
            cells = [_reached(measure, own[i]) for measure, own in zip(times, reached, strict=True)]
            rows.append(
                [
                    name,
                    str(run.replicate),
                    run.source,
                    run.kind,
                    str(run.rows),
                    _ending(run),
                    *cells,
                ]
            )
    return rows


def _ending(run: Run) -> str:
    where = _(_WHERE[run.axis]).format(n=run.epoch[-1])
    return _(_CUT_SHORT.get(run.status, "{where}")).format(where=where)


def _reached(measure: TimeTo, one: Measured) -> str:
    """A time in words, with its interval where it is known to one only."""
    if not math.isfinite(one.value):
        return _("not known")
    if one.censored:
        return _("not within {time}").format(time=amount(one.value, measure.unit, 0))
    if one.earliest is not None:
        latest = amount(one.value, measure.unit, 0)
        return _("{low} to {high}").format(low=number(one.earliest, 0), high=latest)
    return amount(one.value, measure.unit, 0 if measure.unit != "seconds" else 1)
