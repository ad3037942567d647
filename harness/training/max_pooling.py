"""The gradient of max pooling, bit for bit that of TensorFlow's own op, in a fraction of its time.

TensorFlow goes through an image value by value to find which of them a window took; XLA compiles
the same choice to vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

LARGEST_WINDOW = 16
"""Values in a window; XLA's work of compiling grows with them, and TensorFlow's op need not."""


def pool_faster(model: keras.Model) -> int:
    """Let the max pooling layers of a model, where they can, take the fast way back.

    Args:
        model: A built model; its layers are changed in place, and its config stays.

    Returns:
        How many layers were changed: those of Keras' own kind whose windows are small and do not
        overlap, and none where there is a GPU, on which TensorFlow's op is fast.
    """
    if tf.config.get_visible_devices("GPU"):
        return 0
    layers = [layer for layer in model._flatten_layers() if _can_be_faster(layer)]
    for layer in layers:
        layer.call = partial(_max_pool, layer.call, tuple(layer.pool_size))
    return len(layers)


def _can_be_faster(layer: keras.Layer) -> bool:
    return (
        type(layer) is keras.layers.MaxPooling2D
        and tuple(layer.pool_size) == tuple(layer.strides)
        and layer.padding == "valid"
        and layer.data_format == "channels_last"
        and layer.pool_size[0] * layer.pool_size[1] <= LARGEST_WINDOW
    )


def _max_pool(
    plain: Callable[[tf.Tensor], tf.Tensor], window: tuple[int, int], images: tf.Tensor
) -> tf.Tensor:
    """What the layer's own call gives, with another way back."""
    if None in images.shape[1:]:
        return plain(images)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def pooled(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return plain(values), lambda gradient: _gradient(values, gradient, window)

    return pooled(images)


@partial(tf.function, autograph=False, jit_compile=True)
def _gradient(images: tf.Tensor, gradient: tf.Tensor, window: tuple[int, int]) -> tf.Tensor:
    """Give each window's gradient to its first largest value, row by row; the others get zero.

    Args:
        images: What was pooled, (images, height, width, channels).
        gradient: Of the loss by the pooled values, (images, windows down, windows across,
            channels).
        window: Height and width of a window.

    Returns:
        The gradient of the loss by ``images``, of their shape.
    """
    high, wide = window
    down, across, channels = gradient.shape[1:]
    covered = images[:, : down * high, : across * wide]
    windows = tf.reshape(covered, [-1, down, high, across, wide, channels])
    largest = tf.fill(tf.shape(gradient), images.dtype.min)
    first = tf.zeros_like(gradient, tf.int32)
    for place in range(high * wide):
        value = windows[:, :, place // wide, :, place % wide]
        larger = value > largest
        largest, first = tf.where(larger, value, largest), tf.where(larger, place, first)
    places = tf.reshape(tf.range(high * wide), [1, 1, high, 1, wide, 1])
    taken = first[:, :, None, :, None] == places
    shares = tf.where(taken, gradient[:, :, None, :, None], tf.zeros([], gradient.dtype))
    left_over = [[0, images.shape[axis] - covered.shape[axis]] for axis in (1, 2)]
    return tf.pad(tf.reshape(shares, tf.shape(covered)), [[0, 0], *left_over, [0, 0]])
