"""A model's identity and its description for people."""

from __future__ import annotations

import json
import re
from typing import Any

import keras

MADE_UP = re.compile(r"input_layer_\d+")


def canonical_config(model: keras.Model) -> str | None:
    """The model's Keras config without seeds and without the names Keras made up.

    Two models are trained alike from the same variables exactly when these agree. None for a
    model that has no config (a subclassed one without ``get_config``).
    """
    try:
        config = model.get_config()
    except NotImplementedError:
        return None
    names: dict[str, str] = {}
    for layer in model.layers:
        names.setdefault(layer.name, f"layer_{len(names)}")
    names[model.name] = "model"
    if isinstance(model, keras.Sequential):
        # Its layers leave the input out, and Keras numbers it on from one model to the next.
        first = model._layers[0].name
        if MADE_UP.fullmatch(first):
            names[first] = "input_layer"
    return json.dumps(_plain(config, names), sort_keys=True, default=str)


def _plain(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        # A registered class is known by its name there, wherever its code stands.
        by_name = {"module"} if node.get("registered_name") else {"registered_name"}
        return {
            key: None if key == "seed" else _plain(value, names)
            for key, value in node.items()
            if key not in {"build_config", "shared_object_id", *by_name}
        }
    if isinstance(node, list | tuple):
        return [_plain(item, names) for item in node]
    return names.get(node, node) if isinstance(node, str) else node


def layer_lines(model: keras.Model) -> tuple[str, ...]:
    """One line a layer, with what tells it from others of its kind."""
    return tuple(_layer_line(layer) for layer in model.layers)


def _layer_line(layer: keras.Layer) -> str:
    try:
        config = layer.get_config()
    except NotImplementedError:
        config = {}
    words = [type(layer).__name__]
    for key in ("units", "filters", "kernel_size", "pool_size", "rate", "activation"):
        value = config.get(key)
        if value in (None, "linear"):
            continue
        pair = isinstance(value, list | tuple)
        words.append("x".join(map(str, value)) if pair else str(value))
    return " ".join(words)
