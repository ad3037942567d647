"""Data of the user's own: an `.npz` file, or a function that returns the same arrays."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.catalog import references
from harness.catalog.checksums import digest, identify
from harness.catalog.raw_data import DataError, Images, Labels, RawData

Array = npt.NDArray[Any]

Keys = tuple[str, str]

TRAIN_KEYS: Keys = ("x_train", "y_train")
VALIDATION_KEYS: tuple[Keys, ...] = (("x_val", "y_val"), ("x_test", "y_test"))


MOST_CLASSES = 1_000_000


def load_npz(path: Path) -> RawData:
    """Load `x_train`, `y_train` and, where there, `x_val`, `y_val` or `x_test`, `y_test`.

    Args:
        path: The `.npz` file; nothing in it is unpickled.

    Raises:
        DataError: It is missing or broken, or its arrays do not pass `from_arrays`.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            arrays = dict(archive) if isinstance(archive, Mapping) else {}
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (EOFError, OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {_plain(error, path)}") from error
    if isinstance(archive, np.ndarray):
        raise DataError(f"{path} holds one array; write several with numpy.savez")
    return replace(from_arrays(path.stem, arrays, str(path)), source=path.name)


def load_function(reference: str, folder: Path | None = None) -> RawData:
    """Call a user's function, which returns arrays by name as they would be in an `.npz` file.

    Args:
        reference: `"module:function"`, called without arguments.
        folder: The study file's folder.

    Raises:
        CatalogError: The function cannot be imported.
        DataError: It fails, or its arrays do not pass `from_arrays`.
    """
    function = references.load(reference, folder)
    try:
        arrays = function()
    except references.FAULTS as error:
        raise DataError(f"{reference} failed: {references.fault_words(error)}") from error
    if not isinstance(arrays, Mapping):
        raise DataError(f"{reference} must return a mapping of arrays, not {type(arrays).__name__}")
    return from_arrays(reference, arrays, reference)


def from_arrays(name: str, arrays: Mapping[str, object], source: str) -> RawData:
    """Check arrays and take them as a dataset.

    Images are (n, height, width) or (n, height, width, channels), floating point or whole numbers
    from 0 to 255; labels are (n,), whole numbers from 0.

    Args:
        name: The dataset's name.
        arrays: `x_train`, `y_train` and perhaps a validation set, by these names.
        source: Where they come from, for messages.

    Raises:
        DataError: An array is missing or is not what it must be; the message names it.
    """
    keys, notes = _keys(arrays, source)
    images = [_images(arrays[x], f"{source}: {x}") for x, _ in keys]
    labels = [_labels(arrays[y], f"{source}: {y}") for _, y in keys]
    _check_alike(keys, images, labels, source)
    official = len(keys) > 1
    identities = {
        f"{kind}-{place}": identify(array)
        for kind, some in (("images", images), ("labels", labels))
        for place, array in enumerate(some)
    }
    return RawData(
        name=name,
        images=images[0],
        labels=labels[0],
        validation_images=images[1] if official else None,
        validation_labels=labels[1] if official else None,
        classes=int(labels[0].max()) + 1,
        scale=255.0 if images[0].dtype == np.uint8 else 1.0,
        sha256=digest(identities),
        source=source,
        notes=notes,
    )


def _keys(arrays: Mapping[str, object], source: str) -> tuple[list[Keys], tuple[str, ...]]:
    """Return the keys of the training and perhaps of the validation arrays, and notes."""
    given = [pair for pair in VALIDATION_KEYS if set(pair) & set(arrays)]
    keys = [TRAIN_KEYS, *given[:1]]
    if missing := [key for pair in keys for key in pair if key not in arrays]:
        has = ", ".join(arrays) or "nothing"
        raise DataError(f"{source} has no {' and no '.join(missing)}; it has: {has}")
    if len(given) > 1:
        return keys, (f"{source}: x_val is the validation set, x_test is left unused.",)
    return keys, ()


def _images(value: object, where: str) -> Images:
    array = _array(value, where)
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.size == 0:
        hint = "; rows of a table are images one high: x[:, None, :]" if array.ndim == 2 else ""
        raise DataError(
            f"{where} must be images (n, height, width) or (n, height, width, channels), "
            f"not of shape {array.shape}{hint}"
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise DataError(f"{where} holds values that are nan or infinite")
        return np.ascontiguousarray(array, np.float32)
    if array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= 255:
        return np.ascontiguousarray(array, np.uint8)
    raise DataError(
        f"{where} must be floating point, or whole numbers from 0 to 255, not {array.dtype}"
        + (f" from {array.min()} to {array.max()}" if array.dtype.kind in "iu" else "")
    )


def _labels(value: object, where: str) -> Labels:
    array = _array(value, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        raise DataError(f"{where} must be one class number an image; save y.argmax(axis=1)")
    if array.ndim != 1 or array.size == 0:
        raise DataError(f"{where} must be labels of shape (n,), not {array.shape}")
    if array.dtype.kind not in "iu":
        raise DataError(f"{where} must be whole numbers from 0, not {array.dtype}")
    if array.min() < 0:
        raise DataError(f"{where} must be whole numbers from 0; the least is {array.min()}")
    if array.max() > MOST_CLASSES:
        raise DataError(f"{where} must be class numbers; the largest is {array.max()}")
    return np.ascontiguousarray(array, np.int64)


def _check_alike(
    keys: Sequence[Keys], images: Sequence[Images], labels: Sequence[Labels], source: str
) -> None:
    """Check that images and labels belong together, and validation data to training data."""
    for (x, y), some, their in zip(keys, images, labels, strict=True):
        if len(some) != len(their):
            raise DataError(f"{source}: {x} holds {len(some)} images, {y} {len(their)} labels")
        if some.shape[1:] != images[0].shape[1:] or some.dtype != images[0].dtype:
            raise DataError(
                f"{source}: {x} holds {some.dtype} images of shape {some.shape[1:]}, x_train "
                f"{images[0].dtype} images of shape {images[0].shape[1:]}"
            )
        if their.max() > labels[0].max():
            raise DataError(f"{source}: the label {their.max()} of {y} is not in y_train")
    counts = np.bincount(labels[0])
    if not counts.all():
        raise DataError(
            f"{source}: y_train must number its classes from 0 without a gap; "
            f"no image has the label {int(np.argmin(counts))}"
        )
    if counts.size < 2:
        raise DataError(f"{source}: y_train has a single class, so there is nothing to learn")


def _array(value: object, where: str) -> Array:
    array = np.asarray(value)
    if array.dtype == object:
        raise DataError(f"{where} is an array of objects; save plain numbers of one shape")
    return array


def _plain(error: Exception, path: Path) -> str:
    text = str(error)
    if "allow_pickle" in text:
        if not zipfile.is_zipfile(path):  # numpy takes whatever it does not know for a pickle
            return "it is no .npz file; write one with numpy.savez"
        return "an array of objects or pickled data; save plain numbers of one shape"
    return text
