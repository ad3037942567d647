"""A user's own model: built by their function, and checked before it is trained."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from harness.catalog import references
from harness.catalog.layers import ModelSeeds
from harness.catalog.lazy import load_keras
from harness.catalog.problems import CatalogError
from harness.catalog.settings import REQUIRED, Anything, check_settings

if TYPE_CHECKING:
    import keras


def build(
    reference: str,
    options: Mapping[str, object],
    *,
    input_shape: tuple[int, ...],
    classes: int,
    seeds: ModelSeeds,
    folder: Path | None = None,
) -> "keras.Model":
    """Call a user's function; what it draws without a seed of its own is drawn the same too.

    While the function runs, such draws follow the stream `init`. What the model draws later, in
    its layers, follows `dropout`.

    Args:
        reference: `"module:function"`, called as
            `function(input_shape, classes, seeds, **options)`.
        options: Its table in the study file, without the name.
        input_shape: Shape of one image.
        classes: How many outputs the model must have.
        seeds: Where its random draws should start.
        folder: The study file's folder.

    Raises:
        CatalogError: The function cannot be imported, does not take the options, fails, or returns
            something that cannot be trained and scored as a classifier.
    """
    function = references.load(reference, folder)
    _refuse_misfits(reference, function, options)
    load_keras().utils.set_random_seed(seeds.init)
    try:
        model = function(input_shape, classes, seeds, **deepcopy(dict(options)))
    except references.FAULTS as error:
        raise CatalogError(f"{reference} failed: {references.fault_words(error)}") from error
    fault = _fault_of_model(model) or _fault_of_output(model, input_shape, classes)
    if fault:
        raise CatalogError(f"{reference} {fault}")
    _reseed(model, seeds.dropout)
    return cast("keras.Model", model)


def _refuse_misfits(
    reference: str, function: Callable[..., object], options: Mapping[str, object]
) -> None:
    """End before a call that would fail for its arguments alone, and say what there is."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # written in C
        return
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    by_place = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    by_name = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    first = [one.name for one in parameters if one.kind in by_place][:3]
    rules = {
        one.name: Anything(REQUIRED if one.default is one.empty else one.default)
        for one in parameters
        if one.kind in by_name and one.name not in first
    }
    problems = check_settings(options, rules, reference)
    if problems:
        raise CatalogError("; ".join(map(str, problems)))


def unseeded(model: "keras.Model") -> list["keras.random.SeedGenerator"]:
    """Return the seed generators of a model's layers that were made without a seed."""
    generators = [one for layer in model._flatten_layers() for one in layer._seed_generators]
    unique = {id(one): one for one in generators if one.get_config()["seed"] is None}
    return list(unique.values())


def _reseed(model: "keras.Model", seed: int) -> None:
    """Begin all draws that have no seed of their own from this one, each at its own place."""
    generators = unseeded(model)
    words = np.random.SeedSequence(seed).generate_state(len(generators))
    for generator, word in zip(generators, words, strict=True):
        generator.state.assign([int(word), 0])
    load_keras().utils.set_random_seed(seed)


def _fault_of_model(model: object) -> str | None:
    if not isinstance(model, load_keras().Model):
        return f"must return a keras.Model, not {type(model).__name__}"
    if not model.built:
        return "must return a built model: start it with keras.Input, or call model.build"
    return None


def _fault_of_output(model: Any, input_shape: tuple[int, ...], classes: int) -> str | None:
    """Ask the model about two grey images: whatever it is made of, the answer tells."""
    keras = load_keras()
    try:
        output = model(np.full((2, *input_shape), 0.5, "float32"), training=False)
    except references.FAULTS as error:
        return f"must take images of shape {input_shape}: {references.fault_words(error)}"
    shape = tuple(getattr(output, "shape", ()))
    if shape != (2, classes):
        return f"must give {classes} outputs an image; 2 images gave the shape {shape}"
    if keras.backend.standardize_dtype(output.dtype) != "float32":
        return 'must give float32 outputs: add dtype="float32" to the last layer'
    rows = keras.ops.convert_to_numpy(output)
    if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1, atol=1e-3):
        return 'must give probabilities: end with activation="softmax"'
    return None
