"""What XLA compiles in place of TensorFlow's own ops: the same bits in fewer passes over memory."""

from functools import partial

import tensorflow as tf

compiled = partial(tf.function, autograph=False, jit_compile=True)
"""Decorates a function of tensors that XLA compiles to one piece."""


def pays() -> bool:
    """Whether it is worth compiling: on a GPU TensorFlow's own ops are fast."""
    return not tf.config.get_visible_devices("GPU")


def widened(kind: tf.DType) -> tf.DType:
    """The type in which to compute on values of a type; that of 16 bits is widened.

    That is exact, and XLA makes a pass over memory of each step that it computes in 16 bits.
    """
    return tf.float32 if kind.size < tf.float32.size else kind
