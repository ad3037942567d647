"""What a trial's seconds depend on beside its arm, and which seconds may be compared.

Times are compared fairly where both sides had the same processor and as many neighbours: else the
difference is that of the machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from harness.language import N_, pgettext, said
from harness.quantities import plural


@dataclass(frozen=True)
class TimedOn:
    """What was around a trial while it was timed; None what is not known.

    Attributes:
        jobs: How many trials ran at a time.
        processor: The kind of processor, with the instruction sets it offers.
    """

    jobs: int | None = None
    processor: str | None = None


UNKNOWN = TimedOn()


def timed_on(
    trials: pd.DataFrame,
    environments: Sequence[Mapping[str, object]],
    *,
    is_timed_alone: bool,
) -> dict[tuple[str, int], TimedOn]:
    """What was around each trial while it was timed, by arm and replicate.

    Args:
        trials: Rows with arm, replicate, jobs and environment, as in `harness.results.Results`.
        environments: What the trials' environments refer to.
        is_timed_alone: Whether their seconds are those of a second training, all on one machine.
    """
    if is_timed_alone:
        there = TimedOn(jobs=1)
        return {
            (str(arm), int(replicate)): there
            for arm, replicate in zip(trials["arm"], trials["replicate"], strict=True)
        }
    kinds = {place: _processor(document) for place, document in enumerate(environments)}
    columns = (trials[name] for name in ("arm", "replicate", "jobs", "environment"))
    return {
        (str(arm), int(replicate)): TimedOn(
            jobs=None if pd.isna(jobs) else int(jobs),
            processor=None if pd.isna(place) else kinds.get(int(place)),
        )
        for arm, replicate, jobs, place in zip(*columns, strict=True)
    }


def _processor(environment: Mapping[str, Any]) -> str | None:
    name, features = environment.get("processor"), environment.get("cpu_features")
    return f"{name} ({features})" if name and features else name


def beside_unlike_neighbours(clock: str, around: Iterable[TimedOn]) -> str | None:
    """Why trials that were timed beside different numbers of others do not compare (G2), or None.

    Args:
        clock: "wall" or "cpu".
        around: What was around each trial that is compared.
    """
    jobs = sorted({one.jobs for one in around if one.jobs is not None})
    if len(jobs) < 2:
        return None
    template = N_(
        "some trials were timed at {jobs} jobs, which changes processor seconds a little, too; "
        'time them alone with study.timing = "exclusive"'
    )
    if clock == "wall":
        template = N_(
            "some trials were timed at {jobs} jobs, so their wall times are no fair comparison; "
            'time them alone with study.timing = "exclusive", or use clock = "cpu"'
        )
    return said(template, jobs=partial(_some_and_some, jobs))


def _some_and_some(jobs: Sequence[int]) -> str:
    return pgettext("between numbers of jobs", " and some at ").join(map(str, jobs))


def processors(around: Iterable[TimedOn]) -> list[str]:
    """The kinds of processor on which trials were timed, as far as known, sorted."""
    return sorted({one.processor for one in around if one.processor is not None})


def torn(around: Iterable[tuple[int, TimedOn]]) -> list[int]:
    """The replicates whose trials were timed on different processors, in order.

    Args:
        around: Replicate and surroundings of each trial that is compared.
    """
    kinds: dict[int, set[str]] = {}
    for replicate, one in around:
        kinds.setdefault(replicate, set()).update(processors([one]))
    return sorted(replicate for replicate, found in kinds.items() if len(found) > 1)


def left_out_words(replicates: Sequence[int], kinds: Sequence[str]) -> str:
    """That replicates are left out, since their difference would be that of the processors."""
    return said(
        "{count} left out of a claim on seconds, timed partly on one processor and partly on "
        "another ({kinds}): {which}",
        count=partial(plural, len(replicates), "replicate"),
        kinds="; ".join(kinds),
        which=", ".join(map(str, replicates)),
    )


def mixed_words(kinds: Sequence[str]) -> str:
    """That the seconds of several processors are averaged."""
    return said(
        "seconds are those of several processors ({kinds}), and their mean is that of this mixture",
        kinds="; ".join(kinds),
    )


def unpaired_words(kinds: Sequence[str]) -> str:
    """Why runs that are not paired do not compare."""
    return said(
        "runs were timed on several processors ({kinds}), so their seconds are no fair comparison; "
        'time them alone on one machine with study.timing = "exclusive"',
        kinds="; ".join(kinds),
    )
