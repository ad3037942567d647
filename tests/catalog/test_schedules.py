"""Learning-rate schedules: the static table against Keras, and what is refused before it."""

import inspect
from typing import Any

import pytest

from harness.catalog import schedules
from harness.catalog.problems import CatalogError
from harness.catalog.schedules import SCHEDULES
from harness.catalog.settings import REQUIRED

EXAMPLES: dict[str, dict[str, Any]] = {
    "cosine_decay": {"initial_learning_rate": 0.1, "decay_steps": 100, "alpha": 0.01},
    "cosine_decay_restarts": {"initial_learning_rate": 0.1, "first_decay_steps": 10},
    "exponential_decay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
    "inverse_time_decay": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.001},
    "piecewise_constant_decay": {"boundaries": [10, 20], "values": [1, 0.1, 0.01]},
    "polynomial_decay": {"initial_learning_rate": 0.1, "decay_steps": 100},
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_table_is_that_of_the_installed_keras(name: str) -> None:
    import keras

    schedule = SCHEDULES[name]
    signature = inspect.signature(getattr(keras.optimizers.schedules, schedule.keras_class))
    theirs = {
        key: REQUIRED if parameter.default is parameter.empty else parameter.default
        for key, parameter in signature.parameters.items()
        if key != "name"
    }
    assert {key: rule.default for key, rule in schedule.settings.items()} == theirs


def test_every_schedule_of_keras_is_there() -> None:
    import keras

    module = keras.optimizers.schedules
    classes = {name for name in dir(module) if inspect.isclass(getattr(module, name))}
    assert {s.keras_class for s in SCHEDULES.values()} == classes - {"LearningRateSchedule"}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_builds_and_starts_at_its_rate(name: str) -> None:
    table = {"schedule": name, **EXAMPLES[name]}
    start = table.get("initial_learning_rate", 1)
    assert schedules.check(table) == []
    assert float(schedules.build(table)(0)) == pytest.approx(start)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({}, "learning_rate.schedule"),
        ({"schedule": "cosine"}, "learning_rate.schedule"),
        ({"schedule": ["cosine_decay"]}, "learning_rate.schedule"),
        (
            {"schedule": "cosine_decay", "initial_learning_rate": 0.1},
            "learning_rate.decay_steps",
        ),
        (
            {"schedule": "cosine_decay", "initial_learning_rate": 0, "decay_steps": 9},
            "learning_rate.initial_learning_rate",
        ),
        (
            {"schedule": "cosine_decay", **EXAMPLES["cosine_decay"], "warmup_target": 1},
            "learning_rate.warmup_target",
        ),
        (
            {"schedule": "piecewise_constant_decay", "boundaries": [2, 1], "values": [3, 2, 1]},
            "learning_rate.boundaries",
        ),
        (
            {"schedule": "piecewise_constant_decay", "boundaries": [1, 2], "values": [3, 2]},
            "learning_rate.values",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_by_its_key(table: dict[str, Any], key: str) -> None:
    assert [problem.key for problem in schedules.check(table)] == [key]
    with pytest.raises(CatalogError, match=key):
        schedules.build(table)


def test_warmup_may_start_at_zero() -> None:
    table = {
        "schedule": "cosine_decay",
        "initial_learning_rate": 0.0,
        "decay_steps": 100,
        "warmup_target": 0.5,
        "warmup_steps": 10,
    }
    assert schedules.check(table) == []
    assert float(schedules.build(table)(10)) == pytest.approx(0.5)
