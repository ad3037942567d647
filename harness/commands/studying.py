"""``bench study`` and ``bench plan``: train, or say what training would cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal
from harness.commands.engines import Engine, EngineName, Scheduler, hire_for
from harness.commands.gating import Gate, GatedCommand, OrEqual, check_gate, conclude
from harness.commands.options import (
    REPORTS,
    AllowCode,
    Jobs,
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
from harness.screen import is_terminal

if TYPE_CHECKING:
    from harness.plan import Trial
    from harness.results import Results
    from harness.running.session import Hire, RunSummary
    from harness.store import Store
    from harness.study_file import LoadedStudy

app = typer.Typer()


@app.command(cls=GatedCommand)
def study(
    file: StudyFile,
    *,
    profile: Profile = None,
    jobs: Jobs = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    top_up: Annotated[
        bool, typer.Option("--top-up", help="Train the further replicates that claims ask for.")
    ] = False,
    max_replicates: Annotated[
        int | None,
        typer.Option(
            "--max-replicates",
            min=1,
            help="With --top-up: replicates in all; four times the present if not given.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help='Begin no further replicate after this time, such as "90s", "30m" or "1h30m"; '
            "what has begun is finished, and the report says what there is.",
        ),
    ] = None,
    engine: EngineName = Engine.LOCAL,
    scheduler: Scheduler = None,
    allow_code: AllowCode = False,
    gate: Gate = None,
    or_equal: OrEqual = False,
    lang: Lang = Language.EN,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a study, decide its claims, write its report.

    What is stored already is not trained again. A study that declares looks stops at the first
    one that leaves nothing to decide.
    """
    from harness.gather import gather
    from harness.results_folder import archive_file, open_store, results_folder, write_page
    from harness.running.budget import budget_seconds

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=verbose)
        if max_replicates is not None and not top_up:
            terminal.fail("--max-replicates goes with --top-up")
        seconds = None if budget is None else budget_seconds(budget)
        loaded, until = load(file, profile, allow_code=allow_code), None
        check_gate(loaded, gate, or_equal=or_equal)
        if loaded.study.is_of_logs:
            results = _logs_reported(loaded, reports, lang)
            raise typer.Exit(conclude(results, gate, or_equal=or_equal, json=json))
        hire, workers = hire_for(engine, scheduler), jobs or terminal.cores()
        terminal.heed_interrupts()
        with open_store(loaded, reports, store) as opened:
            _mention_archive(loaded, opened, archive_file(loaded, reports))
            if top_up:
                loaded, until = _topped_up(loaded, opened, max_replicates)
            summary = _trained(
                loaded, opened, workers=workers, until=until, hire=hire, budget=seconds
            )
            results = gather(loaded, opened)
            page = write_page(results, results_folder(loaded, reports), lang)
        _tell(summary, page, budget)
        code = conclude(results, gate, or_equal=or_equal, json=json)
        raise typer.Exit(terminal.TRIALS_FAILED if summary.failed else code)


def _mention_archive(loaded: LoadedStudy, store: Store, archive: Path) -> None:
    """Where trials lie that could be taken over, and none were yet."""
    if archive.is_file() and store.trials().empty:
        terminal.say(
            f"{archive} holds trials of this study; to take them over instead of training them "
            f"anew, stop this and run `{loaded.command('store restore')}`"
        )


def _logs_reported(loaded: LoadedStudy, reports: Path, lang: Language) -> Results:
    """Read the logs of a study of runs that others trained, and write its report."""
    from harness.results_folder import results_folder, write_page

    results = stored(loaded, reports)
    page = write_page(results, results_folder(loaded, reports), lang)
    terminal.say(f"{len(results.runs)} runs read; report: {page}")
    return results


def _topped_up(
    loaded: LoadedStudy, store: Store, max_replicates: int | None
) -> tuple[LoadedStudy, int | None]:
    """The study with the further replicates that its claims ask for, and up to which to train."""
    from harness.running.top_up import plan_top_up

    further = plan_top_up(loaded, store, max_replicates)
    for sentence in further.words:
        terminal.say(sentence)
    return further.loaded, further.until


def _trained(
    loaded: LoadedStudy,
    store: Store,
    *,
    workers: int,
    until: int | None,
    hire: Hire | None,
    budget: float | None,
) -> RunSummary:
    """Train a study under the eyes of the user; ends the command when interrupted."""
    from harness.running.live import study_view
    from harness.running.session import run_study

    view = study_view(
        terminal.console,
        loaded,
        store,
        quiet=terminal.is_quiet(),
        verbose=terminal.is_verbose(),
    )
    on_terminal = is_terminal(terminal.console)
    if on_terminal:
        terminal.say("building every arm once, so that mistakes show before any training …")
    try:
        summary = run_study(
            loaded, store, workers=workers, view=view, until=until, hire=hire, budget=budget
        )
    except KeyboardInterrupt:
        terminal.answer(
            f"Interrupted. Finished trials are kept in {store.name}; "
            "the same command goes on from there."
        )
        raise typer.Exit(terminal.INTERRUPTED) from None
    if on_terminal:
        terminal.say("writing the report …")
    return summary


def _tell(summary: RunSummary, page: Path, budget: str | None) -> None:
    """Say how a run ended."""
    terminal.say(f"{summary.trained} trained, {summary.reused} reused; report: {page}")
    if summary.postponed:
        terminal.say(
            f"The budget of {budget} is spent: {summary.postponed} of {summary.planned} trials "
            "are left; the same command goes on with them."
        )
    for trial in summary.failed:
        terminal.complain(f"{trial.arm}, replicate {trial.replicate} failed: see the report")


@app.command()
def plan(
    file: StudyFile,
    *,
    profile: Profile = None,
    jobs: Jobs = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    pilot: Annotated[
        bool, typer.Option("--pilot", help="First train one replicate of each arm, and keep it.")
    ] = False,
    pilot_replicates: Annotated[
        int | None,
        typer.Option("--pilot-replicates", min=1, help="Pilot with so many replicates; 4 or more."),
    ] = None,
    allow_code: AllowCode = False,
    json: Json = None,
) -> None:
    """Say what a study costs and how many replicates it needs."""
    from harness.planning import plan_study
    from harness.prose.plan_words import plan_document, plan_lines
    from harness.results_folder import open_store, refuse_logs, results_so_far
    from harness.running.progress import progress_view
    from harness.running.session import run_study

    with terminal.plain_errors():
        loaded = load(file, profile, allow_code=allow_code)
        refuse_logs(loaded, "there is no training to plan")
        workers = jobs or terminal.cores()
        failed: list[Trial] = []
        until = pilot_replicates or (1 if pilot else None)
        if until is not None:
            terminal.heed_interrupts()
            view = progress_view(terminal.console)
            with open_store(loaded, reports, store) as opened:
                failed = run_study(
                    loaded, opened, workers=workers, view=view, until=until, is_pilot=True
                ).failed
        planned = plan_study(loaded, results_so_far(loaded, reports, store), workers=workers)
        for line in plan_lines(planned):
            terminal.answer(line)
        write_json(json, plan_document(planned))
        for trial in failed:
            why = f"`{loaded.command('report')}` says why"
            terminal.complain(f"{trial.arm}, replicate {trial.replicate} failed: {why}")
        if failed:
            raise typer.Exit(terminal.TRIALS_FAILED)
