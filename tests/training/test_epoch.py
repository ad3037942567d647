"""The compiled epoch trains as Keras' own ``fit`` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.catalog import architectures, datasets, optimizers
from harness.catalog.layers import ModelSeeds

OPTIMIZERS = [
    ("sgd", {"learning_rate": 0.1, "momentum": 0.9}),
    ("rmsprop", {"learning_rate": 0.001, "epsilon": 1e-16}),
    ("adadelta", {"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-8}),
    ("adam", {"learning_rate": 0.001}),
    ("sgd", {"learning_rate": 0.1, "loss_scale_factor": 8.0}),
]


def model_of(name: str, dropout: float = 0.0) -> Any:
    options = {"hidden": [16], "dropout": dropout} if name == "mlp" else {"dropout": dropout}
    return architectures.build(
        name, options, input_shape=(8, 8, 1), classes=10, seeds=ModelSeeds(init=3, dropout=4)
    )


def compiled_epoch(model: Any, optimizer: tuple[str, dict[str, Any]]) -> Any:
    from harness.training.epoch import CompiledEpoch

    raw = datasets.load("digits")
    return CompiledEpoch(
        model,
        optimizers.build(*optimizer),
        raw.all_images,
        raw.all_labels,
        scale=raw.scale,
        batch_size=32,
    )


@pytest.mark.parametrize("name", ["mlp", "cnn"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o[0])
def test_one_epoch_gives_the_weights_of_fit(name: str, optimizer: Any) -> None:
    """All randomness off: same start, same order of images, a smaller last batch."""
    raw = datasets.load("digits")
    rows = np.arange(150)
    ours = compiled_epoch(model_of(name), optimizer)
    loss, accuracy = ours.train(rows)
    theirs = model_of(name)
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


def test_a_restart_leaves_no_trace_of_the_trial_before() -> None:
    """C5: weights, optimizer memory and dropout draws all begin anew."""
    optimizer = OPTIMIZERS[2]
    rows = np.arange(300)
    fresh = compiled_epoch(model_of("mlp", dropout=0.5), optimizer)
    first = [fresh.train(rows) for _ in range(3)]
    reused = compiled_epoch(model_of("mlp", dropout=0.5), optimizer)
    for _ in range(2):
        reused.train(rows[::-1].copy())
    reused.restart(model_of("mlp", dropout=0.5))
    assert [reused.train(rows) for _ in range(3)] == first
