"""What a study file says of runs that others trained: logs to decide on, single runs to judge."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.logs.run import Kind, Pauses, Restarts, Scale
from harness.study_values import NonEmpty, Section

ELSEWHERE = "elsewhere"
"""What stands for the architecture, optimizer and data of runs that others trained."""


class Logs(Section):
    """``logs``: runs that others trained, in place of an architecture and an optimizer.

    Attributes:
        path: File, folder or pattern such as ``"runs/cnn-*.csv"``, or a list of these, relative to
            the study file.
        kind: The kind of log; found out for each file if not given.
        arm: Which arm's runs to take, where the logs name arms in a column.
        replicate_from: How a path or a run's name ends, such as ``"*-s{replicate}.csv"``.
        metric: The metric's column by the log's own name, where it is not a name that is known.
        scale: Whether accuracies are logged from 0 to 100; found out if not given.
        restarts: What to do with a log in which a run begins again from scratch.
        pauses: Whether pauses count as training time; claims on elapsed seconds ask for it.
    """

    path: NonEmpty | Annotated[list[NonEmpty], Field(min_length=1)]
    kind: Kind | None = None
    arm: NonEmpty | None = None
    replicate_from: NonEmpty | None = None
    metric: NonEmpty | None = None
    scale: Scale | None = None
    restarts: Restarts | None = None
    pauses: Pauses | None = None

    @property
    def paths(self) -> list[str]:
        """The paths as a list."""
        return [self.path] if isinstance(self.path, str) else list(self.path)


class PublishedRuns(Section):
    """``[published]``: single runs from elsewhere, drawn over the curves of the arms they name.

    ``data`` names what they were trained on, where that is known: if it is not the study's own
    data, the report says that a difference may come from there.

    Attributes:
        curves: A CSV file: arm, epoch and metrics, one row an epoch.
        label: What the runs are called in the report.
        data: What they were trained on.
    """

    curves: NonEmpty
    label: NonEmpty
    data: NonEmpty | None = None
