"""Tensors on the memory of cached files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.catalog import datasets


def address(tensor: object) -> int:
    """Where a tensor's content lies."""
    return np.asarray(memoryview(tensor)).ctypes.data  # type: ignore[arg-type]


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    file = tmp_path / "images.npy"
    np.save(file, np.arange(2 * 8 * 8, dtype=np.uint8).reshape(2, 8, 8, 1))
    array = np.load(file, mmap_mode="c")
    array.flags.writeable = False
    return array


def test_a_mapped_file_is_not_copied(mapped: np.ndarray) -> None:
    from harness.training.tensors import shared

    tensor = shared(mapped)
    assert address(tensor) == mapped.ctypes.data
    np.testing.assert_array_equal(tensor, mapped)
    assert not mapped.flags.writeable


def test_what_cannot_be_shared_is_copied(mapped: np.ndarray, tmp_path: Path) -> None:
    from harness.training.tensors import shared

    strict = np.load(tmp_path / "images.npy", mmap_mode="r")  # can never be made writable
    for array in (mapped[:, 1:], mapped.reshape(-1)[1:], strict):
        tensor = shared(array)
        assert address(tensor) != array.ctypes.data
        np.testing.assert_array_equal(tensor, array)


def test_an_official_validation_set_has_tensors_of_its_own() -> None:
    from harness.training.tensors import DataTensors

    digits = datasets.load("digits")
    alone = DataTensors.of(digits)
    assert alone.scored_images is alone.images
    official = replace(
        digits, validation_images=digits.images[:50], validation_labels=digits.labels[:50]
    )
    split = DataTensors.of(official)
    np.testing.assert_array_equal(split.scored_images, digits.images[:50])
    np.testing.assert_array_equal(split.scored_labels, digits.labels[:50])
