"""Data of the user's own: what is taken as it is, and what is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.catalog import datasets
from harness.catalog.problems import CatalogError
from harness.catalog.raw_data import DataError, RawData


def arrays(**more: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (12, 8, 8), np.uint8),
        "y_train": np.arange(12) % 3,
        **more,
    }


def load(folder: Path, given: dict[str, Any]) -> RawData:
    kept = {key: value for key, value in given.items() if value is not None}
    np.savez_compressed(folder / "mine.npz", **kept)
    return datasets.load(npz="mine.npz", folder=folder)


def test_bytes_are_divided_by_255_and_get_a_channel(tmp_path: Path) -> None:
    given = arrays()
    raw = load(tmp_path, given)
    assert (raw.name, raw.scale, raw.classes) == ("mine", 255.0, 3)
    assert (raw.images.shape, raw.images.dtype) == ((12, 8, 8, 1), np.uint8)
    assert np.array_equal(raw.images[..., 0], given["x_train"])
    assert raw.labels.dtype == np.int64
    assert not raw.has_official_split
    assert raw.source == "mine.npz"


def test_floats_are_taken_as_they_are(tmp_path: Path) -> None:
    given = arrays(x_train=np.linspace(-1, 1, 12 * 48).reshape(12, 4, 4, 3))
    raw = load(tmp_path, given)
    assert (raw.scale, raw.images.dtype, raw.images.shape) == (1.0, np.float32, (12, 4, 4, 3))
    assert np.allclose(raw.images, given["x_train"])


@pytest.mark.parametrize("part", ["test", "val"])
def test_a_validation_set_is_an_official_split(tmp_path: Path, part: str) -> None:
    given = arrays()
    more = {f"x_{part}": given["x_train"][:6], f"y_{part}": given["y_train"][:6]}
    raw = load(tmp_path, given | more)
    assert raw.has_official_split
    assert np.array_equal(raw.validation_labels, given["y_train"][:6])
    assert raw.notes == ()


def test_a_test_set_beside_a_validation_set_is_left_out_with_a_note(tmp_path: Path) -> None:
    x, y = arrays().values()
    more = {"x_val": x[:3], "y_val": y[:3], "x_test": x[3:], "y_test": y[3:]}
    raw = load(tmp_path, arrays(**more))
    assert len(raw.validation_labels) == 3  # type: ignore[arg-type]
    assert "x_test is left unused" in raw.notes[0]


def test_the_identity_follows_the_values_not_the_file(tmp_path: Path) -> None:
    first = load(tmp_path, arrays()).sha256
    np.savez(tmp_path / "other.npz", **dict(reversed(arrays().items())))
    assert datasets.load(npz="other.npz", folder=tmp_path).sha256 == first
    changed = arrays()
    changed["y_train"] = changed["y_train"][::-1]
    assert load(tmp_path, changed).sha256 != first


X = arrays()["x_train"]
Y = arrays()["y_train"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"y_train": None}, r"has no y_train; it has: x_train"),
        ({"x_train": None, "y_train": None, "X": X}, "has no x_train and no y_train; it has: X"),
        ({"x_test": X}, "has no y_test"),
        ({"y_val": Y}, "has no x_val"),
        ({"x_train": X[0]}, r"x_train must be images .* not of shape \(8, 8\)"),
        ({"x_train": X[:, 0]}, r"rows of a table are images one high: x\[:, None, :\]"),
        ({"x_train": X[:0]}, r"x_train must be images .* not of shape \(0, 8, 8, 1\)"),
        ({"x_train": X.astype(int) - 9}, r"x_train must be .* from 0 to 255, not int64 from -9"),
        ({"x_train": np.full((12, 2, 2), np.nan)}, "x_train holds values that are nan"),
        ({"x_train": X.astype(str)}, "x_train must be floating point, or whole numbers"),
        ({"x_train": X[:11]}, "x_train holds 11 images, y_train 12 labels"),
        ({"y_train": Y / 2}, "y_train must be whole numbers from 0, not float64"),
        ({"y_train": Y > 1}, "y_train must be whole numbers from 0, not bool"),
        ({"y_train": Y + 1}, "without a gap; no image has the label 0"),
        ({"y_train": Y * 2}, "without a gap; no image has the label 1"),
        ({"y_train": Y - 1}, "the least is -1"),
        ({"y_train": Y * 10**12}, "the largest is 2000000000000"),
        ({"y_train": Y * 0}, "a single class"),
        ({"y_train": np.eye(12)}, r"save y\.argmax\(axis=1\)"),
        ({"x_val": X[:, :4], "y_val": Y}, r"x_val holds uint8 images of shape \(4, 8, 1\)"),
        ({"x_val": X / 255, "y_val": Y}, "x_val holds float32 images"),
        ({"x_val": X, "y_val": Y + 1}, "the label 3 of y_val is not in y_train"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=rf"mine\.npz.*{said}"):
        load(tmp_path, arrays() | more)


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.npz cannot be read: an array of objects"):
        load(tmp_path, arrays(y_train=np.array([None] * 12)))


def test_files_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*nowhere\.npz"):
        datasets.load(npz="nowhere.npz", folder=tmp_path)
    np.save(tmp_path / "one.npy", X)
    with pytest.raises(DataError, match=r"one\.npy holds one array"):
        datasets.load(npz="one.npy", folder=tmp_path)
    (tmp_path / "text.npz").write_text("epoch,loss\n")
    with pytest.raises(DataError, match=r"text\.npz cannot be read: it is no \.npz file"):
        datasets.load(npz="text.npz", folder=tmp_path)
    np.savez(tmp_path / "cut.npz", **arrays())
    whole = (tmp_path / "cut.npz").read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        (tmp_path / "cut.npz").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"cut\.npz cannot be read"):
            datasets.load(npz="cut.npz", folder=tmp_path)


SOURCE = """
import numpy as np
def load():
    return {"x_train": np.zeros((4, 2, 2)), "y_train": [0, 1, 0, 1]}
def nothing():
    pass
def broken():
    return {}["x"]
def ends():
    raise SystemExit
def ragged():
    return {"x_train": np.array([[1], [2, 3]], object), "y_train": [0, 1]}
"""


def test_a_users_function_is_called(tmp_path: Path) -> None:
    (tmp_path / "my_data.py").write_text(SOURCE)
    assert datasets.check("my_data:load", folder=tmp_path) == []
    raw = datasets.load("my_data:load", folder=tmp_path)
    assert (raw.name, raw.source, raw.classes) == ("my_data:load", "my_data:load", 2)
    assert raw.images.shape == (4, 2, 2, 1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("nothing", "must return a mapping of arrays, not NoneType"),
        ("broken", "failed: KeyError: 'x'"),
        ("ends", "failed: SystemExit$"),
        ("ragged", ": x_train is an array of objects"),
        ("absent", "has no function absent"),
    ],
)
def test_what_a_function_must_not_do(tmp_path: Path, function: str, said: str) -> None:
    (tmp_path / "my_data.py").write_text(SOURCE)
    with pytest.raises(CatalogError, match=rf"my_data.*{said}"):
        datasets.load(f"my_data:{function}", folder=tmp_path)
