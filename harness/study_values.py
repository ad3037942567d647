"""What the tables of a study file are made of: counts, seeds, words, times."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from harness.quantities import LONGEST_SECONDS, seconds_in

MAX_SEED = 2**32 - 1
MOST_EPOCHS = 1_000_000


class Section(BaseModel):
    """A table of the study file: unknown keys are errors, types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _as_seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    seconds = seconds_in(value)
    if seconds is None:
        raise ValueError(f'"{value}" is no time: write "90s", "10m", "1h30m", or seconds')
    return seconds


Count = Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
SOMETHING = r"\S"
NonEmpty = Annotated[str, Field(min_length=1, pattern=SOMETHING)]
Wait = Annotated[
    float,
    Field(gt=0, le=LONGEST_SECONDS),
    BeforeValidator(_as_seconds),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}]}),
]
"""A time in seconds; in the file also in words."""
