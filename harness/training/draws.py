"""What a user's model draws at random: whether one compiled graph may serve all of its trials.

A graph that is used again for other seeds begins with the variables of a fresh model. Whatever else
a model draws from stays as it was when the graph was traced: seeds and numbers that became
constants, TensorFlow's own generators, Keras' global one.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from harness.catalog.problems import CatalogError
from harness.catalog.references import FAULTS, fault_words
from harness.catalog.user_models import unseeded

PYTHON_OPS = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
"""They run code that the graph does not show."""


@dataclass(frozen=True)
class Draws:
    """How the forward pass of a built model draws.

    Attributes:
        constants: Digest of all constants in its graph; None where it has a state that is not in
            the model's variables, so that no graph of it may be used for another trial.
        unseeded: Whether something is drawn without a seed that the model was given.
    """

    constants: str | None
    unseeded: bool


def draws_of(model: keras.Model, input_shape: tuple[int, ...]) -> Draws:
    """Trace a forward pass, in training and not, and look at what it draws from.

    Args:
        model: A built model.
        input_shape: Shape of one image.

    Raises:
        CatalogError: If the forward pass cannot be traced, so that no trial could be trained.
    """

    def forward(images: tf.Tensor) -> None:
        for training in (True, False):
            model(images, training=training)
            list(model.losses)

    before = _global_generators()
    images = tf.TensorSpec((2, *input_shape), tf.float32)
    try:
        graph = tf.function(forward, autograph=False).get_concrete_function(images).graph
    except FAULTS as error:
        raise CatalogError(
            f"the model cannot be compiled by TensorFlow: {fault_words(error)}"
        ) from error
    drawn_while_tracing = _global_generators() != before
    nodes = list(_nodes(graph))
    drawn_by_ops = any("seed2" in node.attr or node.op in PYTHON_OPS for node in nodes)
    captured = {id(tensor): tensor for tensor, _ in graph.captures}
    drawn_by_layers = any(id(_handle(one.state)) in captured for one in unseeded(model))
    for variable in model.variables:
        captured.pop(id(_handle(variable)), None)
    has_state = any(tensor.dtype in {tf.resource, tf.variant} for tensor in captured.values())
    constants = None
    if not (drawn_by_ops or has_state):
        values = [tensor.numpy().tobytes() for tensor in captured.values()]
        values += sorted(node.attr["value"].SerializeToString() for node in nodes)
        constants = hashlib.sha256(repr(values).encode()).hexdigest()
    return Draws(constants, drawn_while_tracing or drawn_by_ops or drawn_by_layers)


def _handle(variable: keras.Variable) -> tf.Tensor:
    return variable.value.handle


def _nodes(graph: Any) -> Iterator[Any]:
    definition = graph.as_graph_def()
    yield from definition.node
    for function in definition.library.function:
        yield from function.node_def


def _global_generators() -> tuple[Any, ...]:
    numpy_state = np.random.get_state()  # noqa: NPY002 - a user's model may draw from it
    return random.getstate(), *(np.asarray(part).tobytes() for part in numpy_state)
