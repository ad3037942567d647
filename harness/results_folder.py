"""A study's results folder, for the command line and for Python alike: where it is, what it holds.

Both ways of using a study go through here and through `harness.running.session`, so they cannot
differ in what they read, train or write.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.gather import gather, sample_images
from harness.language import SOURCE, using
from harness.logged import logged_results
from harness.logs.progress import Watch
from harness.report import write_report
from harness.report.exports import STUDY_FILE
from harness.results import Results
from harness.store import Database, PostgresSchema, SQLiteFile, Store
from harness.study_file import LoadedStudy, refuse_other_study
from harness.study_meaning import own_words

STORE_VARIABLE = "BENCH_STORE"
"""Environment variable with the address of a team's database, where none is given."""


def results_folder(loaded: LoadedStudy, reports: Path) -> Path:
    """The study's results folder, whether it is there yet or not."""
    return reports / loaded.folder_name


def store_file(loaded: LoadedStudy, reports: Path) -> Path:
    """The study's own results database, whether it is there yet or not."""
    return results_folder(loaded, reports) / "results.db"


def archive_file(loaded: LoadedStudy, reports: Path) -> Path:
    """Where `bench store save` keeps the study's trials as text, whether it is there or not."""
    return results_folder(loaded, reports) / "results.jsonl"


def database_of(loaded: LoadedStudy, reports: Path, address: str | None = None) -> Database:
    """Where the study's results are kept, whether anything is there yet or not.

    Args:
        loaded: The study.
        reports: Folder that holds one results folder a study.
        address: A team's PostgreSQL database; `STORE_VARIABLE` if not given, and the file in the
            results folder if that is not set either.

    Raises:
        UserError: The address cannot be used.
    """
    address = address or os.environ.get(STORE_VARIABLE)
    if address:
        return PostgresSchema(address, loaded.folder_name)
    return SQLiteFile(store_file(loaded, reports))


def open_store(loaded: LoadedStudy, reports: Path, address: str | None = None) -> Store:
    """The study's store, made if it is not there yet; see `database_of`.

    Raises:
        UserError: It cannot be opened, or holds another study's results.
    """
    return _opened(loaded, database_of(loaded, reports, address))


def existing_store(loaded: LoadedStudy, reports: Path, address: str | None = None) -> Store | None:
    """The study's store if it is there already, else None; see `database_of`.

    Raises:
        UserError: It cannot be opened, or holds another study's results.
    """
    database = database_of(loaded, reports, address)
    if database.exists():
        return _opened(loaded, database)
    database.close()
    return None


def _opened(loaded: LoadedStudy, database: Database) -> Store:
    store = Store(database)
    try:
        refuse_other_study(loaded, store.study(), store.name)
    except UserError:
        store.close()
        raise
    return store


def open_results(loaded: LoadedStudy, reports: Path, address: str | None = None) -> Store:
    """The study's store, which must be there already; see `database_of`.

    Raises:
        UserError: It is not there, or cannot be opened.
    """
    store = existing_store(loaded, reports, address)
    if store is None:
        place = database_of(loaded, reports, address).name
        raise UserError(f"{place}: holds no results yet; {_first_step(loaded, reports)}")
    return store


def _first_step(loaded: LoadedStudy, reports: Path) -> str:
    train = f"run `{loaded.command()}` first"
    archive = archive_file(loaded, reports)
    if not archive.is_file():
        return train
    return f"{train}, or take those of {archive} by `{loaded.command('store restore')}`"


def stored_results(
    loaded: LoadedStudy, reports: Path, address: str | None = None, watch: Watch | None = None
) -> Results:
    """What is stored of a study; logs are read anew.

    Args:
        loaded: The study.
        reports: As `database_of`.
        address: As `database_of`.
        watch: Called as logs are read.

    Raises:
        UserError: There are no results yet, or the store cannot be opened.
    """
    if loaded.study.is_of_logs:
        return logged_results(loaded, watch)
    with open_results(loaded, reports, address) as store:
        return gather(loaded, store)


def results_so_far(
    loaded: LoadedStudy, reports: Path, address: str | None = None, watch: Watch | None = None
) -> Results | None:
    """What is stored of a study; None if it was never run. Arguments as `stored_results`."""
    if loaded.study.is_of_logs:
        return logged_results(loaded, watch)
    store = existing_store(loaded, reports, address)
    if store is None:
        return None
    with store:
        return gather(loaded, store)


def refuse_logs(loaded: LoadedStudy, what: str) -> None:
    """End what needs trials that were trained here, where the study only reads logs.

    Raises:
        UserError: The study's runs were trained elsewhere.
    """
    if loaded.study.is_of_logs:
        raise UserError(f"{loaded.file}: its runs were trained elsewhere, so {what}")


def write_page(results: Results, folder: Path, language: str = SOURCE) -> Path:
    """Write a study's report with sample images into a folder; returns the page's path.

    Args:
        results: The study's outcome.
        folder: Where to write.
        language: The language of the page, one of `harness.language.LANGUAGES`.

    Raises:
        ReportError: The folder cannot be written to.
        UserError: It holds another study's report.
        ValueError: There is no such language.
    """
    refuse_other_study(results.loaded, _reported_study(folder), str(folder))
    with using(language, own_words(results.loaded.study, language)):
        return write_report(results, folder, images=sample_images(results.loaded))


def _reported_study(folder: Path) -> Mapping[str, Any] | None:
    """The study whose report a folder holds; None where there is none that can be read."""
    try:
        document = json.loads((folder / STUDY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, Mapping) else None
