"""``bench store``: repair a damaged store; move results to a database, an archive, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal
from harness.commands.options import REPORTS, Profile, Reports, StoreAddress, StudyFile
from harness.commands.results import load

if TYPE_CHECKING:
    from harness.store import Database, Store
    from harness.store.contents import Contents
    from harness.store.repair import Repaired
    from harness.study_file import LoadedStudy

app = typer.Typer()
store_app = typer.Typer(help="Repair or move stored results.")
app.add_typer(store_app, name="store", no_args_is_help=True)


@store_app.command()
def repair(file: StudyFile, *, profile: Profile = None, reports: Reports = REPORTS) -> None:
    """Save what can be read of a damaged store.

    The file of the study's results, cut short or overwritten in part, makes way for a new one with
    every trial that is whole and as it was written. The damaged file is kept beside it.
    """
    from harness.results_folder import store_file
    from harness.store.repair import repair as run

    with terminal.plain_errors():
        loaded = _with_store(file, profile)
        place = store_file(loaded, reports)
        repaired = run(place)
        if repaired is None:
            terminal.answer(f"{place}: is whole; nothing to repair")
        else:
            _tell(loaded, repaired)


@store_app.command()
def push(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
) -> None:
    """Add the trials of a study's own file to a team's database."""
    with terminal.plain_errors():
        loaded = _with_store(file, profile)
        own, team = _own_and_team(loaded, reports, store)
        _copy(loaded, own, team)


@store_app.command()
def pull(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
) -> None:
    """Add a study's trials in a team's database to its own file."""
    with terminal.plain_errors():
        loaded = _with_store(file, profile)
        own, team = _own_and_team(loaded, reports, store)
        _copy(loaded, team, own)


@store_app.command()
def save(
    file: StudyFile,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="File to write; results.jsonl beside the report if none."),
    ] = None,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
) -> None:
    """Write a study's trials as text, to publish them or to go on elsewhere.

    One line a trial, with checksums: a file for version control, where a database is none.
    """
    from harness.quantities import plural
    from harness.report.files import make_folder, write_whole
    from harness.results_folder import archive_file, open_results
    from harness.store.archive import archive_text
    from harness.store.contents import read_contents

    with terminal.plain_errors():
        loaded = _with_store(file, profile)
        with open_results(loaded, reports, store) as opened:
            contents = read_contents(opened)
        target = output or archive_file(loaded, reports)
        make_folder(target.parent)
        write_whole(target.parent, target.name, archive_text(contents))
        terminal.answer(f"{plural(contents.finished, 'finished trial')} saved in {target}")


@store_app.command()
def restore(
    file: StudyFile,
    *,
    archive: Annotated[
        Path | None,
        typer.Option("--input", help="File to read; results.jsonl beside the report if none."),
    ] = None,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
) -> None:
    """Add the trials of a file that `bench store save` wrote; what is there stays."""
    from harness.results_folder import archive_file, open_store

    with terminal.plain_errors():
        loaded = _with_store(file, profile)
        source = archive or archive_file(loaded, reports)
        contents = _archived(loaded, source)
        with open_store(loaded, reports, store) as opened:
            _add(contents, str(source), opened)


def _with_store(file: Path, profile: str | None) -> LoadedStudy:
    """A study whose trials are trained here, so that there is a store of them."""
    from harness.results_folder import refuse_logs

    loaded = load(file, profile)
    refuse_logs(loaded, "it has no store")
    return loaded


def _archived(loaded: LoadedStudy, file: Path) -> Contents:
    """What an archive of this study holds.

    Raises:
        UserError: It cannot be read, is damaged, or holds another study's trials.
    """
    from harness.errors import UserError
    from harness.store.archive import archive_contents
    from harness.study_file import refuse_other_study, study_from_document

    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{file}: is not there; `bench store save` writes it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    contents = archive_contents(text, str(file))
    document = contents.study
    name = document and study_from_document(document, file.parent).folder_name
    if name != loaded.folder_name:
        raise UserError(
            f"{file}: holds the trials of {name or 'no study'}, not of {loaded.folder_name}"
        )
    refuse_other_study(loaded, document, str(file))
    return contents


def _own_and_team(
    loaded: LoadedStudy, reports: Path, address: str | None
) -> tuple[Database, Database]:
    from harness.results_folder import STORE_VARIABLE, database_of, store_file
    from harness.store import PostgresSchema, SQLiteFile

    team = database_of(loaded, reports, address)
    if not isinstance(team, PostgresSchema):
        terminal.fail(f"name the database by --store or {STORE_VARIABLE}")
    return SQLiteFile(store_file(loaded, reports)), team


def _copy(loaded: LoadedStudy, source: Database, target: Database) -> None:
    from harness.errors import UserError
    from harness.store import Store
    from harness.store.contents import read_contents
    from harness.study_file import refuse_other_study

    if not source.exists():
        raise UserError(f"{source.name}: holds no results yet")
    with Store(source) as there, Store(target) as here:
        for store in (there, here):
            refuse_other_study(loaded, store.study(), store.name)
        _add(read_contents(there), source.name, here)


def _add(contents: Contents, source: str, target: Store) -> None:
    """Add to a store what it does not have yet, and say how much that was."""
    from harness.quantities import plural
    from harness.store.contents import add_contents

    added = add_contents(target, contents)
    finished = plural(contents.finished, "finished trial")
    alone = f", and the times of {plural(added.times, 'trial')} taken alone" if added.times else ""
    terminal.answer(f"{finished} in {source}; {added.trials} added to {target.name}{alone}")


def _tell(loaded: LoadedStudy, repaired: Repaired) -> None:
    """Say what was saved, and what must be trained again."""
    from harness.quantities import plural

    terminal.answer(f"The damaged file is kept as {repaired.damaged}.")
    terminal.answer(f"Saved: {plural(len(repaired.finished), 'finished trial')}.")
    if repaired.unsealed:
        terminal.answer(
            f"Not saved: {plural(repaired.unsealed, 'trial')} of an older version, which stored no "
            "checksums: nobody can tell whether they are as they were."
        )
    if repaired.finished and not repaired.has_protocol:
        terminal.answer(
            "Lost: what was claimed before the first trial, so every claim is exploratory now."
        )
    study, lines = loaded.study, []
    for arm in study.all_arms:
        there = {replicate for name, replicate in repaired.finished if name == arm.name}
        missing = [str(r) for r in study.study.replicate_ids if r not in there]
        if missing:
            lines.append(f"  {arm.name}: replicate {', '.join(missing)}")
    if lines:
        terminal.answer(f"To be trained, by `{loaded.command()}`:")
    for line in lines:
        terminal.answer(line)
