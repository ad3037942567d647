"""``--engine`` and ``--scheduler``: who trains."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.running.session import Hire


class Engine(StrEnum):
    """Who trains: processes of this machine, or a dask cluster."""

    LOCAL = "local"
    DASK = "dask"


EngineName = Annotated[
    Engine, typer.Option("--engine", help="local: worker processes here; dask: a dask cluster.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="With --engine dask: a running scheduler, e.g. tcp://host:8786; else one starts here.",
    ),
]


def hire_for(engine: Engine, scheduler: str | None) -> Hire | None:
    """How the engine hires its workers; None for those of this machine."""
    if scheduler is not None and engine != Engine.DASK:
        terminal.fail("--scheduler goes with --engine dask")
    if engine == Engine.LOCAL:
        return None
    from harness.running.dask_crew import dask_hired

    return partial(dask_hired, scheduler=scheduler)
