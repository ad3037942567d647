"""Keras, imported when something is built and not before: it takes seconds."""

from importlib import import_module
from typing import Any


def load_keras() -> Any:
    """Import Keras, or return it if it is imported already."""
    return import_module("keras")
