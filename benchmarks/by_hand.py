"""What a user would write instead: a Python loop over seeds around ``model.fit``.

Each function runs in a process of its own, with TensorFlow's default threads unless that process
was told otherwise.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

BATCH = 128
ArmName = Literal["mlp-rmsprop", "mlp-adadelta", "cnn-adadelta"]


@dataclass(frozen=True)
class Data:
    """Images as float32 from 0 to 1, shape (n, height, width, 1), and labels (n,)."""

    x: Any
    y: Any
    x_validation: Any
    y_validation: Any


def epoch_seconds(arm: ArmName, data: str, train: int, validation: int, epochs: int) -> float:
    """Mean wall time of an epoch of ``fit``, validation included, once all is compiled."""
    model, images = _warm_model(arm, data, train, validation)
    seconds = [_fit(model, images, epochs=1) for _ in range(epochs)]
    return sum(seconds) / epochs


def trial_seconds(arm: ArmName, seed: int, epochs: int) -> float:
    """Wall time of one turn of the loop on ``digits``: build, compile, fit."""
    start = time.perf_counter()
    model = _compiled(arm, (8, 8, 1), seed)
    _fit(model, _images("digits", 1438, 359), epochs=epochs)
    return time.perf_counter() - start


def start_up() -> int:
    """What stands before the loop: TensorFlow and the data; returns the number of images."""
    import keras  # noqa: F401, PLC0415 - its import is what is timed

    return len(_images("digits", 1438, 359).x)


@cache
def _warm_model(arm: ArmName, data: str, train: int, validation: int) -> tuple[Any, Data]:
    images = _images(data, train, validation)
    model = _compiled(arm, images.x.shape[1:], seed=0)
    model.fit(images.x[:BATCH], images.y[:BATCH], batch_size=BATCH, verbose=0)
    _fit(model, images, epochs=1)
    return model, images


def _fit(model: Any, data: Data, epochs: int) -> float:
    start = time.perf_counter()
    scored = (data.x_validation, data.y_validation)
    model.fit(data.x, data.y, BATCH, epochs, verbose=0, validation_data=scored)
    return time.perf_counter() - start


def _compiled(arm: ArmName, shape: tuple[int, ...], seed: int) -> Any:
    """The published models, with Keras' own layers and optimizers."""
    import keras  # noqa: PLC0415 - only inside the process that trains

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    if arm.startswith("mlp"):
        hidden = [
            layers.Flatten(),
            layers.Dense(512, "relu"),
            layers.Dropout(0.2),
            layers.Dense(512, "relu"),
            layers.Dropout(0.2),
        ]
    else:
        hidden = [
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, "relu"),
            layers.Dropout(0.5),
        ]
    model = keras.Sequential([keras.Input(shape), *hidden, layers.Dense(10, "softmax")])
    if arm.endswith("rmsprop"):
        optimizer = keras.optimizers.RMSprop(0.001, epsilon=1e-16)
    else:
        optimizer = keras.optimizers.Adadelta(1.0, epsilon=1e-8)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@cache
def _images(name: str, train: int, validation: int) -> Data:
    from harness.catalog import datasets  # noqa: PLC0415 - the same images as the other side

    split = datasets.load(name).split(0, train=train, validation=validation)
    scale = 16 if name == "digits" else 255
    return Data(
        (split.x_train / scale).astype("float32"),
        split.y_train,
        (split.x_validation / scale).astype("float32"),
        split.y_validation,
    )
