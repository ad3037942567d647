"""What the commands that read a study and its results have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands import terminal

if TYPE_CHECKING:
    from rich.text import Text

    from harness.logs.progress import Watch
    from harness.results import Results
    from harness.study_file import LoadedStudy
    from harness.verdicts import Outcome


def load(file: Path, profile: str | None, *, allow_code: bool = False) -> LoadedStudy:
    """Read a study file; its warnings go to standard error.

    Raises:
        StudyError: With all problems found.
    """
    from harness.study_file import load_study

    loaded = load_study(file, profile, allow_code=allow_code)
    for warning in loaded.warnings:
        terminal.complain(f"warning: {warning}")
    return loaded


@contextmanager
def watched() -> Iterator[Watch]:
    """Show on standard error how far the reading of logs has come; not with --quiet."""
    from harness.running.log_view import watched_logs
    from harness.screen import Screen

    screen = Screen(stderr=True, highlight=False, quiet=terminal.is_quiet())
    with watched_logs(screen) as watch:
        yield watch


def stored(loaded: LoadedStudy, reports: Path, store: str | None = None) -> Results:
    """What is stored of a study; logs are read anew, under the eyes of the user.

    Raises:
        UserError: There are no results yet, or they cannot be read.
    """
    from harness.results_folder import stored_results

    with watched() as watch:
        return stored_results(loaded, reports, store, watch)


def print_answer(results: Results) -> None:
    """Print every verdict, the answer to the question last."""
    from harness.prose.answer_words import answer_lead, answer_point, answering
    from harness.prose.nuance_words import nuances, what_would_change
    from harness.prose.words import verdict_sentence

    terminal.say("")
    headline = answering(results.verdicts)
    for verdict in results.verdicts:
        if verdict not in headline:
            # a reason why nothing could be tested does not say of what
            told = verdict_sentence if verdict.reason is None else answer_point
            terminal.say(marked(verdict.outcome, told(verdict)))
        for note in [*nuances(verdict), what_would_change(verdict)]:
            terminal.detail(f"  {verdict.claim.id}: {note}")
    terminal.say("")
    terminal.say(results.loaded.study.study.question)
    terminal.answer(answer_lead(results.verdicts))
    for verdict in headline:
        terminal.answer(marked(verdict.outcome, answer_point(verdict)))


def marked(outcome: Outcome, text: str) -> Text:
    """A text with the mark of a verdict in front, in its colour where there are colours."""
    from rich.text import Text

    from harness.prose.words import MARKS

    return Text.assemble((MARKS[outcome], terminal.OUTCOME_STYLES[outcome]), f" {text}")


def results_document(results: Results, gate: dict[str, Any] | None) -> dict[str, Any]:
    """What ``verdicts.json`` holds, and what a gate made of it."""
    from harness.report.exports import verdict_document

    return {**verdict_document(results), **({} if gate is None else {"gate": gate})}


def write_json(file: Path | None, document: Any) -> None:
    """Write a document to a file, or to standard output for ``-``; nothing if there is no file.

    Raises:
        ReportError: The file cannot be written.
    """
    from harness.report.exports import json_text
    from harness.report.files import make_folder, write_whole

    if file is None:
        return
    if file == Path("-"):
        print(json_text(document), end="")  # noqa: T201 - this is the output that was asked for
        return
    make_folder(file.parent)
    write_whole(file.parent, file.name, json_text(document))
