"""A dataset as TensorFlow sees it: on the very memory of its arrays, where that can be.

Cached datasets are files that every process maps, so all workers of a machine share one copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.catalog.raw_data import RawData

ALIGNMENT = 64
"""Bytes to which TensorFlow's kernels expect the memory of a tensor to be aligned."""


@dataclass(frozen=True)
class DataTensors:
    """Images to train on and images to score on, which may be the same.

    Attributes:
        images: Shape (n, height, width, channels), in the type they are stored in.
        labels: Shape (n,), int64.
        scored_images: Images that validation rows point into.
        scored_labels: Their labels.
        scale: Images are divided by this.
    """

    images: tf.Tensor
    labels: tf.Tensor
    scored_images: tf.Tensor
    scored_labels: tf.Tensor
    scale: float

    @classmethod
    def of(cls, data: RawData) -> Self:
        """The tensors of a dataset."""
        images, labels = shared(data.images), shared(data.labels)
        if not data.has_official_split:
            return cls(images, labels, images, labels, data.scale)
        scored = shared(data.scored_images), shared(data.scored_labels)
        return cls(images, labels, *scored, data.scale)


def shared(array: NDArray[Any]) -> tf.Tensor:
    """A tensor on the memory of an array that nobody writes to; a copy where that cannot be."""
    view = array.view(np.ndarray)
    try:
        view.flags.writeable = True  # else NumPy does not hand it out; TensorFlow only reads
    except ValueError:
        return tf.constant(array)
    if not view.flags.c_contiguous or view.ctypes.data % ALIGNMENT:
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(view.__dlpack__())
