"""A study's results folder, for the command line and for Python alike: where it is, what it holds.

Both ways of using a study go through here and through `harness.running.session`, so they cannot
differ in what they read, train or write.
"""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.gather import gather, sample_images
from harness.logged import logged_results
from harness.report import write_report
from harness.results import Results
from harness.store import Store
from harness.study_file import LoadedStudy


def store_file(loaded: LoadedStudy, reports: Path) -> Path:
    """The study's results database, whether it is there yet or not."""
    return reports / loaded.folder_name / "results.db"


def folder_with_results(loaded: LoadedStudy, reports: Path) -> Path:
    """The study's results folder.

    Raises:
        UserError: It holds no results yet.
    """
    file = store_file(loaded, reports)
    if loaded.study.is_of_logs:
        return file.parent  # logs are read anew each time, there is nothing to run first
    if not file.is_file():
        profile = f" --profile {loaded.profile}" if loaded.profile else ""
        raise UserError(
            f"{file.parent}: holds no results yet; run `bench study {loaded.file}{profile}` first"
        )
    return file.parent


def stored_results(loaded: LoadedStudy, reports: Path) -> Results:
    """What the study's results folder holds.

    Raises:
        UserError: It holds no results yet.
    """
    if loaded.study.is_of_logs:
        return logged_results(loaded)
    with Store(folder_with_results(loaded, reports) / "results.db") as store:
        return gather(loaded, store)


def results_so_far(loaded: LoadedStudy, reports: Path) -> Results | None:
    """What is stored of a study; None if it was never run."""
    file = store_file(loaded, reports)
    return stored_results(loaded, reports) if file.is_file() or loaded.study.is_of_logs else None


def refuse_logs(loaded: LoadedStudy, what: str) -> None:
    """End what needs trials that were trained here, where the study only reads logs.

    Raises:
        UserError: The study's runs were trained elsewhere.
    """
    if loaded.study.is_of_logs:
        raise UserError(f"{loaded.file}: its runs were trained elsewhere, so {what}")


def write_page(results: Results, folder: Path) -> Path:
    """Write a study's report with sample images into a folder; returns the page's path.

    Raises:
        ReportError: The folder cannot be written to.
    """
    return write_report(results, folder, images=sample_images(results.loaded))
