"""Keras layers with every seed written out and every name fixed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.catalog.lazy import load_keras

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class ModelSeeds:
    """Where a model's random draws start, each from 0 to 2**32 - 1."""

    init: int
    dropout: int


class Layers:
    """Makes the layers of one model, each drawing from a seed of its own.

    The n-th layer of a kind gets the n-th word of `SeedSequence(seed).generate_state`, so a layer
    keeps its seed when others are added behind it. Names are given, since those that Keras makes
    up count on from model to model, and a config would tell which model was built first.
    """

    def __init__(self, seeds: ModelSeeds) -> None:
        self._keras = load_keras()
        self._init = _words(seeds.init)
        self._dropout = _words(seeds.dropout)

    def images(self, shape: tuple[int, ...]) -> "keras.KerasTensor":
        """Return the input of a model of images."""
        return self._keras.Input(shape, name="images", dtype="float32")

    def flatten(self) -> "keras.Layer":
        """Return a layer that makes one row of each image."""
        return self._keras.layers.Flatten(name="flatten")

    def dense(self, name: str, units: int, activation: str) -> "keras.Layer":
        """Return a dense layer, Glorot uniform with zero bias."""
        return self._keras.layers.Dense(
            units, activation, kernel_initializer=self._glorot(), name=name
        )

    def convolution(self, name: str, filters: int, kernel: int, activation: str) -> "keras.Layer":
        """Return a `valid` convolution, Glorot uniform with zero bias."""
        return self._keras.layers.Conv2D(
            filters, kernel, activation=activation, kernel_initializer=self._glorot(), name=name
        )

    def pool(self, size: int) -> "keras.Layer":
        """Return a max pooling of size x size."""
        return self._keras.layers.MaxPooling2D(size, name="pool")

    def dropout(self, name: str, rate: float) -> list["keras.Layer"]:
        """Return a dropout layer, or none at rate 0; a seed is used up either way."""
        from harness.catalog.dropout import Dropout  # noqa: PLC0415 - it imports Keras

        seed = next(self._dropout)
        return [Dropout(rate, seed=seed, name=name)] if rate else []

    def probabilities(self, classes: int) -> "keras.Layer":
        """Return the softmax output.

        It computes in float32 also in mixed precision: bfloat16 has three digits, too few for a
        loss.
        """
        return self._keras.layers.Dense(
            classes,
            "softmax",
            kernel_initializer=self._glorot(),
            name="probabilities",
            dtype="float32",
        )

    def _glorot(self) -> "keras.Initializer":
        return self._keras.initializers.GlorotUniform(seed=next(self._init))


def _words(seed: int) -> Iterator[int]:
    """Yield independent 32-bit seeds; the n-th does not depend on how many are asked for."""
    sequence = np.random.SeedSequence(seed)
    count = 0
    while True:
        count += 1
        yield int(sequence.generate_state(count)[-1])
