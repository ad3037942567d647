"""A dataset small enough to write by hand, in the files and with the checks of the large ones."""

import gzip
import struct
from pathlib import Path

import numpy as np

from harness.catalog.checksums import Arrays, Known, identify
from harness.catalog.formats import IDX_FILES

ARRAYS: Arrays = {
    "train-images": np.arange(6 * 4 * 4, dtype=np.uint8).reshape(6, 4, 4),
    "train-labels": np.array([0, 1, 2, 0, 1, 2], np.uint8),
    "test-images": np.arange(100, 100 + 3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4),
    "test-labels": np.array([2, 1, 0], np.uint8),
}
KNOWN: Known = {part: identify(array) for part, array in ARRAYS.items()}


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, *, zipped: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, name in IDX_FILES.items():
        content = idx(ARRAYS[part])
        path = folder / (f"{name}.gz" if zipped else name)
        path.write_bytes(gzip.compress(content) if zipped else content)
