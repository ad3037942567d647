"""Does TensorFlow work here? Run as ``python -m harness.training.probe``; prints one JSON line."""

from __future__ import annotations

import json

from harness.training.runtime import configure


def probe() -> dict[str, object]:
    """Train one step of a small model, and say what TensorFlow found."""
    configure(1, True)
    import keras
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.util import _pywrap_util_port as port  # says what the processor allows

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    loss = model.train_on_batch(np.ones((8, 4), "float32"), np.zeros(8, "int64"))
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
        "onednn": port.IsMklEnabled(),
        "trains": bool(np.isfinite(loss)),
    }


if __name__ == "__main__":
    print(json.dumps(probe()))  # noqa: T201 - the caller reads it
