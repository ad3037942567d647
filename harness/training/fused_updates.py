"""Optimizer updates in one TensorFlow op a variable, of the same formula as Keras' own.

Keras writes an update as a dozen small ops, each of which reads and writes whole arrays; TensorFlow
has a single op for most of the older optimizers. All else that a Keras optimizer does (clipping,
weight decay, schedules, averaging, loss scaling) stays with Keras. Terms are multiplied in another
order, so weights differ from Keras' in their last bits.

Adagrad has no such op of the same formula: TensorFlow's adds epsilon outside the square root.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

Update = Callable[[Any, int, tf.Tensor, Any, tf.Tensor], None]
"""Optimizer, index of the variable, its gradient, the ``tf.Variable``, the learning rate."""


def fuse(optimizer: keras.optimizers.Optimizer) -> bool:
    """Let a built optimizer update its variables by fused ops, where there are such.

    Args:
        optimizer: A built Keras optimizer; it is changed in place.

    Returns:
        Whether it was changed.
    """
    update = _UPDATES.get(type(optimizer))
    if update is None or getattr(optimizer, "amsgrad", False):
        return False
    if isinstance(optimizer, keras.optimizers.RMSprop) and not optimizer.momentum:
        optimizer._momentums = optimizer.add_optimizer_variables(
            optimizer._trainable_variables,
            "momentum",
        )
    plain = optimizer.update_step

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        if isinstance(gradient, tf.IndexedSlices):
            plain(gradient, variable, learning_rate)
            return
        index = optimizer._get_variable_index(variable)
        rate = tf.cast(learning_rate, variable.dtype)
        update(optimizer, index, tf.cast(gradient, variable.dtype), variable, rate)

    optimizer.update_step = update_step
    return True


def _sgd(optimizer: Any, index: int, gradient: tf.Tensor, variable: Any, rate: tf.Tensor) -> None:
    if not optimizer.momentum:
        tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=rate, delta=gradient)
        return
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle,
        accum=optimizer.momentums[index].value.handle,
        lr=rate,
        grad=gradient,
        momentum=tf.cast(optimizer.momentum, variable.dtype),
        use_nesterov=optimizer.nesterov,
    )


def _rmsprop(
    optimizer: Any, index: int, gradient: tf.Tensor, variable: Any, rate: tf.Tensor
) -> None:
    moments = {
        "ms": optimizer._velocities[index].value.handle,
        "mom": optimizer._momentums[index].value.handle,
    }
    settings = {
        "lr": rate,
        "rho": tf.cast(optimizer.rho, variable.dtype),
        "momentum": tf.cast(optimizer.momentum, variable.dtype),
        "epsilon": tf.cast(optimizer.epsilon, variable.dtype),
    }
    if optimizer.centered:
        means = optimizer._average_gradients[index].value.handle
        tf.raw_ops.ResourceApplyCenteredRMSProp(
            var=variable.handle, mg=means, grad=gradient, **moments, **settings
        )
    else:
        tf.raw_ops.ResourceApplyRMSProp(var=variable.handle, grad=gradient, **moments, **settings)


def _adadelta(
    optimizer: Any, index: int, gradient: tf.Tensor, variable: Any, rate: tf.Tensor
) -> None:
    tf.raw_ops.ResourceApplyAdadelta(
        var=variable.handle,
        accum=optimizer._accumulated_grads[index].value.handle,
        accum_update=optimizer._accumulated_delta_vars[index].value.handle,
        lr=rate,
        rho=tf.cast(optimizer.rho, variable.dtype),
        epsilon=tf.cast(optimizer.epsilon, variable.dtype),
        grad=gradient,
    )


def _adam(optimizer: Any, index: int, gradient: tf.Tensor, variable: Any, rate: tf.Tensor) -> None:
    first, second = (tf.cast(b, variable.dtype) for b in (optimizer.beta_1, optimizer.beta_2))
    step = keras.ops.cast(optimizer.iterations + 1, variable.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=tf.pow(first, step),
        beta2_power=tf.pow(second, step),
        lr=rate,
        beta1=first,
        beta2=second,
        epsilon=tf.cast(optimizer.epsilon, variable.dtype),
        grad=gradient,
    )


def _adamax(
    optimizer: Any, index: int, gradient: tf.Tensor, variable: Any, rate: tf.Tensor
) -> None:
    first, second = (tf.cast(b, variable.dtype) for b in (optimizer.beta_1, optimizer.beta_2))
    step = keras.ops.cast(optimizer.iterations + 1, variable.dtype)
    tf.raw_ops.ResourceApplyAdaMax(
        var=variable.handle,
        m=optimizer._m[index].value.handle,
        v=optimizer._u[index].value.handle,
        beta1_power=tf.pow(first, step),
        lr=rate,
        beta1=first,
        beta2=second,
        epsilon=tf.cast(optimizer.epsilon, variable.dtype),
        grad=gradient,
    )


_UPDATES: Mapping[type, Update] = {
    keras.optimizers.SGD: _sgd,
    keras.optimizers.RMSprop: _rmsprop,
    keras.optimizers.Adadelta: _adadelta,
    keras.optimizers.Adam: _adam,
    keras.optimizers.AdamW: _adam,
    keras.optimizers.Adamax: _adamax,
}
