"""Readers of the two file formats in which the downloaded datasets come."""

import gzip
import json
import math
import zlib
from collections.abc import Callable, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.catalog.checksums import PARTS, Arrays

Bytes = npt.NDArray[np.uint8]

IDX_FILES = dict(
    zip(
        PARTS,
        (
            "train-images-idx3-ubyte",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ),
        strict=True,
    )
)


def read_idx(content: bytes) -> Bytes:
    """Read an array of bytes in the IDX format (LeCun, 1998), gzipped or not.

    Layout: two zero bytes, 0x08 for unsigned bytes, the number of axes, each axis' length as a
    big-endian 32-bit integer, then the values in C order.

    Raises:
        ValueError: The content is not that.
    """
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError("it is not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = tuple(int(length) for length in np.frombuffer(content[4:start], ">u4"))
    if len(content) - start != math.prod(shape):
        raise ValueError(f"it holds {len(content) - start} values, its header says {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_idx_folder(folder: Path) -> Arrays:
    """Read the four IDX files of MNIST and its relatives, gzipped (`.gz`) or not.

    Raises:
        OSError: A file is missing or cannot be read; the error names it.
        ValueError: A file is broken; the error names it.
    """
    return {part: _read_idx_file(folder / name) for part, name in IDX_FILES.items()}


def read_cifar_pngs(read: Callable[[str], bytes]) -> Arrays:
    """Read CIFAR-10 from PNG files of one row an image, with labels in JSON files.

    Args:
        read: Returns the content of a file by its name.

    Raises:
        OSError: A file is missing or is no image.
        ValueError: A file has another shape.
    """
    batches = [f"data_batch_{number}.png" for number in range(1, 6)]
    return {
        "train-images": _cifar_images([read(name) for name in batches]),
        "train-labels": _cifar_labels(read("train_lables.json")),
        "test-images": _cifar_images([read("test_batch.png")]),
        "test-labels": _cifar_labels(read("test_lables.json")),
    }


def _read_idx_file(path: Path) -> Bytes:
    zipped = path.with_name(f"{path.name}.gz")
    found = zipped if zipped.is_file() else path
    try:
        return read_idx(found.read_bytes())
    except (EOFError, ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{found}: {error}") from error


def _cifar_images(files: Sequence[bytes]) -> Bytes:
    open_image = import_module("PIL.Image").open
    rows = [np.asarray(open_image(BytesIO(file)).convert("RGB")) for file in files]
    return np.concatenate(rows).reshape(-1, 32, 32, 3)


def _cifar_labels(file: bytes) -> Bytes:
    return np.array(json.loads(file), np.uint8)
