"""The commands: parse, call, print. No logic lives here.

Heavy modules are imported inside the commands, so that ``bench --help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from harness.errors import UserError

if TYPE_CHECKING:
    from harness.catalog.datasets import DatasetInfo
    from harness.results import Results
    from harness.store import Store
    from harness.study_file import LoadedStudy

FINE, TRIALS_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    help="Statistical benchmarking of training runs: what is real, what is noise, and what the "
    "data cannot tell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Datasets: what is there, and how to get the rest.")
app.add_typer(data_app, name="data", no_args_is_help=True)

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's TOML file.")]
Profile = Annotated[
    str | None, typer.Option("--profile", help="A profile of the study, e.g. smoke or full.")
]
Reports = Annotated[
    Path, typer.Option("--reports", help="Folder that holds one results folder a study.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Worker processes; as many as cores if not given."),
]


@app.command()
def study(
    file: StudyFile,
    *,
    profile: Profile = None,
    jobs: Jobs = None,
    reports: Reports = Path("reports"),
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
) -> None:
    """Train what is missing of a study, decide its claims, write its report.

    A study that declares looks stops at the first one that leaves nothing to decide.

    Exit codes: 0 fine, 1 trials failed, 2 bad input, 130 interrupted.
    """
    from harness.running.progress import progress_view
    from harness.running.session import run_study
    from harness.running.top_up import plan_top_up
    from harness.store import Store

    with _plain_errors():
        if max_replicates is not None and not top_up:
            _fail("--max-replicates goes with --top-up")
        loaded, until = _load(file, profile), None
        folder = reports / loaded.folder_name
        workers = jobs or _cores()
        signal.signal(signal.SIGTERM, _interrupt)
        with Store(folder / "results.db") as store:
            if top_up:
                further = plan_top_up(loaded, store, max_replicates)
                loaded, until = further.loaded, further.until
                for sentence in further.words:
                    _say(sentence)
            view = progress_view(console)
            try:
                summary = run_study(loaded, store, workers=workers, view=view, until=until)
            except KeyboardInterrupt:
                _say(
                    f"Interrupted. Finished trials are kept in {store.file}; "
                    "the same command goes on from there."
                )
                raise typer.Exit(INTERRUPTED) from None
            results, page = _report(loaded, store, folder)
        _say(f"{summary.trained} trained, {summary.reused} reused; report: {page}")
        for trial in summary.failed:
            _complain(f"{trial.arm}, replicate {trial.replicate} failed: see the report")
        _answer(results)
        raise typer.Exit(TRIALS_FAILED if summary.failed else FINE)


@app.command()
def report(file: StudyFile, profile: Profile = None, reports: Reports = Path("reports")) -> None:
    """Rebuild a study's report from its stored results, without training."""
    from harness.store import Store

    with _plain_errors():
        loaded = _load(file, profile)
        folder = _folder_with_results(loaded, reports)
        with Store(folder / "results.db") as store:
            results, page = _report(loaded, store, folder)
        _say(f"report: {page}")
        _answer(results)


@app.command()
def plan(
    file: StudyFile,
    *,
    profile: Profile = None,
    jobs: Jobs = None,
    reports: Reports = Path("reports"),
    pilot: Annotated[
        bool, typer.Option("--pilot", help="First train one replicate of each arm, and keep it.")
    ] = False,
    pilot_replicates: Annotated[
        int | None,
        typer.Option("--pilot-replicates", min=1, help="Pilot with so many replicates; 4 or more."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the plan to a file, too.")
    ] = None,
) -> None:
    """Say what a study will cost, what it can show, and how many replicates its claims ask for."""
    from harness.gather import gather
    from harness.planning import plan_study
    from harness.prose.plan_words import plan_document, plan_lines
    from harness.report.exports import json_text
    from harness.report.files import make_folder, write_whole
    from harness.running.progress import progress_view
    from harness.running.session import run_study
    from harness.store import Store

    with _plain_errors():
        loaded = _load(file, profile)
        database, workers = reports / loaded.folder_name / "results.db", jobs or _cores()
        until = pilot_replicates or (1 if pilot else None)
        results = None
        if until is not None or database.is_file():
            with Store(database) as store:
                if until is not None:
                    view = progress_view(console)
                    run_study(loaded, store, workers=workers, view=view, until=until, is_pilot=True)
                results = gather(loaded, store)
        planned = plan_study(loaded, results, workers=workers)
        for line in plan_lines(planned):
            _say(line)
        if json is not None:
            make_folder(json.parent)
            write_whole(json.parent, json.name, json_text(plan_document(planned)))


@app.command()
def judge(
    run: Annotated[
        Path, typer.Argument(metavar="RUN.csv", help="One run: a row an epoch, with its metrics.")
    ],
    *,
    against: Annotated[
        str, typer.Option("--against", metavar="STUDY:ARM", help="The study's file and its arm.")
    ],
    profile: Profile = None,
    reports: Reports = Path("reports"),
    arm: Annotated[
        str | None,
        typer.Option("--arm", help="Which run, if the file has several named in a column arm."),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write the numbers to a file, too."),
    ] = None,
) -> None:
    """Say whether a single run from elsewhere is a typical run of an arm."""
    from harness.analyses.judge import judge_run, judgement_document, known_arm, study_and_arm
    from harness.analyses.single_run import read_run
    from harness.gather import gather
    from harness.prose.curve_words import judgement_sentence
    from harness.report.exports import json_text
    from harness.report.files import make_folder, write_whole
    from harness.store import Store

    with _plain_errors():
        file, name = study_and_arm(against)
        loaded, single = _load(file, profile), read_run(run, arm)
        with Store(_folder_with_results(loaded, reports) / "results.db") as store:
            results = gather(loaded, store)
        judged = judge_run(results, known_arm(results, name), single)
        for notice in single.notices:
            _complain(f"{run}: {notice}")
        for judgement in judged:
            _say(judgement_sentence(judgement, run.name))
        if json is not None:
            document = {
                "run": str(run),
                "study": loaded.study.study.name,
                "profile": loaded.profile,
                "data": loaded.study.data.label,
                "arm": name,
                "judgements": [judgement_document(judgement) for judgement in judged],
            }
            make_folder(json.parent)
            write_whole(json.parent, json.name, json_text(document))


@app.command()
def calibrate(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = Path("reports"),
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            help="Simulated studies of each kind; 2,000 if not given, or what a minute allows.",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rates to a file, too.")
    ] = None,
) -> None:
    """Say how often a study's decisions err, from its stored trials. Nothing is trained."""
    from harness.analyses.calibration import REPEATS, affordable
    from harness.analyses.calibration import calibrate as run
    from harness.gather import gather
    from harness.prose.calibration_words import document, summary, table_lines
    from harness.report.exports import json_text
    from harness.report.files import make_folder, write_whole
    from harness.store import Store

    with _plain_errors():
        loaded = _load(file, profile)
        with Store(_folder_with_results(loaded, reports) / "results.db") as store:
            results = gather(loaded, store)
        found = run(results, repeats=repeats or affordable(results, 60.0) or REPEATS)
        if found is None:
            _fail(f"{file}: no claim can be tested yet, so there is nothing to calibrate")
        for line in [*table_lines(found), *summary(found)]:
            _say(line)
        if json is not None:
            make_folder(json.parent)
            write_whole(json.parent, json.name, json_text(document(found)))


@app.command()
def catalog() -> None:
    """List the architectures, optimizers, datasets and measures that a study can name."""
    from harness.catalog import architectures, datasets, optimizers
    from harness.measures import MEASURES

    sections = {
        "architectures": architectures.available(),
        "optimizers": optimizers.available(),
        "datasets": {info.name: _dataset_words(info) for info in datasets.available()},
        "measures": {
            kind: (measure.__doc__ or "").strip().partition("\n")[0]
            for kind, measure in MEASURES.items()
        },
    }
    for title, entries in sections.items():
        _say(f"{title}:")
        width = max(map(len, entries))
        for name, summary in entries.items():
            _say(f"  {name:<{width}}  {summary}")
    _say('Your own: "package.module:function" as architecture or dataset; see the README.')


@data_app.command("list")
def data_list() -> None:
    """List the datasets and whether they are on this machine."""
    from harness.catalog import datasets

    for info in datasets.available():
        _say(f"{info.name:<14} {_dataset_words(info)}")


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Download a dataset, check it, and keep it in the user's cache."""
    from harness.catalog import datasets

    with _plain_errors():
        raw = datasets.fetch(name)
        _say(f"{name}: ready, from {raw.source}")


def _load(file: Path, profile: str | None) -> LoadedStudy:
    from harness.study_file import load_study

    loaded = load_study(file, profile)
    for warning in loaded.warnings:
        _complain(f"warning: {warning}")
    return loaded


def _folder_with_results(loaded: LoadedStudy, reports: Path) -> Path:
    folder = reports / loaded.folder_name
    if not (folder / "results.db").is_file():
        profile = f" --profile {loaded.profile}" if loaded.profile else ""
        _fail(f"{folder}: holds no results yet; run `bench study {loaded.file}{profile}` first")
    return folder


def _report(loaded: LoadedStudy, store: Store, folder: Path) -> tuple[Results, Path]:
    from harness.gather import gather, sample_images
    from harness.report import write_report

    results = gather(loaded, store)
    return results, write_report(results, folder, images=sample_images(loaded))


def _answer(results: Results) -> None:
    from harness.prose.words import answer, answering, verdict_sentence

    _say("")
    headline = answering(results.verdicts)
    for verdict in results.verdicts:
        if verdict not in headline:
            _say(f"- {verdict_sentence(verdict)}")
    _say("")
    _say(results.loaded.study.study.question)
    _say(answer(results.verdicts))


def _dataset_words(info: DatasetInfo) -> str:
    size = " x ".join(map(str, info.shape))
    here = "embedded" if info.embedded else "cached" if info.cached else "not fetched yet"
    return f"{info.images:,} images {size}, {info.classes} classes; {here}; from {info.sources}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)


def _complain(text: str) -> None:
    errors.print(text, markup=False, soft_wrap=True)


def _fail(text: str) -> NoReturn:
    _complain(text)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Errors that the user can mend end the command with their text alone and exit code 2."""
    try:
        yield
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


if __name__ == "__main__":
    sys.exit(app())
