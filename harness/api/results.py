"""What a study found, as tables and words."""

from __future__ import annotations

from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from harness.analyses.judge import judge_run, known_arm
from harness.analyses.overview import STATES, overview
from harness.analyses.single_run import read_run, run_of
from harness.errors import UserError
from harness.prose import answer_words, words
from harness.prose.curve_words import judgement_sentence
from harness.quantities import plural
from harness.report.exports import curve_table, measure_table, trial_table, verdict_document
from harness.report.formats import verdict_table
from harness.report.notebook import results_html
from harness.results import Results
from harness.results_folder import write_page
from harness.verdicts import Verdict


class StudyResults:
    """A study's results; made by `Study.run` and `Study.results`.

    Printing it gives the verdicts in words; in a notebook it shows as a table.
    """

    def __init__(self, results: Results, folder: Path) -> None:
        """Take gathered results and the folder that the report goes to."""
        self._results = results
        self._folder = folder

    def curves(self) -> pd.DataFrame:
        """The learning curves, one row an epoch.

        Columns: arm, replicate, epoch (from 1), seconds, cpu_seconds, loss, accuracy, val_loss,
        val_accuracy. Losses are in nats, accuracies from 0 to 1.
        """
        return curve_table(self._results)

    def measures(self) -> pd.DataFrame:
        """The numbers behind the verdicts, one row a claim, arm and replicate.

        Columns: claim, measure, arm, replicate, value, censored, unit. A censored value is the
        time up to which the event had not happened.
        """
        return measure_table(self._results)

    def trials(self) -> pd.DataFrame:
        """One row a trial: status, fingerprint, times, memory, and the traceback if it failed."""
        return trial_table(self._results)

    def verdicts(self) -> pd.DataFrame:
        """The verdicts, one row a claim, by claim id.

        Columns: says, verdict, effect (first side minus second), low and high (ends of its
        interval at ``level``), unit, p, p_adjusted (Holm), n, margin, confirmatory,
        replicates_needed, and the verdict as a sentence.
        """
        table = verdict_table(self._results)
        if table.empty:
            return table
        table = table.set_index("claim")
        table["sentence"] = [words.verdict_sentence(verdict) for verdict in self._results.verdicts]
        return table

    def verdict(self, claim: str) -> Verdict:
        """All that is known of one claim, with sensitivity tests and effect sizes.

        Args:
            claim: The claim's id.

        Raises:
            UserError: The study makes no such claim; the message lists those it makes.
        """
        found = {verdict.claim.id: verdict for verdict in self._results.verdicts}
        if claim not in found:
            raise UserError(f'there is no claim "{claim}"; claims: {", ".join(found) or "none"}')
        return found[claim]

    def answer(self) -> str:
        """The answer to the study's question, in plain sentences."""
        return answer_words.answer(self._results.verdicts)

    def document(self) -> dict[str, Any]:
        """Question, answer and verdicts as plain values: what ``verdicts.json`` holds."""
        return verdict_document(self._results)

    def report(
        self, folder: str | PathLike[str] | None = None, *, language: Literal["en", "ja"] = "en"
    ) -> Path:
        """Write the report, one HTML file that works offline, with its tables beside it.

        Args:
            folder: Where to; the study's results folder if not given.
            language: The page's language; the tables are in English always.

        Returns:
            The path of ``report.html``; in Japanese ``report.ja.html``.

        Raises:
            UserError: The folder cannot be written to.
        """
        to = self._folder if folder is None else Path(folder)
        return write_page(self._results, to, language)

    def judge(self, run: str | PathLike[str] | pd.DataFrame, arm: str) -> pd.DataFrame:
        """Say whether a single run from elsewhere is a typical run of an arm.

        Args:
            run: A CSV file or a table: a row an epoch, with val_accuracy, val_loss, accuracy or
                loss.
            arm: One of the study's arms.

        Returns:
            One row a metric: metric, outcome, p, replicates, and a sentence.

        Raises:
            UserError: The run cannot be read, or the study has no such arm.
        """
        if isinstance(run, pd.DataFrame):
            single, name = run_of(run, "the run"), "the run"
        else:
            single, name = read_run(Path(run)), Path(run).name
        judged = judge_run(self._results, known_arm(self._results, arm), single)
        rows = [(j.metric, j.outcome, j.test.p, j.n, judgement_sentence(j, name)) for j in judged]
        return pd.DataFrame(rows, columns=["metric", "outcome", "p", "replicates", "sentence"])

    def __repr__(self) -> str:
        lines = [f"- {v.claim.id}: {words.verdict_sentence(v)}" for v in self._results.verdicts]
        lead = answer_words.answer_lead(self._results.verdicts)
        return "\n".join([self._question, lead, *lines, f"({self._state})"])

    def _repr_html_(self) -> str:
        return results_html(self._results, self._state)

    @property
    def _question(self) -> str:
        return self._results.loaded.study.study.question

    @cached_property
    def _state(self) -> str:
        found = overview(self._results.loaded, self._results)
        done, trials = found.count("completed", "diverged"), found.count(*STATES)
        early = "; too early for any verdict to count" if found.is_early else ""
        return f"{done} of {plural(trials, 'trial')} finished{early}"
