"""Dropout from few random bits: the right share, the right scale, Keras' own seed state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def dropped(rate: float, shape: tuple[int, ...] = (100, 999), seed: int = 7, **more: Any) -> Any:
    from harness.catalog.dropout import Dropout

    layer = Dropout(rate, seed=seed, **more)
    return layer, np.asarray(layer(np.ones(shape, "float32"), training=True))


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.2, 0.9, 0.013])
def test_a_share_is_dropped_and_the_mean_stays(rate: float) -> None:
    _, values = dropped(rate)
    error = np.sqrt(rate * (1 - rate) / values.size)
    assert np.mean(values == 0) == pytest.approx(rate, abs=4 * error)
    kept = np.unique(values[values > 0])
    assert kept.size == 1
    assert kept[0] == pytest.approx(1 / (1 - rate), rel=1e-3)
    by_column = np.mean(values == 0, axis=0)
    assert by_column.std() == pytest.approx(np.sqrt(rate * (1 - rate) / 100), rel=0.15)


def test_draws_follow_from_the_seed_and_go_on_from_call_to_call() -> None:
    """A5, C5."""
    layer, first = dropped(0.2)
    again, same = dropped(0.2)
    np.testing.assert_array_equal(first, same)
    ones = np.ones(first.shape, "float32")
    second = np.asarray(layer(ones, training=True))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, np.asarray(again(ones, training=True)))
    assert not np.array_equal(first, dropped(0.2, seed=8)[1])
    agreement = np.mean((first == 0) == (second == 0))
    assert agreement == pytest.approx(0.2**2 + 0.8**2, abs=0.01)


@pytest.mark.parametrize("rate", [0.0, 1e-6, 0.2, 0.999999, 1.0])
def test_nothing_is_dropped_when_scoring_and_no_rate_breaks(rate: float) -> None:
    layer, values = dropped(rate, shape=(3, 5))
    ones = np.ones((3, 5), "float32")
    np.testing.assert_array_equal(np.asarray(layer(ones, training=False)), ones)
    assert np.isfinite(values).all()


def test_gradients_pass_where_values_do() -> None:
    import tensorflow as tf

    from harness.catalog.dropout import Dropout

    inputs = tf.Variable(tf.ones((20, 30), tf.bfloat16))
    with tf.GradientTape() as tape:
        outputs = Dropout(0.5, seed=1, dtype="bfloat16")(inputs, training=True)
        total = tf.reduce_sum(outputs)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_array_equal(tape.gradient(total, inputs), outputs)


def test_a_model_with_it_can_be_rebuilt_from_its_config() -> None:
    import keras

    layer, _ = dropped(0.2, name="dropout_1")
    config = keras.saving.serialize_keras_object(layer)
    assert isinstance(keras.saving.deserialize_keras_object(config), type(layer))


@pytest.mark.parametrize("rate", [0.25, 0.2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_many_values_are_thinned_to_the_same_bits(
    precision: str, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward and backward, and compiled indeed."""
    import tensorflow as tf

    from harness.catalog import dropout

    rng = np.random.default_rng(3)
    values, weights = (tf.cast(rng.normal(size=(600, 500)), precision) for _ in range(2))

    def both_ways() -> list[Any]:
        layer = dropout.Dropout(rate, seed=5, dtype=precision)
        with tf.GradientTape() as tape:
            tape.watch(values)
            outputs = layer(values, training=True)
            loss = tf.reduce_sum(tf.cast(outputs * weights, tf.float32))
        return [np.asarray(outputs), np.asarray(tape.gradient(loss, values))]

    before = dropout._compiled.experimental_get_tracing_count()
    compiled = both_ways()
    assert dropout._compiled.experimental_get_tracing_count() == before + 1
    monkeypatch.setattr(dropout, "LARGE", 10**9)
    for found, expected in zip(compiled, both_ways(), strict=True):
        assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
        assert 0 < np.count_nonzero(expected) < expected.size
    assert dropout._compiled.experimental_get_tracing_count() == before + 1
