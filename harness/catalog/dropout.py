"""Dropout that draws a few bits an image's value instead of a whole number.

Keras draws a 32-bit number for each value and compares it with the rate; on a processor that takes
longer than any layer but the convolutions. 8 bits decide where they can (rates of 1/4, 1/2, 3/4),
else 16: a rate is kept to 1/65,536, and values are scaled by the rate that is really drawn. The
bits come from Keras' own seed state through the same generator (Philox; Salmon et al., 2011), but
other values are dropped than `keras.layers.Dropout` drops from the same seed.
"""

from typing import Any

import keras
import tensorflow as tf

from harness.catalog.compiling import compiled, pays, widened

LARGE = 1 << 18
"""Values from which on compiling by XLA pays: below, calling what it compiled takes as long."""


@keras.saving.register_keras_serializable(package="training-bench")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]  # Keras has no types
    """`keras.layers.Dropout` (Srivastava et al., 2014), drawn from fewer random bits."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Drop values at random and scale up the others, in training only."""
        if not training or not 0 < self.rate < 1 or self.noise_shape is not None:
            return super().call(inputs, training=training)
        kind = tf.uint8 if (self.rate * 256).is_integer() else tf.uint16
        states = kind.max + 1
        dropped = round(self.rate * states)
        if dropped in {0, states}:
            return super().call(inputs, training=training)
        bits = _bits(self.seed_generator.next(), tf.shape(inputs), kind)
        scale = states / (states - dropped)
        if (inputs.shape.num_elements() or 0) >= LARGE and pays():
            return _thinned_in_one(inputs, bits, dropped, scale)
        return inputs * (tf.cast(bits >= dropped, inputs.dtype) * scale)


def _thinned_in_one(values: tf.Tensor, bits: tf.Tensor, dropped: int, scale: float) -> tf.Tensor:
    """The same bits in one pass over memory, forward and backward, where TensorFlow makes four."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def thinned(given: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return _compiled(given, bits, dropped, scale), lambda gradient: _compiled(
            gradient, bits, dropped, scale
        )

    return thinned(values)


@compiled
def _compiled(values: tf.Tensor, bits: tf.Tensor, dropped: int, scale: float) -> tf.Tensor:
    kind = widened(values.dtype)
    factor = tf.cast(tf.cast(scale, values.dtype), kind)  # rounded as the values are
    kept = tf.cast(bits >= dropped, kind)
    return tf.cast(tf.cast(values, kind) * (kept * factor), values.dtype)


def _bits(seed: Any, shape: tf.Tensor, kind: tf.DType) -> tf.Tensor:
    """Uniform whole numbers of a small type: each 32-bit draw gives several."""
    count, each = tf.reduce_prod(shape), 4 // kind.size
    words = tf.random.stateless_uniform(
        [(count + each - 1) // each],
        seed=tf.cast(seed, tf.int64),
        minval=None,
        maxval=None,
        dtype=tf.uint32,
    )
    return tf.reshape(tf.reshape(tf.bitcast(words, kind), [-1])[:count], shape)
