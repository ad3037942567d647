"""``bench export``: a study's tables for spreadsheets, notebooks and papers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.commands import terminal
from harness.commands.options import REPORTS, Profile, Quiet, Reports, StoreAddress, StudyFile
from harness.commands.results import load, stored

app = typer.Typer()


class Form(StrEnum):
    """The forms that tables take."""

    CSV = "csv"
    PARQUET = "parquet"
    LATEX = "latex"
    MARKDOWN = "markdown"


@app.command()
def export(
    file: StudyFile,
    *,
    to: Annotated[Form, typer.Option("--to", help="The form that the tables take.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder to write to; tables/ beside the report if none."),
    ] = None,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    quiet: Quiet = False,
) -> None:
    """Write a study's tables for other programs and for papers."""
    from harness.report.formats import export_tables
    from harness.results_folder import results_folder

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=False)
        loaded = load(file, profile)
        results = stored(loaded, reports, store)
        folder = output or results_folder(loaded, reports) / "tables"
        for written in export_tables(results, to.value, folder):
            terminal.say(str(written))
