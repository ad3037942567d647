"""Max pooling's fast way back gives the bits of TensorFlow's own op; other layers keep theirs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def pooling(shape: tuple[int, ...], precision: str = "float32", **settings: Any) -> Any:
    import keras

    images = keras.Input(shape, dtype=precision)
    pool = keras.layers.MaxPooling2D(name="pool", dtype=precision, **settings)
    return keras.Model(images, pool(images))


def way_back(model: Any, images: Any) -> Any:
    """The gradient by the images of a loss that weighs each pooled value differently."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(images)
        pooled = model(images)
        weights = tf.reshape(tf.range(tf.size(pooled), dtype=tf.float32) - 7.5, pooled.shape)
        loss = tf.reduce_sum(pooled * tf.cast(weights, pooled.dtype))
    return tape.gradient(loss, images)


def few_values(shape: tuple[int, ...], precision: str = "float32") -> Any:
    """Images with so few values that windows have ties, of zeros too, as after a ReLU."""
    import tensorflow as tf

    drawn = np.random.default_rng(5).integers(-2, 3, shape)
    return tf.cast(np.maximum(drawn, -1), precision)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("window", [(2, 2), (3, 3), (1, 2), (3, 2), (4, 4)])
def test_the_first_of_the_largest_values_takes_the_gradient(
    window: tuple[int, int], precision: str
) -> None:
    from harness.training.max_pooling import pool_faster

    shape = (9, 11, 3)  # no window but 1 and 3 divides the sides
    plain, fast = (pooling(shape, precision, pool_size=window) for _ in range(2))
    assert pool_faster(fast) == 1
    for images in (few_values((4, *shape), precision), few_values((1, *shape), precision)):
        expected, found = way_back(plain, images), way_back(fast, images)
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
        assert np.count_nonzero(found) == np.count_nonzero(expected) > 0
        np.testing.assert_array_equal(np.asarray(fast(images)), np.asarray(plain(images)))


@pytest.mark.parametrize(
    "settings",
    [
        {"pool_size": 2, "strides": 1},
        {"pool_size": 2, "padding": "same"},
        {"pool_size": 5},
        {"pool_size": 2, "data_format": "channels_first"},
    ],
)
def test_other_poolings_are_left_to_tensorflow(settings: dict[str, Any]) -> None:
    from harness.training.max_pooling import pool_faster

    assert pool_faster(pooling((10, 10, 2), **settings)) == 0


def test_a_layer_of_a_users_own_kind_is_left_alone() -> None:
    import keras

    from harness.training.max_pooling import pool_faster

    class Own(keras.layers.MaxPooling2D):  # type: ignore[misc]  # Keras has no types
        pass

    images = keras.Input((4, 4, 1))
    assert pool_faster(keras.Model(images, Own(2)(images))) == 0


def test_images_of_any_size_are_pooled_as_keras_does() -> None:
    from harness.training.max_pooling import pool_faster

    model = pooling((None, None, 2), pool_size=2)
    assert pool_faster(model) == 1
    images = few_values((2, 6, 6, 2))
    expected = way_back(pooling((6, 6, 2), pool_size=2), images)
    np.testing.assert_array_equal(np.asarray(way_back(model, images)), np.asarray(expected))


def test_pooling_inside_a_model_inside_a_model_is_found_and_no_config_changes() -> None:
    import keras

    from harness.training.max_pooling import pool_faster

    inner = pooling((4, 4, 1), pool_size=2)
    images = keras.Input((4, 4, 1))
    outer = keras.Model(images, inner(images))
    before = outer.get_config()
    assert pool_faster(outer) == 1
    assert outer.get_config() == before


def test_a_gpu_keeps_tensorflows_own_op(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from harness.training.max_pooling import pool_faster

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [f"a {kind}"])
    assert pool_faster(pooling((4, 4, 1), pool_size=2)) == 0


def stack(precision: str, **convolution: Any) -> Any:
    """A convolution with a ReLU, pooled; always the same weights."""
    import keras

    settings = {"activation": "relu", "kernel_initializer": keras.initializers.GlorotUniform(3)}
    layers = [
        keras.Input((9, 9, 2), dtype=precision),
        keras.layers.Conv2D(4, 2, **settings | convolution, dtype=precision),
        keras.layers.MaxPooling2D(2, dtype=precision),
    ]
    return keras.Sequential(layers)


def ways_back(model: Any, images: Any) -> list[Any]:
    """The gradients by images, kernel and bias of a loss that weighs each pooled value."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(images)
        pooled = model(images)
        weights = tf.reshape(tf.range(tf.size(pooled), dtype=tf.float32) - 7.5, pooled.shape)
        loss = tf.reduce_sum(tf.cast(pooled, tf.float32) * weights)
    return [np.asarray(g) for g in tape.gradient(loss, [images, *model.trainable_variables])]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_relu_takes_its_gradient_from_the_pooling_behind_it(precision: str) -> None:
    from harness.training.max_pooling import pool_faster

    plain, fast = stack(precision), stack(precision)
    assert pool_faster(fast) == 1
    assert fast.layers[0].activation is not plain.layers[0].activation
    images = few_values((5, 9, 9, 2), precision)
    np.testing.assert_array_equal(np.asarray(fast(images)), np.asarray(plain(images)))
    for found, expected in zip(ways_back(fast, images), ways_back(plain, images), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert np.count_nonzero(expected)
    assert (np.asarray(plain(images)) == 0).any()  # windows without a positive value


def test_a_relu_that_others_read_keeps_its_gradient() -> None:
    """Else what the others send back would pass where the ReLU is flat."""
    import keras
    import tensorflow as tf

    from harness.training.max_pooling import pool_faster

    def both(inner: Any) -> Any:
        pooled, read = inner.layers[1].output, inner.layers[0].output
        return keras.Model(
            inner.inputs, [pooled, keras.layers.GlobalAveragePooling2D(name="read")(read)]
        )

    plain, fast = (both(stack("float32")) for _ in range(2))
    assert pool_faster(fast) == 1
    images = few_values((5, 9, 9, 2))
    for part in (0, 1):
        found = []
        for model in (plain, fast):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(model(images)[part])
            found.append(tape.gradient(loss, model.trainable_variables[0]))
        np.testing.assert_array_equal(np.asarray(found[1]), np.asarray(found[0]))


@pytest.mark.parametrize("shared", ["its own", "another stack's"])
def test_a_convolution_that_is_used_twice_keeps_its_relu(shared: str) -> None:
    import keras

    from harness.training.max_pooling import pool_faster

    model = stack("float32")
    before = model.layers[0].activation
    if shared == "its own":
        keras.layers.Flatten()(model.layers[0].output)
    else:
        keras.Sequential([keras.Input((9, 9, 2)), model.layers[0], keras.layers.Flatten()])
    assert pool_faster(model) == 1
    assert model.layers[0].activation is before


def test_other_activations_are_left_alone() -> None:
    from harness.training.max_pooling import pool_faster

    model = stack("float32", activation="tanh")
    before = model.layers[0].activation
    assert pool_faster(model) == 1
    assert model.layers[0].activation is before
