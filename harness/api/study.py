"""A study file: load it, plan it, run it."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from harness import planning
from harness.analyses.overview import overview
from harness.api.results import StudyResults
from harness.environment import usable_cores
from harness.errors import UserError
from harness.gather import gather
from harness.prose import words
from harness.prose.plan_words import plan_document, plan_lines
from harness.quantities import plural
from harness.report.notebook import study_html
from harness.results_folder import (
    open_store,
    refuse_logs,
    results_folder,
    results_so_far,
    stored_results,
)
from harness.running.budget import budget_seconds
from harness.running.log_view import watched_logs
from harness.running.progress import progress_view
from harness.running.session import run_study
from harness.running.top_up import plan_top_up
from harness.screen import Screen
from harness.study_file import LoadedStudy, load_study


def load(
    file: str | PathLike[str],
    profile: str | None = None,
    *,
    reports: str | PathLike[str] = "reports",
    store: str | None = None,
    allow_code: bool = False,
) -> Study:
    """Read and check a study file.

    What its author should know before training starts, such as too few replicates for so many
    claims, comes as a `UserWarning`.

    Args:
        file: The study's TOML file.
        profile: A profile of the file to lay over it, e.g. ``"smoke"``.
        reports: Folder that holds one results folder a study.
        store: A team's database, such as ``postgresql+psycopg://me@host/results``; the environment
            variable ``BENCH_STORE`` if not given, and a file in the results folder without that.
        allow_code: Whether code that the file names may run though it, or the file, lies outside
            the project you work in.

    Raises:
        UserError: With all problems found; each names the key and the fix.
    """
    loaded = load_study(Path(file), profile, allow_code=allow_code)
    for warning in loaded.warnings:
        warnings.warn(words.sentence(warning), UserWarning, stacklevel=2)
    return Study(loaded, Path(reports), store)


class Study:
    """A study file, read and checked; made by `load`."""

    def __init__(self, loaded: LoadedStudy, reports: Path, store: str | None = None) -> None:
        """Take a study that was read, and where its results are; see `load`."""
        self._loaded = loaded
        self._reports = reports
        self._store = store

    @property
    def name(self) -> str:
        """The study's name."""
        return self._loaded.study.study.name

    @property
    def question(self) -> str:
        """What the study is to answer."""
        return self._loaded.study.study.question

    @property
    def profile(self) -> str | None:
        """The profile laid over the file, if any."""
        return self._loaded.profile

    @property
    def arms(self) -> list[str]:
        """Names of the arms, those of a grid included."""
        return [arm.name for arm in self._loaded.study.all_arms]

    @property
    def claims(self) -> dict[str, str]:
        """What is to be decided: by claim id, the claim as a sentence."""
        return {claim.id: claim.says for claim in self._loaded.study.claims}

    @property
    def replicates(self) -> list[int]:
        """Names of the replicates: 0 … N-1, or the explicit seeds."""
        return self._loaded.study.study.replicate_ids

    @property
    def folder(self) -> Path:
        """The results folder: store, report and tables."""
        return results_folder(self._loaded, self._reports)

    def run(
        self,
        *,
        jobs: int | None = None,
        top_up: bool = False,
        max_replicates: int | None = None,
        budget: str | None = None,
        progress: bool = True,
    ) -> StudyResults:
        """Train what is missing, as ``bench study`` does, and return the results.

        Each finished trial is stored at once. After an interruption the same call goes on from
        there, and a second call trains nothing. A trial that failed comes as a `UserWarning`; its
        traceback is in `StudyResults.trials`, and the next call tries it again.

        Args:
            jobs: Worker processes; as many as cores if not given.
            top_up: Whether to train the further replicates that inconclusive claims ask for.
            max_replicates: With ``top_up``: replicates in all; four times the present if not given.
            budget: A time such as ``"30m"`` after which no further replicate is begun.
            progress: Whether to tell of progress on standard error.

        Raises:
            UserError: An arm cannot be built, code may not run, or the store cannot be written.
        """
        if max_replicates is not None and not top_up:
            raise UserError("max_replicates goes with top_up")
        screen = Screen(stderr=True, highlight=False, quiet=not progress)
        if self._loaded.study.is_of_logs:
            with watched_logs(screen) as watch:
                read = stored_results(self._loaded, self._reports, watch=watch)
            return StudyResults(read, self.folder)
        workers, loaded, until = _workers(jobs), self._loaded, None
        seconds = None if budget is None else budget_seconds(budget)
        view = progress_view(screen)
        with open_store(loaded, self._reports, self._store) as store:
            if top_up:
                further = plan_top_up(loaded, store, max_replicates)
                loaded, until = further.loaded, further.until
                for sentence in further.words:
                    view.note(sentence)
            summary = run_study(
                loaded, store, workers=workers, view=view, until=until, budget=seconds
            )
            results = gather(loaded, store)
        for trial in summary.failed:
            told = f"{trial.arm}, replicate {trial.replicate} failed: see trials()"
            warnings.warn(told, UserWarning, stacklevel=2)
        return StudyResults(results, self.folder)

    def results(self) -> StudyResults:
        """What is stored already; nothing is trained.

        Raises:
            UserError: The study was never run.
        """
        return StudyResults(stored_results(self._loaded, self._reports, self._store), self.folder)

    def plan(self, *, jobs: int | None = None) -> StudyPlan:
        """What the study will cost and can show, as ``bench plan`` says it.

        Args:
            jobs: Worker processes that the times are for; as many as cores if not given.

        Raises:
            UserError: The study only reads logs, so there is nothing to plan.
        """
        refuse_logs(self._loaded, "there is no training to plan")
        results = results_so_far(self._loaded, self._reports, self._store)
        return StudyPlan(planning.plan_study(self._loaded, results, workers=_workers(jobs)))

    def __repr__(self) -> str:
        profile = f", profile {self.profile}" if self.profile else ""
        return f"<Study {self.name}{profile}: {self._scale()}>"

    def _repr_html_(self) -> str:
        return study_html(overview(self._loaded, None), self._scale())

    def _scale(self) -> str:
        return (
            f"{plural(len(self.arms), 'arm')} x {plural(len(self.replicates), 'replicate')} on "
            f"{self._loaded.study.data_label}, {plural(len(self.claims), 'claim')}"
        )


class StudyPlan:
    """What a study costs and can show; made by `Study.plan`. Printing it tells all of it."""

    def __init__(self, plan: planning.StudyPlan) -> None:
        """Take a plan."""
        self._plan = plan

    @property
    def trials(self) -> int:
        """Trials of the whole study, at most."""
        return self._plan.trials

    @property
    def stored(self) -> int:
        """Trials that are finished already."""
        return self._plan.stored

    @property
    def seconds_to_go(self) -> float | None:
        """Expected seconds of what is missing; None while no trial time is known."""
        return self._plan.seconds_to_go

    def claims(self) -> pd.DataFrame:
        """One row a claim: the replicates that it asks for, by simulation and by formula."""
        table = pd.DataFrame(self.document()["claims"])
        return table.set_index("id") if len(table) else table

    def document(self) -> dict[str, Any]:
        """The whole plan as plain values, as ``bench plan --json`` writes it."""
        return plan_document(self._plan)

    def __repr__(self) -> str:
        return "\n".join(plan_lines(self._plan))


def _workers(jobs: int | None) -> int:
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs = {jobs}: give at least 1 worker process")
    return jobs or usable_cores()
