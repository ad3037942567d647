"""Datasets by name: embedded, downloaded once and verified, or the user's own."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from harness.catalog import embedded, own_data, references
from harness.catalog.cache import Cache, data_folder
from harness.catalog.checksums import KNOWN, Arrays, digest
from harness.catalog.embedded import EMBEDDED
from harness.catalog.fetching import FAILURES
from harness.catalog.fetching import fetch as fetch_arrays
from harness.catalog.problems import Problem, unknown
from harness.catalog.raw_data import DataError, Images, Labels, RawData, Split
from harness.catalog.sources import SOURCES, Source

__all__ = [
    "NAMES",
    "DataError",
    "DatasetInfo",
    "RawData",
    "Split",
    "available",
    "check",
    "fetch",
    "load",
    "reachable_sources",
    "sample_grid",
    "stamp",
]

NAMES = (*EMBEDDED, *KNOWN)
"""Every dataset that a study can name without bringing its own."""


@dataclass(frozen=True)
class DatasetInfo:
    """What `bench data list` says of a dataset; nothing is loaded for it.

    Attributes:
        name: What a study calls it.
        images: How many images it has, with those of an official validation set.
        validation: How many of them are the official validation set; None if there is none.
        shape: Shape of one image: (height, width, channels).
        classes: How many classes its labels tell apart.
        embedded: Whether it needs no download.
        cached: Whether its files are in the user's cache; they are verified when they are read.
        sources: Where it comes from, in words, in the order of trying.
    """

    name: str
    images: int
    validation: int | None
    shape: tuple[int, ...]
    classes: int
    embedded: bool
    cached: bool
    sources: str


def available() -> list[DatasetInfo]:
    """Describe every dataset that a study can name."""
    infos = [
        DatasetInfo(name, one.images, None, one.shape, 10, True, False, f"package {one.package}")
        for name, one in EMBEDDED.items()
    ]
    for name, known in KNOWN.items():
        train, test = known["train-images"].shape, known["test-images"].shape
        sources = ", ".join(["cache", *(source.name for source in SOURCES[name])])
        shape = _with_channels(train[1:])
        cached = _cache(name).exists()
        infos.append(
            DatasetInfo(name, train[0] + test[0], test[0], shape, 10, False, cached, sources)
        )
    return infos


def check(
    name: str | None = None, *, npz: str | None = None, folder: Path | None = None
) -> list[Problem]:
    """Check a study's `[data]` without loading anything.

    Args:
        name: A dataset's name, or `"module:function"`.
        npz: Path of an `.npz` file, relative to the folder.
        folder: The study file's folder.

    Returns:
        What is wrong with it; empty when `load` can try.
    """
    if npz is not None:
        path = _relative_to(folder, npz)
        return [] if path.is_file() else [Problem("npz", npz, f"is not there: no file {path}")]
    if name is not None and references.is_reference(name):
        return references.check(name, "name", folder)
    return [] if name in NAMES else [unknown("name", name, "a dataset", NAMES)]


def load(name: str | None = None, *, npz: str | None = None, folder: Path | None = None) -> RawData:
    """Load a study's data: give a name or an `.npz` file.

    Args:
        name: A dataset's name, or `"module:function"`, called without arguments.
        npz: Path of an `.npz` file, relative to the folder.
        folder: The study file's folder.

    Raises:
        DataError: The data cannot be had or cannot be used.
        CatalogError: The user's function cannot be imported.
    """
    if npz is not None:
        return own_data.load_npz(_relative_to(folder, npz))
    if name is not None and references.is_reference(name):
        return own_data.load_function(name, folder)
    if name not in NAMES:
        raise DataError(str(unknown("name", name, "a dataset", NAMES)))
    return embedded.load(name) if name in EMBEDDED else fetch(name)


def stamp(
    name: str | None = None, *, npz: str | None = None, folder: Path | None = None
) -> tuple[object, ...]:
    """What changes when a study's data are replaced; the data themselves are not read for it.

    Args:
        name: A dataset's name, or `"module:function"`: what its module says counts, not what the
            function reads.
        npz: Path of an `.npz` file, relative to the folder.
        folder: The study file's folder.

    Raises:
        CatalogError: The user's function cannot be found.
    """
    if npz is not None:
        path = _relative_to(folder, npz)
        if not path.is_file():
            return (path,)
        stat = path.stat()
        return path, stat.st_ino, stat.st_size, stat.st_mtime_ns
    if name is not None and references.is_reference(name):
        return name, folder, references.source_digest(name, folder)
    return (name,)


def fetch(name: str) -> RawData:
    """Load a downloaded dataset from the cache; fetch it first if it is not there.

    Args:
        name: One of the names in `NAMES`; embedded data need no fetching and are just loaded.

    Raises:
        DataError: There is no such dataset, or no source has it: each is listed with its reason.
    """
    if name not in KNOWN:
        return load(name)
    fetched = fetch_arrays(name, _cache(name), SOURCES[name])
    arrays = fetched.arrays
    return RawData(
        name=name,
        images=_images(arrays, "train"),
        labels=_labels(arrays, "train"),
        validation_images=_images(arrays, "test"),
        validation_labels=_labels(arrays, "test"),
        classes=10,
        scale=255.0,
        sha256=digest(KNOWN[name]),
        source=fetched.source,
        notes=fetched.notes,
    )


def reachable_sources(name: str) -> dict[str, str | None]:
    """Ask a dataset's sources, within seconds, whether they are there; nothing is fetched.

    Args:
        name: A dataset that is downloaded.

    Returns:
        By source, None if it answers, else why not; sources that only fetching can tell of are
        left out.
    """
    asked = [source for source in SOURCES[name] if source.reach is not None]
    return {source.name: _why_not(source) for source in asked}


def _why_not(source: Source) -> str | None:
    try:
        with TemporaryDirectory(prefix="bench-data-") as workspace:
            if source.reach is not None:
                source.reach(Path(workspace))
    except FAILURES as error:
        return str(error)
    return None


def sample_grid(raw: RawData, n: int = 81, seed: int = 0) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Draw training images to show.

    Args:
        raw: The data.
        n: How many to draw; all if there are fewer.
        seed: Where the draw starts.

    Returns:
        Images (n, height, width, channels) from 0 (dark) to 255, and their labels (n,).
    """
    random = np.random.Generator(np.random.PCG64(seed))
    chosen = random.choice(len(raw.images), min(n, len(raw.images)), replace=False)
    values = raw.images[chosen] / raw.scale
    low, high = min(0.0, float(values.min())), max(1.0, float(values.max()))
    shades = np.rint((values - low) / (high - low) * 255).astype(np.uint8)
    return shades, raw.labels[chosen]


def _cache(name: str) -> Cache:
    return Cache(data_folder() / name, KNOWN[name])


def _relative_to(folder: Path | None, path: str) -> Path:
    return (folder or Path()) / Path(path).expanduser()


def _images(arrays: Arrays, part: str) -> Images:
    images = arrays[f"{part}-images"]
    return images.reshape(len(images), *_with_channels(images.shape[1:]))


def _labels(arrays: Arrays, part: str) -> Labels:
    return arrays[f"{part}-labels"].astype(np.int64)


def _with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) == 3 else (*shape, 1)
