"""The cache: whole files or none, verified once, shared by processes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.catalog.cache import VERIFIED, Cache, data_folder
from tests.catalog import tiny


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    cache = Cache(tmp_path / "tiny", tiny.KNOWN)
    cache.write(tiny.ARRAYS)
    return cache


def files(cache: Cache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def test_arrays_come_back_mapped_and_read_only(cache: Cache) -> None:
    arrays = cache.read()
    for part, array in arrays.items():
        assert isinstance(array, np.memmap)
        assert not array.flags.writeable
        assert np.array_equal(array, tiny.ARRAYS[part])
    assert cache.exists()
    assert files(cache) == sorted([*(f"{part}.npy" for part in tiny.ARRAYS), VERIFIED])


def test_an_empty_cache_is_no_fault(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "none", tiny.KNOWN)
    assert not cache.exists()
    with pytest.raises(FileNotFoundError):
        cache.read()
    assert not cache.folder.exists()


def test_a_flipped_bit_is_found(cache: Cache) -> None:
    path = cache.folder / "train-images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="SHA-256 of its train-images"):
        cache.read()


@pytest.mark.parametrize("size", [0, 5, 100, 200])
def test_a_cut_file_is_found(cache: Cache, size: int) -> None:
    path = cache.folder / "train-images.npy"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"train-images\.npy is not a whole"):
        cache.read()


def test_files_copied_there_by_hand_are_verified(cache: Cache) -> None:
    (cache.folder / VERIFIED).write_text("{broken")
    assert np.array_equal(cache.read()["test-labels"], tiny.ARRAYS["test-labels"])
    assert Cache(cache.folder, tiny.KNOWN).read()
    np.save(cache.folder / "test-labels.npy", np.zeros(3, np.uint8))
    (cache.folder / VERIFIED).unlink()
    with pytest.raises(ValueError, match="test-labels"):
        cache.read()


def test_verified_files_are_not_read_through_again(cache: Cache) -> None:
    """What costs a second on large data is done once; size and time of change say when again."""
    path = cache.folder / "train-images.npy"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.read()["train-images"].flat[-1] != tiny.ARRAYS["train-images"].flat[-1]
    os.utime(path)
    with pytest.raises(ValueError, match="SHA-256"):
        cache.read()


def test_a_verification_of_other_bytes_does_not_count(cache: Cache) -> None:
    other = dict(tiny.KNOWN) | {"train-labels": tiny.KNOWN["test-labels"]}
    with pytest.raises(ValueError, match="train-labels"):
        Cache(cache.folder, other).read()


def test_a_process_that_dies_while_writing_leaves_the_old_file(cache: Cache) -> None:
    code = (
        "import os, pathlib, sys; from harness.catalog.cache import _replacing\n"
        "with _replacing(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os._exit(9)"
    )
    path = cache.folder / "train-images.npy"
    dead = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert dead.returncode == 9
    assert np.array_equal(cache.read()["train-images"], tiny.ARRAYS["train-images"])


def test_two_processes_may_write_while_a_third_reads(cache: Cache) -> None:
    code = (
        "import pathlib, sys; from harness.catalog.cache import Cache\n"
        "from tests.catalog import tiny\n"
        "for _ in range(40): Cache(pathlib.Path(sys.argv[1]), tiny.KNOWN).write(tiny.ARRAYS)"
    )
    command = [sys.executable, "-c", code, str(cache.folder)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert np.array_equal(cache.read()["train-images"], tiny.ARRAYS["train-images"])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert files(cache) == sorted([*(f"{part}.npy" for part in tiny.ARRAYS), VERIFIED])


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.setenv("BENCH_DATA_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert data_folder().name == "training-bench"
