"""The compiled epoch trains as Keras' own ``fit`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.catalog import architectures, datasets, optimizers
from harness.catalog.layers import ModelSeeds

Optimizer = tuple[str, dict[str, Any]]

ADADELTA: Optimizer = ("adadelta", {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-8})
MAIN: list[Optimizer] = [
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("rmsprop", {"learning_rate": 0.001, "epsilon": 1e-16}),
    ADADELTA,
    ("adam", {"learning_rate": 0.001}),
]
OTHERS: list[Optimizer] = [
    ("sgd", {"learning_rate": 0.1, "loss_scale_factor": 8.0}),
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("rmsprop", {"learning_rate": 0.001, "momentum": 0.5, "centered": True, "clipnorm": 1.0}),
    ("adam", {"learning_rate": 0.001, "amsgrad": True}),
    ("adam", {"learning_rate": 0.001, "gradient_accumulation_steps": 2}),
    ("adamw", {"learning_rate": 0.001, "weight_decay": 0.1, "clipvalue": 0.01}),
    (
        "adamax",
        {
            "learning_rate": {
                "schedule": "exponential_decay",
                "initial_learning_rate": 0.01,
                "decay_steps": 2,
                "decay_rate": 0.5,
            }
        },
    ),
    ("adagrad", {"learning_rate": 0.01}),
    ("nadam", {"learning_rate": 0.001}),
    ("lion", {"learning_rate": 0.001}),
]


def model_of(name: str, dropout: float = 0.0, precision: Any = "float32") -> Any:
    options = {"hidden": [16], "dropout": dropout} if name == "mlp" else {"dropout": dropout}
    return architectures.build(
        name,
        options,
        input_shape=(8, 8, 1),
        classes=10,
        seeds=ModelSeeds(init=3, dropout=4),
        precision=precision,
    )


def compiled_epoch(model: Any, optimizer: tuple[str, dict[str, Any]]) -> Any:
    from harness.training.epoch import CompiledEpoch
    from harness.training.tensors import DataTensors

    data = DataTensors.of(datasets.load("digits"))
    return CompiledEpoch(model, optimizers.build(*optimizer), data, batch_size=32)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [(name, one) for name in ("mlp", "cnn") for one in MAIN] + [("mlp", one) for one in OTHERS],
    ids=lambda value: value if isinstance(value, str) else "-".join([value[0], *value[1]]),
)
def test_one_epoch_gives_the_weights_of_fit(name: str, optimizer: Any) -> None:
    """All randomness off: same start, same order of images, a smaller last batch."""
    check_against_fit(model_of(name), model_of(name), optimizer)


def check_against_fit(model: Any, theirs: Any, optimizer: Optimizer) -> None:
    """Train one model for five steps and its twin by ``fit``, and compare all that comes of it."""
    raw = datasets.load("digits")
    rows = np.arange(150)
    ours = compiled_epoch(model, optimizer)
    loss, accuracy = ours.train(rows)
    theirs.compile(
        optimizer=optimizers.build(*optimizer),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    images = (raw.images[rows] / raw.scale).astype(np.float32)
    history = theirs.fit(images, raw.labels[rows], batch_size=32, shuffle=False, verbose=0).history
    for one, two in zip(ours.model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
    assert loss == pytest.approx(history["loss"][0], rel=1e-5)
    assert accuracy == pytest.approx(history["accuracy"][0], abs=1e-6)
    val_loss, val_accuracy = ours.evaluate(rows)
    wanted = theirs.evaluate(images, raw.labels[rows], verbose=0)
    assert (val_loss, val_accuracy) == (
        pytest.approx(wanted[0], rel=1e-4),
        pytest.approx(wanted[1], abs=1e-6),
    )


def test_regularizers_of_a_users_model_count_as_in_fit() -> None:
    import keras

    def model() -> Any:
        return keras.Sequential(
            [
                keras.Input((8, 8, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(16, "relu", kernel_regularizer="l2", kernel_initializer="ones"),
                keras.layers.ActivityRegularization(l1=0.01),
                keras.layers.Dense(10, "softmax", kernel_initializer="zeros"),
            ]
        )

    check_against_fit(model(), model(), MAIN[0])


@pytest.mark.parametrize(
    ("name", "precision", "optimizer"),
    [("mlp", "float32", one) for one in (*MAIN, OTHERS[8])]
    + [("cnn", "float32", ADADELTA), ("cnn", "mixed_bfloat16", ADADELTA)],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_restart_leaves_no_trace_of_the_trial_before(
    name: str, precision: Any, optimizer: Optimizer
) -> None:
    """C5: weights, optimizer memory and dropout draws all begin anew, to the last bit."""

    def model() -> Any:
        return model_of(name, dropout=0.5, precision=precision)

    rows = np.arange(300)
    fresh = compiled_epoch(model(), optimizer)
    first = [fresh.train(rows) for _ in range(3)]
    reused = compiled_epoch(model(), optimizer)
    for _ in range(2):
        reused.train(rows[::-1].copy())
    reused.restart(model())
    assert [reused.train(rows) for _ in range(3)] == first
    for one, two in zip(fresh.model.get_weights(), reused.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
