"""``bench report`` and ``bench calibrate``: what stored results say. Nothing is trained."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import terminal
from harness.commands.gating import Gate, GatedCommand, OrEqual, check_gate, conclude
from harness.commands.options import (
    REPORTS,
    AllowCode,
    Json,
    Lang,
    Profile,
    Quiet,
    Reports,
    StoreAddress,
    StudyFile,
    Verbose,
)
from harness.commands.results import load, stored, write_json
from harness.language import Language

app = typer.Typer()


@app.command(cls=GatedCommand)
def report(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    gate: Gate = None,
    or_equal: OrEqual = False,
    allow_code: AllowCode = False,
    lang: Lang = Language.EN,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Rebuild a study's report from its store, without training."""
    from harness.results_folder import results_folder, write_page

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=verbose)
        loaded = load(file, profile, allow_code=allow_code)
        check_gate(loaded, gate, or_equal=or_equal)
        results = stored(loaded, reports, store)
        page = write_page(results, results_folder(loaded, reports), lang)
        terminal.say(f"report: {page}")
        code = conclude(results, gate, or_equal=or_equal, json=json)
        broken = gate is not None and (results.trials["status"] == "failed").any()
        raise typer.Exit(terminal.TRIALS_FAILED if broken else code)


@app.command()
def calibrate(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            help="Simulated studies of each kind; 2,000 if not given, or what a minute allows.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Say how often a study's decisions err.

    Simulated from its stored trials, where the truth is known. Nothing is trained.
    """
    from harness.analyses.calibration import REPEATS, affordable
    from harness.analyses.calibration import calibrate as run
    from harness.prose.calibration_words import document, summary, table_lines

    with terminal.plain_errors():
        results = stored(load(file, profile), reports, store)
        found = run(results, repeats=repeats or affordable(results, 60.0) or REPEATS)
        if found is None:
            terminal.fail(f"{file}: no claim can be tested yet, so there is nothing to calibrate")
        for line in [*table_lines(found), *summary(found)]:
            terminal.answer(line)
        write_json(json, document(found))
