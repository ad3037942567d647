"""Results that no study of this folder made: two of them compared, and logs of others analysed."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analyses.compare import ResultsCompared, compare_results
from harness.api.results import StudyResults
from harness.log_claims import Time, asked_for
from harness.logged import analyze as analyze_logs
from harness.logs.run import Kind, Pauses, Restarts, Scale
from harness.prose.compare_words import compare_answer, compare_document, comparison_line
from harness.recorded import labels, read_recorded
from harness.report.compare_page import write_comparison


class Comparison:
    """Two results of a study, held against each other; made by `compare`."""

    def __init__(self, found: ResultsCompared) -> None:
        """Take what was found."""
        self._found = found

    @property
    def standing(self) -> str:
        """All in a word: ``"same"``, ``"changed"``, or ``"unclear"`` where nobody can tell."""
        return self._found.standing

    def answer(self) -> str:
        """Whether anything changed, in a sentence or two."""
        return compare_answer(self._found)

    def table(self) -> pd.DataFrame:
        """One row an arm and measure; an effect is the second results minus the first."""
        return pd.DataFrame(self.document()["comparisons"])

    def document(self) -> dict[str, Any]:
        """The whole comparison as plain values: what ``compare.json`` holds."""
        return compare_document(self._found)

    def report(self, folder: str | PathLike[str] = "reports/compare") -> Path:
        """Write the comparison as one HTML file that works offline; returns its path.

        Raises:
            UserError: The folder cannot be written to.
        """
        return write_comparison(self._found, Path(folder))

    def __repr__(self) -> str:
        lines = [f"- {comparison_line(compared)}" for compared in self._found.comparisons]
        return "\n".join([self.answer(), *lines])


def compare(
    before: str | PathLike[str],
    after: str | PathLike[str],
    *,
    margins: Mapping[str, float] | None = None,
    times: bool = False,
) -> Comparison:
    """Compare two results of a study, before and after an upgrade, say.

    Args:
        before: A results folder, such as ``reports/convergence``, or its ``results.db``.
        after: The results that are held against it.
        margins: By kind of measure, the difference that does not matter; those of the study's
            claims if not given.
        times: Whether to compare measures in seconds, too.

    Raises:
        UserError: One place holds no results, or the two have nothing in common.
    """
    places = [Path(before), Path(after)]
    first, second = (read_recorded(p, n) for p, n in zip(places, labels(places), strict=True))
    return Comparison(compare_results(first, second, margins=margins, times=times))


def analyze(
    *logs: str | PathLike[str],
    arm_from: str | None = None,
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
    folder: str | PathLike[str] = "reports/analysis",
) -> StudyResults:
    """Compare runs that others trained, from their logs alone, as ``bench analyze`` does.

    Args:
        logs: Files, folders of runs, or patterns such as ``"runs/*.csv"``.
        arm_from: How a path or a run's name ends, such as ``"{arm}-s{replicate}.csv"``.
        metric: The metric to compare, by the logs' own name for it; the first that the runs have
            if not given.
        target: The level of the metric whose time is compared.
        time: What the time to the target is counted in; what the logs count in if not given.
        budget: Epochs that every run was given; what the logs show if not given.
        margin: The difference in the metric that does not matter.
        time_margin: The difference in time that does not matter.
        alpha: Error rate over all claims.
        paired: Whether runs of the same replicate name share their seeds.
        kind: The kind of all logs; found out for each if not given.
        scale: Whether accuracies are logged from 0 to 100; found out if not given.
        restarts: What to take of a log in which a run begins again from scratch: each as a
            ``"separate"`` run, or the ``"last"`` alone; refused if not given.
        pauses: Whether pauses count as training time, ``"in"`` or ``"out"``; a claim on seconds
            is refused where there are any if not given.
        folder: Where `StudyResults.report` writes to.

    Raises:
        UserError: A log cannot be read without guessing, or the runs do not go together.
    """
    asked, reading = asked_for(
        metric=metric,
        target=target,
        time=time,
        budget=budget,
        margin=margin,
        time_margin=time_margin,
        alpha=alpha,
        paired=paired,
        kind=kind,
        scale=scale,
        restarts=restarts,
        pauses=pauses,
    )
    found = analyze_logs([Path(log) for log in logs], reading, asked, pattern=arm_from)
    return StudyResults(found, Path(folder))
