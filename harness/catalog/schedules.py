"""Learning-rate schedules: what `learning_rate = { schedule = "...", ... }` may hold.

The defaults are those of `keras.optimizers.schedules`; steps are batches, not epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from harness.catalog.lazy import load_keras
from harness.catalog.problems import Problem, refuse, unknown
from harness.catalog.settings import (
    REQUIRED,
    Flag,
    Number,
    Numbers,
    Setting,
    check_settings,
    not_negative,
    positive,
    share,
)

if TYPE_CHECKING:
    import keras

STEPS = positive(REQUIRED, whole=True)
RATE = positive(REQUIRED)


@dataclass(frozen=True)
class Schedule:
    """A schedule of Keras by its class and the settings it takes."""

    keras_class: str
    settings: Mapping[str, Setting]


SCHEDULES: Mapping[str, Schedule] = {
    "cosine_decay": Schedule(
        "CosineDecay",
        {
            "initial_learning_rate": not_negative(REQUIRED),
            "decay_steps": STEPS,
            "alpha": share(0.0, below_one=False),
            "warmup_target": positive(),
            "warmup_steps": not_negative(0, whole=True),
        },
    ),
    "cosine_decay_restarts": Schedule(
        "CosineDecayRestarts",
        {
            "initial_learning_rate": RATE,
            "first_decay_steps": STEPS,
            "t_mul": Number(2.0, low=1),
            "m_mul": positive(1.0),
            "alpha": share(0.0, below_one=False),
        },
    ),
    "exponential_decay": Schedule(
        "ExponentialDecay",
        {
            "initial_learning_rate": RATE,
            "decay_steps": STEPS,
            "decay_rate": RATE,
            "staircase": Flag(False),
        },
    ),
    "inverse_time_decay": Schedule(
        "InverseTimeDecay",
        {
            "initial_learning_rate": RATE,
            "decay_steps": STEPS,
            "decay_rate": not_negative(REQUIRED),
            "staircase": Flag(False),
        },
    ),
    "piecewise_constant_decay": Schedule(
        "PiecewiseConstantDecay",
        {
            "boundaries": Numbers(REQUIRED, Number(low=1, whole=True)),
            "values": Numbers(REQUIRED, positive()),
        },
    ),
    "polynomial_decay": Schedule(
        "PolynomialDecay",
        {
            "initial_learning_rate": RATE,
            "decay_steps": STEPS,
            "end_learning_rate": not_negative(0.0001),
            "power": positive(1.0),
            "cycle": Flag(False),
        },
    ),
}


def check(table: Mapping[str, object], prefix: str = "learning_rate.") -> list[Problem]:
    """Check a schedule's table.

    Args:
        table: The table as the study file holds it, `schedule` included.
        prefix: Path in front of each key in the problems.

    Returns:
        What is wrong with it; empty when it can be built.
    """
    name = table.get("schedule")
    if not isinstance(name, str) or name not in SCHEDULES:
        return [unknown(prefix + "schedule", name, "a schedule", SCHEDULES)]
    rules = SCHEDULES[name].settings
    given = {key: value for key, value in table.items() if key != "schedule"}
    return check_settings(given, rules, name, prefix) or _check_together(name, given, prefix)


def build(table: Mapping[str, object]) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Build the Keras schedule that a table describes.

    Raises:
        CatalogError: The table does not pass `check`.
    """
    refuse("the learning-rate schedule", check(table))
    keras = load_keras()
    schedule = SCHEDULES[str(table["schedule"])]
    settings = {
        key: schedule.settings[key].convert(value)
        for key, value in table.items()
        if key != "schedule"
    }
    return getattr(keras.optimizers.schedules, schedule.keras_class)(**settings)


def name_of(keras_class: str) -> str:
    """Return the name by which a study file calls a Keras schedule class."""
    names = {schedule.keras_class: name for name, schedule in SCHEDULES.items()}
    return names.get(keras_class, keras_class)


def _check_together(name: str, given: Mapping[str, object], prefix: str) -> list[Problem]:
    """Check what no setting can tell alone."""
    if name == "piecewise_constant_decay":
        boundaries = cast(Sequence[int], given["boundaries"])
        return _check_pieces(boundaries, cast(Sequence[float], given["values"]), prefix)
    if name == "cosine_decay" and ("warmup_target" in given) != bool(given.get("warmup_steps")):
        message = "is needed together with the other: warmup_target and warmup_steps (1 or more)"
        return [Problem(prefix + "warmup_target", given.get("warmup_target"), message)]
    if not given.get("warmup_target", given.get("initial_learning_rate")):
        message = "must be above 0 when there is no warmup"
        return [Problem(prefix + "initial_learning_rate", 0, message)]
    return []


def _check_pieces(boundaries: Sequence[int], values: Sequence[float], prefix: str) -> list[Problem]:
    problems = []
    if list(boundaries) != sorted(set(boundaries)):
        problems.append(Problem(prefix + "boundaries", boundaries, "must rise from step to step"))
    if len(values) != len(boundaries) + 1:
        message = f"must hold one more than boundaries: {len(boundaries) + 1}, not {len(values)}"
        problems.append(Problem(prefix + "values", values, message))
    return problems
