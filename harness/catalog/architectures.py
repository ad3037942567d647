"""Architectures by name: checked without Keras, built with every seed written out.

`mlp` and `cnn` are layer by layer those of the Keras examples `mnist_mlp` and `mnist_cnn` (2017).
Weights start Glorot uniform (Glorot and Bengio, 2010), biases at zero; convolutions are `valid`.
A user's own architecture is a function, named `"mypackage.models:build"`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.catalog import references, user_models
from harness.catalog.layers import Layers, ModelSeeds
from harness.catalog.lazy import load_keras
from harness.catalog.problems import Problem, refuse, unknown
from harness.catalog.settings import (
    Anything,
    Choice,
    Number,
    Numbers,
    Setting,
    check_settings,
    positive,
    resolve,
    share,
)

if TYPE_CHECKING:
    import keras

Precision = Literal["float32", "mixed_bfloat16"]

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "linear", "relu", "selu", "sigmoid", "silu", "tanh")


@dataclass(frozen=True)
class Architecture:
    """A line on what an architecture is, and the options it takes."""

    summary: str
    options: Mapping[str, Setting]


ARCHITECTURES: Mapping[str, Architecture] = {
    "linear": Architecture("softmax regression: no hidden layer", {}),
    "mlp": Architecture(
        "dense layers, each with dropout",
        {
            "hidden": Numbers((512, 512), positive(whole=True)),
            "dropout": Numbers(0.2, share(), lone=True),
            "activation": Choice("relu", ACTIVATIONS),
        },
    ),
    "cnn": Architecture(
        "convolutions, one max pooling, one dense layer, dropout after each of the last two",
        {
            "filters": Numbers((32, 64), positive(whole=True)),
            "kernel": positive(3, whole=True),
            "pool": Number(2, low=1, whole=True),
            "dropout": Numbers((0.25, 0.5), share(), lone=True, length=2),
            "dense": positive(128, whole=True),
            "activation": Choice("relu", ACTIVATIONS),
        },
    ),
}


def available() -> dict[str, str]:
    """Return each architecture's name with a line on what it is."""
    return {name: architecture.summary for name, architecture in ARCHITECTURES.items()}


def check(
    name: str,
    options: Mapping[str, object],
    *,
    input_shape: Sequence[int] | None = None,
    folder: Path | None = None,
) -> list[Problem]:
    """Check an architecture of a study file without importing Keras or the user's module.

    Args:
        name: The architecture's name, or `"module:function"`.
        options: Its table, without the name.
        input_shape: Shape of one image (height, width, channels), where it is known already.
        folder: The study file's folder, where a user's module may lie.

    Returns:
        What is wrong with it; empty when it can be built.
    """
    if references.is_reference(name):
        unread = dict.fromkeys(options, Anything())  # what the function takes, its module knows
        return references.check(name, "name", folder) + check_settings(options, unread, name)
    if name not in ARCHITECTURES:
        return [unknown("name", name, 'an architecture or "module:function"', ARCHITECTURES)]
    problems = check_settings(options, ARCHITECTURES[name].options, name)
    if problems or name == "linear":
        return problems
    settings = resolve(options, ARCHITECTURES[name].options)
    if name == "mlp":
        return _check_mlp(settings)
    return _check_cnn(settings, input_shape) if input_shape is not None else []


def effective(name: str, options: Mapping[str, object]) -> dict[str, object]:
    """Return all options of a named architecture, defaults included, as plain JSON values.

    Those of a user's own function are the ones given: its defaults are in its source.
    """
    if references.is_reference(name):
        return dict(options)
    return resolve(options, ARCHITECTURES[name].options)


def build(
    name: str,
    options: Mapping[str, object],
    *,
    input_shape: Sequence[int],
    classes: int,
    seeds: ModelSeeds,
    precision: Precision = "float32",
    folder: Path | None = None,
) -> "keras.Model":
    """Build an architecture's model.

    The layers' names, and so the model's config, differ between seeds in nothing but the seeds.

    Args:
        name: The architecture's name, or `"module:function"`, called as
            `function(input_shape, classes, seeds, **options)`.
        options: Its table, without the name.
        input_shape: Shape of one image: (height, width, channels).
        classes: How many classes the softmax output tells apart.
        seeds: Where the draws of weights and of dropout start.
        precision: Type of the computation; weights and output are float32 always.
        folder: The study file's folder, where a user's module may lie.

    Returns:
        A built model from (batch, *input_shape) to (batch, classes), float32.

    Raises:
        CatalogError: The options do not pass `check`, or a user's function fails or returns
            something else.
    """
    problems = check(name, options, input_shape=input_shape, folder=folder)
    refuse(f"the architecture {name}", problems)
    shape = tuple(input_shape)
    with _computing_in(precision):
        if references.is_reference(name):
            return user_models.build(
                name, options, input_shape=shape, classes=classes, seeds=seeds, folder=folder
            )
        settings = resolve(options, ARCHITECTURES[name].options)
        return _build_named(name, settings, shape, classes, seeds)


def _check_mlp(settings: Mapping[str, Any]) -> list[Problem]:
    hidden, dropout = settings["hidden"], settings["dropout"]
    if isinstance(dropout, list) and len(dropout) != len(hidden):
        message = f"must hold one share for each of the {len(hidden)} hidden layers, or be a number"
        return [Problem("dropout", dropout, message)]
    return []


def _check_cnn(settings: Mapping[str, Any], input_shape: Sequence[int]) -> list[Problem]:
    """Check that an image is not used up before the dense layer."""
    filters, kernel, pool = settings["filters"], settings["kernel"], settings["pool"]
    if len(input_shape) != 3:
        message = f"needs images of (height, width, channels), not of shape {tuple(input_shape)}"
        return [Problem("name", "cnn", message)]
    height, width = input_shape[:2]
    left = min(height, width) - len(filters) * (kernel - 1)
    if left >= pool:
        return []
    message = (
        f"is too much for images of {height} x {width}: {len(filters)} convolutions of "
        f"{kernel} x {kernel} leave {max(left, 0)} pixels a side, and pooling needs {pool}"
    )
    return [Problem("filters", filters, message, "fewer filters, or a smaller kernel or pool")]


def _build_named(
    name: str,
    settings: Mapping[str, Any],
    input_shape: tuple[int, ...],
    classes: int,
    seeds: ModelSeeds,
) -> "keras.Model":
    layers = Layers(seeds)
    hidden = {"linear": _linear, "mlp": _mlp, "cnn": _cnn}[name](layers, settings)
    stack = [layers.images(input_shape), *hidden, layers.probabilities(classes)]
    return load_keras().Sequential(stack, name=name)


def _linear(layers: Layers, settings: Mapping[str, Any]) -> list["keras.Layer"]:
    del settings
    return [layers.flatten()]


def _mlp(layers: Layers, settings: Mapping[str, Any]) -> list["keras.Layer"]:
    hidden, rates = settings["hidden"], settings["dropout"]
    rates = rates if isinstance(rates, list) else [rates] * len(hidden)
    stack = [layers.flatten()]
    for number, (units, rate) in enumerate(zip(hidden, rates, strict=True), start=1):
        stack.append(layers.dense(f"hidden_{number}", units, settings["activation"]))
        stack += layers.dropout(f"dropout_{number}", rate)
    return stack


def _cnn(layers: Layers, settings: Mapping[str, Any]) -> list["keras.Layer"]:
    activation, rates = settings["activation"], settings["dropout"]
    after_pool, after_dense = rates if isinstance(rates, list) else (rates, rates)
    convolutions = [
        layers.convolution(f"convolution_{number}", filters, settings["kernel"], activation)
        for number, filters in enumerate(settings["filters"], start=1)
    ]
    return [
        *convolutions,
        layers.pool(settings["pool"]),
        *layers.dropout("dropout_1", after_pool),
        layers.flatten(),
        layers.dense("hidden", settings["dense"], activation),
        *layers.dropout("dropout_2", after_dense),
    ]


@contextmanager
def _computing_in(precision: Precision) -> Iterator[None]:
    """Set the type of computation of the layers that are made inside, and of no others."""
    keras = load_keras()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
