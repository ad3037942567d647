"""``bench store``: repair a damaged store, or move results between a file and a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.commands import terminal
from harness.commands.options import REPORTS, Profile, Reports, StoreAddress, StudyFile
from harness.commands.results import load

if TYPE_CHECKING:
    from harness.store.databases import Database
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
    from harness.results_folder import refuse_logs, store_file
    from harness.store.repair import repair as run

    with terminal.plain_errors():
        loaded = load(file, profile)
        refuse_logs(loaded, "it has no store")
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
        own, team = _own_and_team(load(file, profile), reports, store)
        _copy(own, team)


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
        own, team = _own_and_team(load(file, profile), reports, store)
        _copy(team, own)


def _own_and_team(
    loaded: LoadedStudy, reports: Path, address: str | None
) -> tuple[Database, Database]:
    from harness.results_folder import STORE_VARIABLE, database_of, refuse_logs, store_file
    from harness.store import PostgresSchema, SQLiteFile

    refuse_logs(loaded, "it has no store")
    team = database_of(loaded, reports, address)
    if not isinstance(team, PostgresSchema):
        terminal.fail(f"name the database by --store or {STORE_VARIABLE}")
    return SQLiteFile(store_file(loaded, reports)), team


def _copy(source: Database, target: Database) -> None:
    from harness.errors import UserError
    from harness.quantities import plural
    from harness.store import Store
    from harness.store.contents import add_contents, read_contents

    if not source.exists():
        raise UserError(f"{source.name}: holds no results yet")
    with Store(source) as there, Store(target) as here:
        contents = read_contents(there)
        added = add_contents(here, contents)
    stored = plural(contents.finished, "finished trial")
    terminal.answer(f"{stored} in {source.name}; {added} added to {target.name}")


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
        terminal.answer(f"To be trained, by `{loaded.command}`:")
    for line in lines:
        terminal.answer(line)
