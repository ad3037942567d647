"""What a reader must know of logs: of single runs, and of all of them as a study."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from harness.language import N_, _, said
from harness.logs.run import Run
from harness.measure_kinds import Measure
from harness.measures import is_accuracy
from harness.quantities import listed, plural, strung, with_more
from harness.stats.planning import smallest_p_unpaired
from harness.study import Study
from harness.time_measures import EpochsToPlateau

_TOLD = 5
"""Runs that a notice of their own is given to; of more it is said how many."""


def flat_notice(run: Run, measure: Measure) -> str | None:
    """What to say of a run that has nothing to settle after: no better at its end than before."""
    if not isinstance(measure, EpochsToPlateau) or run.diverged_at is not None:
        return None
    values = run.columns[measure.metric]
    values = values[np.isfinite(values)]
    if len(values) < 2 * measure.window:
        return None
    gain = values[-measure.window :].mean() - values[: measure.window].mean()
    if (gain if is_accuracy(measure.metric) else -gain) > measure.within:
        return None
    return said(
        "{metric} of the last {n} rows is not better by {within} than that of the first {n}: the "
        "run learned nothing, or all at once, and its epochs to the plateau do not tell which",
        metric=measure.metric,
        n=measure.window,
        within=f"{measure.within:g}",
    )


def fingerprint(run: Run) -> str:
    """What tells a run's numbers from those of another."""
    digest = hashlib.sha256(run.epoch.tobytes())
    for name in sorted(run.columns):
        digest.update(name.encode() + run.columns[name].tobytes())
    return digest.hexdigest()


def run_notices(runs: Sequence[Run]) -> Iterator[str]:
    """What was assumed, repaired or left out, each once with the runs it is true of."""
    told: dict[str, list[Run]] = {}
    for run in runs:
        for notice in run.notices:
            told.setdefault(notice, []).append(run)
    for notice, of in told.items():
        if len(of) == len(runs) and len(runs) > 1:
            yield said("in all {n} runs: {what}", n=len(runs), what=notice)
            continue
        names = [(str(run.replicate), str(run.arm)) for run in of]
        yield said("{runs}: {what}", runs=partial(_named, names), what=notice)


def _named(runs: Sequence[tuple[str, str]]) -> str:
    """The first runs by replicate and arm, and how many more there are."""
    told = _("run {replicate} of {arm}")
    shown = [told.format(replicate=replicate, arm=arm) for replicate, arm in runs[:3]]
    return with_more(strung(shown), len(runs) - len(shown))


def study_notices(study: Study, runs: Sequence[Run]) -> Iterator[str]:
    """What is true of the study that the runs make up."""
    counts = Counter(str(run.arm) for run in runs)
    yield N_("the runs were there before the claims: every claim is exploratory")
    if len(counts) > 1:
        yield (
            N_("runs of the same name are compared in pairs, as declared")
            if study.study.paired
            else N_("runs are compared unpaired: nobody says that equal names share their seeds")
        )
    single = [name for name, count in counts.items() if count == 1]
    if single and len(single) == len(counts) > 1:
        yield said(
            "each of the {n} arms has one run, on which no verdict can rest; where several are "
            "runs of one arm, say so with --arm-from, such as {pattern}",
            n=len(single),
            pattern='"{arm}-s{replicate}.csv"',
        )
    elif single:
        yield said(
            "one run of {arms}: no verdict can rest on a single run; see whether it is typical of "
            "another arm",
            arms=partial(listed, single),
        )
    yield from _short_runs(study, runs)
    if len(counts) > 1 and not study.study.paired and study.claims:
        sizes = sorted(counts.values())[:2]
        smallest = len(study.claims) * smallest_p_unpaired(*sizes)
        if min(sizes) > 1 and smallest > study.study.alpha:
            yield said(
                "{a} runs against {b} and {claims}: no adjusted p can fall to {alpha}, however "
                "large the difference",
                a=sizes[0],
                b=sizes[1],
                claims=partial(plural, len(study.claims), "claim"),
                alpha=f"{study.study.alpha:g}",
            )
    yield from _copies(runs)
    if len({bool(run.is_percent) for run in runs}) > 1:
        yield N_(
            "some logs count accuracy from 0 to 100 and some from 0 to 1; each by its own scale"
        )


def _short_runs(study: Study, runs: Sequence[Run]) -> Iterator[str]:
    """Runs that ended before the others of their arm: times are compared up to there only."""
    longest = {arm.name: study.epochs_of(arm) for arm in study.arms}
    short = [
        run
        for run in runs
        if run.diverged_at is None
        and run.axis == "epochs"
        and int(run.epoch[-1]) < longest[str(run.arm)]
    ]
    for run in short[:_TOLD]:
        end, whole = int(run.epoch[-1]), longest[str(run.arm)]
        yield said(
            "run {replicate} of {arm} ends at epoch {end} of {whole}; if it does not reach a "
            "target, times are compared up to epoch {end} at most",
            replicate=run.replicate,
            arm=run.arm,
            end=end,
            whole=whole,
        )
    if len(short) > _TOLD:
        earliest = min(int(run.epoch[-1]) for run in short)
        yield said(
            "{n} more runs end before the longest of their arm, the first of all at epoch {epoch}",
            n=f"{len(short) - _TOLD:,}",
            epoch=earliest,
        )


def _copies(runs: Sequence[Run]) -> Iterator[str]:
    """Runs of one arm that are equal number by number."""
    seen: dict[tuple[str, str], Run] = {}
    for run in runs:
        before = seen.setdefault((str(run.arm), fingerprint(run)), run)
        if before is not run:
            yield said(
                "runs {first} and {second} of {arm} are equal in every number; a copy is no "
                "further replicate",
                first=before.replicate,
                second=run.replicate,
                arm=run.arm,
            )
