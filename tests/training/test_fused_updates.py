"""Which optimizers are updated by one TensorFlow op, and what stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.catalog import optimizers
from harness.catalog.optimizer_table import OPTIMIZERS

FUSED = {"adadelta", "adam", "adamax", "adamw", "rmsprop", "sgd"}


def built(name: str, **settings: Any) -> tuple[Any, Any]:
    import keras

    variable = keras.Variable(np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3))
    optimizer = optimizers.build(name, settings)
    optimizer.build([variable])
    return optimizer, variable


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_fused_where_tensorflow_has_its_formula(name: str) -> None:
    from harness.training.fused_updates import fuse

    optimizer, _ = built(name)
    assert fuse(optimizer) == (name in FUSED)
    assert not fuse(built("adam", amsgrad=True)[0])


def test_rows_of_an_embedding_are_updated_as_keras_does() -> None:
    """The gradient of a lookup names single rows, which no fused op takes."""
    import tensorflow as tf

    from harness.training.fused_updates import fuse

    values = []
    for fused in (False, True):
        optimizer, variable = built("adam", learning_rate=0.1)
        if fused:
            assert fuse(optimizer)
        rows = tf.IndexedSlices(tf.ones((1, 3)), tf.constant([1]), tf.constant([2, 3]))
        optimizer.apply([rows], [variable])
        values.append(np.asarray(variable.value))
    np.testing.assert_array_equal(*values)
    assert (values[0][0] == np.linspace(-1, 1, 6, dtype="float32")[:3]).all()
