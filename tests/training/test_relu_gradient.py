"""A ReLU's fast way back gives the bits of TensorFlow's own op; other layers keep theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def convolution(precision: str = "bfloat16", activation: str = "relu") -> Any:
    import keras

    kernel = keras.initializers.GlorotUniform(3)
    layer = keras.layers.Conv2D(
        4, 2, activation=activation, kernel_initializer=kernel, dtype=precision
    )
    return keras.Sequential([keras.Input((9, 9, 2), dtype=precision), layer])


def ways_back(model: Any, weights: Any) -> list[Any]:
    """The values, and the gradients by images, kernel and bias of a loss that weighs each value."""
    import tensorflow as tf

    drawn = np.random.default_rng(5).normal(size=(5, 9, 9, 2))
    images = tf.cast(drawn, model.layers[0].compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(images)
        values = model(images)
        loss = tf.reduce_sum(tf.cast(values, tf.float32) * weights)
    found = tape.gradient(loss, [images, *model.trainable_variables])
    return [np.asarray(one, np.float32) for one in (values, *found)]


@pytest.mark.parametrize("largest", [1.0, np.inf, np.nan])
def test_the_bits_are_those_of_tensorflows_own_op(largest: float) -> None:
    """Those of a trial that diverges, too."""
    from harness.training.relu_gradient import rectify_faster

    weights = np.random.default_rng(6).normal(size=(5, 8, 8, 4)).astype("float32")
    weights[0, :4] *= largest
    plain, fast = convolution(), convolution()
    assert rectify_faster(fast) == 1
    assert fast.layers[0].activation is not plain.layers[0].activation
    for found, expected in zip(ways_back(fast, weights), ways_back(plain, weights), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("settings", [("float32", "relu"), ("bfloat16", "tanh")])
def test_others_keep_their_way_back(settings: tuple[str, str]) -> None:
    from harness.training.relu_gradient import rectify_faster

    assert rectify_faster(convolution(*settings)) == 0


def test_a_gpu_keeps_tensorflows_own_op(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from harness.training.relu_gradient import rectify_faster

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [f"a {kind}"])
    assert rectify_faster(convolution()) == 0
