"""Readers of IDX and of CIFAR-10 as PNG."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.catalog.formats import read_cifar_pngs, read_idx, read_idx_folder
from tests.catalog import tiny


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
def test_idx_comes_back_as_it_was_written(shape: list[int], zipped: bool) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    content = tiny.idx(array)
    assert np.array_equal(read_idx(gzip.compress(content) if zipped else content), array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an IDX file"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01abcd", "not an IDX file of unsigned bytes"),
        (b"<html>not found</html>", "not an IDX file"),
        (tiny.idx(np.zeros((2, 3), np.uint8))[:-1], r"holds 5 values, its header says \(2, 3\)"),
        (tiny.idx(np.zeros((2, 3), np.uint8)) + b"x", "holds 7 values"),
    ],
)
def test_what_is_no_idx_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_idx(content)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_of_idx_files_is_read(tmp_path: Path, zipped: bool) -> None:
    tiny.write_idx(tmp_path, zipped=zipped)
    arrays = read_idx_folder(tmp_path)
    assert arrays.keys() == tiny.ARRAYS.keys()
    assert all(np.array_equal(arrays[part], tiny.ARRAYS[part]) for part in arrays)


@pytest.mark.parametrize("cut", [1, 15, 30])
def test_a_cut_file_is_named(tmp_path: Path, cut: int) -> None:
    tiny.write_idx(tmp_path, zipped=True)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="train-labels"):
        read_idx_folder(tmp_path)


def test_cifar_pngs_hold_one_row_an_image() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (6, 2, 1024, 3), np.uint8)
    names = [*(f"data_batch_{number}.png" for number in range(1, 6)), "test_batch.png"]
    files = {
        "train_lables.json": json.dumps(list(range(10))).encode(),
        "test_lables.json": b"[3, 8]",
    }
    for name, pixels in zip(names, rows, strict=True):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "png")
        files[name] = file.getvalue()
    arrays = read_cifar_pngs(files.__getitem__)
    assert np.array_equal(arrays["train-images"], rows[:5].reshape(10, 32, 32, 3))
    assert np.array_equal(arrays["test-images"], rows[5].reshape(2, 32, 32, 3))
    assert arrays["train-labels"].tolist() == list(range(10))
    assert arrays["test-labels"].dtype == np.uint8
