"""Optimizers: the static table against Keras, and what is refused or noted before training."""

import inspect
import json
import subprocess
import sys
from typing import Any

import pytest

from harness.catalog import optimizers
from harness.catalog.optimizer_table import ELSEWHERE, OPTIMIZERS
from harness.catalog.problems import CatalogError

NO_CHOICE = {"LossScaleOptimizer", "MultiOptimizer", "Optimizer", "OptimizerMap"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_table_is_that_of_the_installed_keras(name: str) -> None:
    import keras

    optimizer = OPTIMIZERS[name]
    signature = inspect.signature(getattr(keras.optimizers, optimizer.keras_class).__init__)
    theirs = {
        key: parameter.default
        for key, parameter in signature.parameters.items()
        if key not in {"self", "name", "kwargs"}
    }
    assert {key: rule.default for key, rule in optimizer.settings.items()} == theirs


def test_every_optimizer_of_keras_is_there_under_its_keras_name() -> None:
    import keras

    module = keras.optimizers
    classes = {name for name in dir(module) if inspect.isclass(getattr(module, name))}
    assert {o.keras_class for o in OPTIMIZERS.values()} == classes - NO_CHOICE
    assert all(name == optimizer.keras_class.lower() for name, optimizer in OPTIMIZERS.items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_pass_their_own_rules_and_build(name: str) -> None:
    settings = {
        key: rule.default
        for key, rule in OPTIMIZERS[name].settings.items()
        if rule.default is not None and not key.startswith("ema_")
    }
    assert optimizers.check(name, settings) == []
    optimizers.build(name, settings)


@pytest.mark.parametrize(
    ("name", "rate"),
    [("adadelta", 0.001), ("adagrad", 0.001), ("nadam", 0.001), ("adamax", 0.001), ("sgd", 0.01)],
)
def test_effective_shows_the_defaults_of_keras_3(name: str, rate: float) -> None:
    """C1: no rate given; the report can show what was really used."""
    effective = optimizers.effective(optimizers.build(name, {}))
    assert effective["learning_rate"] == rate
    assert effective.get("epsilon", 1e-7) == 1e-7
    assert effective.get("rho", 0.95) == 0.95
    assert json.loads(json.dumps(effective)) == effective
    assert not {"name", "clipnorm", "ema_momentum"} & set(effective)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("adadelta", {"epsilon": 1e-7}, ["1.0 in its paper"]),
        ("adadelta", {"learning_rate": 1.0, "epsilon": 1e-8}, []),
        ("adadelta", {"learning_rate": 1.0}, ["1e-8"]),
        ("adagrad", {}, ["0.01"]),
        ("nadam", {}, ["0.002"]),
        ("adamax", {}, ["0.002"]),
        ("rmsprop", {"learning_rate": 0.001}, ["1e-16"]),
        ("rmsprop", {"epsilon": 1e-16}, []),
        ("sgd", {}, []),
    ],
)
def test_defaults_that_moved_are_noted(
    name: str, settings: dict[str, Any], said: list[str]
) -> None:
    """C1: "slow" may be the default; said only where the setting is left to it."""
    notes = optimizers.default_notes(name, settings)
    assert len(notes) == len(said)
    for note, part in zip(notes, said, strict=True):
        assert part in note


def test_decay_is_refused_with_the_schedule_that_does_the_same() -> None:
    """C2: Keras 3 accepts SGD(decay=0.001) and ignores it."""
    (problem,) = optimizers.check("sgd", {"decay": 0.001, "learning_rate": 0.5})
    assert problem.key == "decay"
    assert problem.suggestion == (
        'learning_rate = { schedule = "inverse_time_decay", initial_learning_rate = 0.5, '
        "decay_steps = 1, decay_rate = 0.001 }"
    )


def test_the_suggested_schedule_is_the_old_decay() -> None:
    """C2: Keras 2 divided the rate by 1 + decay * iterations."""
    rate = {
        "schedule": "inverse_time_decay",
        "initial_learning_rate": 0.5,
        "decay_steps": 1,
        "decay_rate": 0.001,
    }
    optimizer = optimizers.build("sgd", {"learning_rate": rate})
    optimizer.iterations.assign(250)
    assert float(optimizer.learning_rate) == pytest.approx(0.5 / (1 + 0.001 * 250))
    assert optimizers.effective(optimizer)["learning_rate"] == {**rate, "staircase": False}


def test_lr_is_refused_with_its_new_name() -> None:
    """C2: the key and its replacement are named before any training."""
    (problem,) = optimizers.check("sgd", {"lr": 0.5})
    assert (problem.key, problem.suggestion) == ("lr", "learning_rate")
    with pytest.raises(CatalogError, match=r"lr = 0\.5 was renamed to learning_rate"):
        optimizers.build("sgd", {"lr": 0.5})


@pytest.mark.parametrize("key", ELSEWHERE)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_suggestion_names_a_setting_that_is_not_there(name: str, key: str) -> None:
    if key in OPTIMIZERS[name].settings:
        return
    (problem,) = optimizers.check(name, {key: 0.5})
    suggestion = problem.suggestion
    assert suggestion is None or suggestion.partition(" ")[0] in OPTIMIZERS[name].settings


@pytest.mark.parametrize(
    ("name", "settings", "key", "suggestion"),
    [
        ("Adam", {}, "name", "adam"),
        ("rms_prop", {}, "name", "rmsprop"),
        ("loss_scale_optimizer", {}, "name", None),
        ("adam", {"beta1": 0.9}, "beta1", "beta_1"),
        ("adam", {"beta_1": 1.0}, "beta_1", None),
        ("adam", {"learning_rate": 0}, "learning_rate", None),
        ("adam", {"learning_rate": "0.1"}, "learning_rate", "0.1"),
        ("adam", {"learning_rate": True}, "learning_rate", None),
        ("adam", {"learning_rate": {"schedule": "x"}}, "learning_rate.schedule", None),
        ("adam", {"name": "adam"}, "name", None),
        ("sgd", {"clipnorm": 1.0, "clipvalue": 1.0}, "clipvalue", None),
        ("sgd", {"ema_momentum": 0.9}, "ema_momentum", "use_ema = true"),
        ("sgd", {"use_ema": True}, "use_ema", "ema_overwrite_frequency = 100"),
        ("lion", {"beta_1": 0}, "beta_1", None),
    ],
)
def test_what_is_wrong_is_found_without_keras(
    name: str, settings: dict[str, Any], key: str, suggestion: str | None
) -> None:
    (problem,) = optimizers.check(name, settings)
    assert (problem.key, problem.suggestion) == (key, suggestion)


def test_each_build_is_a_new_optimizer() -> None:
    """C5: one optimizer belongs to one model; the second of two models trains as well."""
    import keras
    import numpy as np

    settings = {"learning_rate": 1, "momentum": 0}
    for _ in range(2):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(optimizers.build("sgd", settings), "mse")
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert optimizers.build("sgd", settings) is not optimizers.build("sgd", settings)


def test_checking_imports_no_keras() -> None:
    code = (
        "import sys; from harness.catalog import optimizers, architectures;"
        "optimizers.check('adam', {}); architectures.check('cnn', {}, input_shape=(8, 8, 1));"
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'sklearn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
