"""Whether a stored trial comes out again: its curve bit for bit, or else where it first differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

RESULT_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy")
"""What must come out again; times never do."""

Row = Mapping[str, float | int | None]
Sameness = Literal["identical", "different", "failed"]


@dataclass(frozen=True)
class Difference:
    """The first number of a curve that did not come out again.

    Attributes:
        epoch: Epoch of the row.
        column: Its column; ``epoch`` where one curve ended earlier.
        stored: The stored number; None where there is none.
        again: The number of the second training; None where there is none.
    """

    epoch: int
    column: str
    stored: float | None
    again: float | None


@dataclass(frozen=True)
class Retrained:
    """A stored trial that was trained again.

    Attributes:
        arm: Its arm.
        replicate: Its replicate.
        difference: Where its curves first differ; None if they do not, or if it failed.
        error: Why it could not be trained again; None if it was.
        environment: By key, what it ran on then and now, where that differs; None if what it ran
            on then is not known.
    """

    arm: str
    replicate: int
    difference: Difference | None
    error: str | None
    environment: Mapping[str, Sequence[str]] | None

    @property
    def outcome(self) -> Sameness:
        """What came of it."""
        if self.error is not None:
            return "failed"
        return "identical" if self.difference is None else "different"


@dataclass(frozen=True)
class Verification:
    """A reproducibility audit of a study's store.

    Attributes:
        day: Date of the audit, ISO 8601.
        stored: Trials that could have been drawn.
        seed: Seed of the draw.
        trials: The trials that were drawn and trained again.
        changed_verdicts: Claims whose verdict changes when the drawn trials are replaced by their
            second training.
    """

    day: str
    stored: int
    seed: int
    trials: tuple[Retrained, ...]
    changed_verdicts: tuple[str, ...]

    @property
    def is_identical(self) -> bool:
        """Whether every drawn trial came out again, bit for bit."""
        return all(trial.outcome == "identical" for trial in self.trials)

    @property
    def is_explained(self) -> bool:
        """Whether every trial that differs is known to have run on something else before."""
        return all(trial.environment for trial in self.trials if trial.outcome == "different")

    @property
    def is_reproduced(self) -> bool:
        """Whether what is stored can be relied on: the same, or other digits for a known reason."""
        failed = any(trial.outcome == "failed" for trial in self.trials)
        return not failed and self.is_explained and not self.changed_verdicts

    def document(self) -> dict[str, Any]:
        """The audit as plain data, for JSON and the store."""
        return {
            **asdict(self),
            "trials": [{**asdict(trial), "outcome": trial.outcome} for trial in self.trials],
            "identical": self.is_identical,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Verification:
        """The audit that `document` wrote down."""
        return cls(
            day=document["day"],
            stored=document["stored"],
            seed=document["seed"],
            trials=tuple(
                Retrained(
                    arm=trial["arm"],
                    replicate=trial["replicate"],
                    difference=trial["difference"] and Difference(**trial["difference"]),
                    error=trial["error"],
                    environment=trial["environment"],
                )
                for trial in document["trials"]
            ),
            changed_verdicts=tuple(document["changed_verdicts"]),
        )


def first_difference(stored: Sequence[Row], again: Sequence[Row]) -> Difference | None:
    """The first epoch and column in which two curves differ, compared bit for bit.

    Args:
        stored: One mapping an epoch: ``epoch`` and `RESULT_COLUMNS`, None where not finite.
        again: The same of the second training.
    """
    for before, after in zip(stored, again, strict=False):
        for column in RESULT_COLUMNS:
            if before[column] != after[column]:
                return Difference(_epoch(before), column, before[column], after[column])
    if len(stored) == len(again):
        return None
    longer = max(stored, again, key=len)
    epoch = _epoch(longer[min(len(stored), len(again))])
    ends = (None, float(epoch)) if len(stored) < len(again) else (float(epoch), None)
    return Difference(epoch, "epoch", *ends)


def _epoch(row: Row) -> int:
    return int(row["epoch"] or 0)
