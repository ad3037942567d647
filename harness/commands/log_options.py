"""The options of ``bench analyze``: how logs are read, and what is asked of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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


LogFiles = Annotated[
    list[Path],
    typer.Argument(metavar="FILES...", help="Logs, folders of runs, or quoted patterns."),
]
ArmFrom = Annotated[
    str | None,
    typer.Option(
        "--arm-from",
        metavar="PATTERN",
        help='How a path or a run\'s name ends, such as "{arm}-s{replicate}.csv".',
    ),
]
Target = Annotated[
    float | None, typer.Option("--target", help="Level of the metric to be reached.")
]
MetricName = Annotated[
    str | None,
    typer.Option("--metric", help="Metric to compare, by the logs' own name for it."),
]
TimeName = Annotated[
    Time | None, typer.Option("--time", help="What the time to the target is counted in.")
]
Budget = Annotated[
    int | None, typer.Option("--budget", min=1, help="Epochs that every run was given.")
]
Margin = Annotated[
    float, typer.Option("--margin", min=0, help="Difference in the metric that is nothing.")
]
TimeMargin = Annotated[
    float, typer.Option("--time-margin", min=0, help="Difference in time that is nothing.")
]
Alpha = Annotated[
    float, typer.Option("--alpha", min=1e-6, max=0.49, help="Error rate over all claims.")
]
Paired = Annotated[
    bool, typer.Option("--paired", help="Runs of the same replicate name share their seeds.")
]
KindName = Annotated[
    LogKind | None, typer.Option("--kind", help="Kind of all logs; found out if not given.")
]
ScaleName = Annotated[
    Scale | None, typer.Option("--scale", help="Scale of accuracies; found out if not given.")
]
RestartsName = Annotated[
    Restarts | None,
    typer.Option("--restarts", help="What to take of a log that begins again from scratch."),
]
PausesName = Annotated[
    Pauses | None, typer.Option("--pauses", help="Whether pauses count as training time.")
]
Html = Annotated[
    Path | None,
    typer.Option(
        "--html", metavar="FILE", help="Write the report, with the tables it links to beside."
    ),
]
