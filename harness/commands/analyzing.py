"""``bench analyze``: the whole analysis of runs that others trained, without a study file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal
from harness.commands.options import Json, Lang, Quiet
from harness.commands.results import print_answer, watched, write_json
from harness.language import Language

if TYPE_CHECKING:
    from harness.results import Results

app = typer.Typer()


class LogKind(StrEnum):
    """The kinds of log that can be forced; `harness.logs.run.Kind` for the command line."""

    CSV = "csv"
    TIDY = "tidy"
    TENSORBOARD = "tensorboard"
    TENSORBOARD_CSV = "tensorboard-csv"
    WANDB = "wandb"
    WANDB_RUNS = "wandb-runs"
    MLFLOW = "mlflow"
    MLPERF = "mlperf"
    JSON = "json"


class Scale(StrEnum):
    """What an accuracy of 1 is: all, or one in a hundred."""

    PERCENT = "percent"
    FRACTION = "fraction"


class Restarts(StrEnum):
    """What a log is in which a run begins again from scratch."""

    SEPARATE = "separate"
    LAST = "last"


class Pauses(StrEnum):
    """Whether a pause is training time."""

    IN = "in"
    OUT = "out"


class Time(StrEnum):
    """What a time to a target is counted in."""

    EPOCHS = "epochs"
    STEPS = "steps"
    SECONDS = "seconds"
    CPU = "cpu"


@app.command()
def analyze(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="Logs, folders of runs, or quoted patterns."),
    ],
    *,
    arm_from: Annotated[
        str | None,
        typer.Option(
            "--arm-from",
            metavar="PATTERN",
            help='How a path or a run\'s name ends, such as "{arm}-s{replicate}.csv".',
        ),
    ] = None,
    target: Annotated[
        float | None, typer.Option("--target", help="Level of the metric to be reached.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="Metric to compare, by the logs' own name for it."),
    ] = None,
    time: Annotated[
        Time | None,
        typer.Option("--time", help="What the time to the target is counted in."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option("--budget", min=1, help="Epochs that every run was given."),
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="Difference in the metric that is nothing.")
    ] = 0.0,
    time_margin: Annotated[
        float, typer.Option("--time-margin", min=0, help="Difference in time that is nothing.")
    ] = 0.0,
    alpha: Annotated[
        float, typer.Option("--alpha", min=1e-6, max=0.49, help="Error rate over all claims.")
    ] = 0.05,
    paired: Annotated[
        bool, typer.Option("--paired", help="Runs of the same replicate name share their seeds.")
    ] = False,
    kind: Annotated[
        LogKind | None, typer.Option("--kind", help="Kind of all logs; found out if not given.")
    ] = None,
    scale: Annotated[
        Scale | None, typer.Option("--scale", help="Scale of accuracies; found out if not given.")
    ] = None,
    restarts: Annotated[
        Restarts | None,
        typer.Option("--restarts", help="What to take of a log that begins again from scratch."),
    ] = None,
    pauses: Annotated[
        Pauses | None, typer.Option("--pauses", help="Whether pauses count as training time.")
    ] = None,
    json: Json = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write the report, with the tables it links to beside."
        ),
    ] = None,
    lang: Lang = Language.EN,
    quiet: Quiet = False,
) -> None:
    """Compare runs that others trained, from their logs alone.

    Every pair of arms is compared on the time to the target, the final value and the time to the
    plateau; Holm's method covers all of it.
    """
    from harness.log_claims import Asked
    from harness.logged import analyze as run
    from harness.logs import Reading
    from harness.prose.notices import study_notices
    from harness.prose.words import sentence
    from harness.report.log_document import analysis_document, analysis_lines

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=False)
        is_metric = metric in {"val_accuracy", "accuracy", "val_loss", "loss"}
        reading = Reading(
            kind=None if kind is None else kind.value,
            metric=None if is_metric else metric,
            scale=None if scale is None else scale.value,
            restarts=None if restarts is None else restarts.value,
            axis="epochs" if time is Time.EPOCHS else "steps" if time is Time.STEPS else None,
            pauses=None if pauses is None else pauses.value,
        )
        asked = Asked(
            metric=metric or "" if is_metric else "",
            target=target,
            time=None if time is None else time.value,
            alpha=alpha,
            margin=margin,
            time_margin=time_margin,
            is_paired=paired,
            budget=budget,
        )
        with watched() as watch:
            results = run(files, reading, asked, pattern=arm_from, watch=watch)
        for notice in study_notices(results):
            terminal.say(f"note: {notice}")
        for line in analysis_lines(results):
            terminal.answer(line)
        if any(verdict.reason is None for verdict in results.verdicts):
            print_answer(results)
        elif results.verdicts:
            reason = sentence(str(results.verdicts[0].reason))
            terminal.answer(f"No claim can be tested. {reason}")
        write_json(json, analysis_document(results))
        if html is not None:
            _write_html(html, results, lang)
            terminal.say(f"report: {html}")


def _write_html(file: Path, results: Results, lang: Language) -> None:
    from harness.results_folder import write_page

    write_page(results, file.parent, lang).replace(file)
