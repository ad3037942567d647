"""The gradient of max pooling, bit for bit that of TensorFlow's own op, in a fraction of its time.

TensorFlow goes through an image value by value to find which of them a window took; XLA compiles
the same choice to vector instructions. Where the values are those of a ReLU, its gradient is taken
on the way, window by window: what no window took gets zero in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import tensorflow as tf

from harness.catalog.compiling import compiled, pays, widened
from harness.training.relu_gradient import is_rectified

LARGEST_WINDOW = 16
"""Values in a window; XLA's work of compiling grows with them, and TensorFlow's op need not."""


def pool_faster(model: keras.Model) -> int:
    """Let the max pooling layers of a model, where they can, take the fast way back.

    Args:
        model: A built model; its layers are changed in place. The config stays, but for the
            activation of a convolution whose ReLU takes its gradient from the pooling.

    Returns:
        How many pooling layers were changed: those of Keras' own kind whose windows are small and
        do not overlap, and none where there is a GPU, on which TensorFlow's op is fast.
    """
    if not pays():
        return 0
    rectified = {id(pool): convolution for convolution, pool in _rectified_pools(model)}
    layers = [layer for layer in model._flatten_layers() if _can_be_faster(layer)]
    for layer in layers:
        convolution = rectified.get(id(layer))
        if convolution is not None:
            convolution.activation = _relu_without_gradient
        layer.call = partial(
            _max_pool, layer.call, tuple(layer.pool_size), takes_relu=convolution is not None
        )
    return len(layers)


def _can_be_faster(layer: keras.Layer) -> bool:
    return (
        type(layer) is keras.layers.MaxPooling2D
        and tuple(layer.pool_size) == tuple(layer.strides)
        and layer.padding == "valid"
        and layer.data_format == "channels_last"
        and layer.pool_size[0] * layer.pool_size[1] <= LARGEST_WINDOW
    )


def _rectified_pools(model: keras.Model) -> Iterator[tuple[keras.Layer, keras.Layer]]:
    """Convolutions that end in a ReLU which nothing reads but the pooling behind it; and that."""
    for stack in model._flatten_layers():
        if type(stack) is not keras.Sequential:
            continue
        for before, after in pairwise(stack.layers):
            nodes = (before._inbound_nodes, before._outbound_nodes, after._inbound_nodes)
            if (
                is_rectified(before)
                and all(len(found) == 1 for found in nodes)
                and None not in before.output.shape[1:]
            ):
                yield before, after


@tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
def _relu_without_gradient(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """A ReLU (for values of a layer whose pooling takes the ReLU's gradient as well)."""
    return tf.nn.relu(values), lambda gradient: gradient


def _max_pool(
    plain: Callable[[tf.Tensor], tf.Tensor],
    window: tuple[int, int],
    images: tf.Tensor,
    *,
    takes_relu: bool,
) -> tf.Tensor:
    """What the layer's own call gives, with another way back."""
    if None in images.shape[1:]:
        return plain(images)

    @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def pooled(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        way_back = partial(_gradient, window=window, takes_relu=takes_relu)
        return plain(values), lambda gradient: way_back(values, gradient)

    return pooled(images)


@compiled
def _gradient(
    images: tf.Tensor, gradient: tf.Tensor, *, window: tuple[int, int], takes_relu: bool
) -> tf.Tensor:
    """Give each window's gradient to its first largest value, row by row; the others get zero.

    Args:
        images: What was pooled, (images, height, width, channels).
        gradient: Of the loss by the pooled values, (images, windows down, windows across,
            channels).
        window: Height and width of a window.
        takes_relu: Whether ``images`` are the values of a ReLU whose gradient is to be taken,
            too.

    Returns:
        The gradient of the loss by ``images``, or by what the ReLU was given, of their shape.
    """
    high, wide = window
    down, across, channels = gradient.shape[1:]
    covered = images[:, : down * high, : across * wide]
    kind = widened(images.dtype)
    windows = tf.reshape(tf.cast(covered, kind), [-1, down, high, across, wide, channels])
    passed = tf.cast(gradient, kind)
    largest = tf.fill(tf.shape(gradient), kind.min)
    first = tf.zeros_like(gradient, tf.int32)
    for place in range(high * wide):
        value = windows[:, :, place // wide, :, place % wide]
        larger = value > largest
        largest, first = tf.where(larger, value, largest), tf.where(larger, place, first)
    if takes_relu:
        passed *= tf.cast(largest > 0, kind)
    places = tf.reshape(tf.range(high * wide), [1, 1, high, 1, wide, 1])
    taken = first[:, :, None, :, None] == places
    shares = tf.where(taken, passed[:, :, None, :, None], tf.zeros([], kind))
    left_over = [[0, images.shape[axis] - covered.shape[axis]] for axis in (1, 2)]
    whole = tf.pad(tf.reshape(shares, tf.shape(covered)), [[0, 0], *left_over, [0, 0]])
    return tf.cast(whole, images.dtype)
