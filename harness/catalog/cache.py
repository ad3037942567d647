"""The user's cache of downloaded datasets: uint8 `.npy` files that processes map and share."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import numpy as np
from platformdirs import user_cache_dir

from harness.catalog.checksums import PARTS, Arrays, Known, fault

VERIFIED = "verified.json"


def data_folder() -> Path:
    """Return the folder of all cached datasets; `BENCH_DATA_DIR` overrides the user's cache."""
    return Path(os.environ.get("BENCH_DATA_DIR") or user_cache_dir("training-bench", False))


@dataclass(frozen=True)
class Cache:
    """The cached files of one dataset.

    Attributes:
        folder: Where they lie; it need not exist.
        known: What the arrays must be.
    """

    folder: Path
    known: Known

    def exists(self) -> bool:
        """Say whether all files are there, whatever is in them."""
        return all(self._file(part).is_file() for part in PARTS)

    def read(self) -> Arrays:
        """Map the arrays read-only.

        Their SHA-256 is computed once: while size and time of change of the files stay as they
        were, it is not computed again.

        Raises:
            OSError: A file is missing or cannot be read.
            ValueError: A file is not what it must be.
        """
        arrays: Arrays = {part: self._map(part) for part in PARTS}
        stamp = self._stamp()
        if stamp != self._verified_stamp():
            if found := fault(arrays, self.known):
                raise ValueError(found)
            self._remember(stamp)
        return arrays

    def write(self, arrays: Arrays) -> None:
        """Keep the arrays, each file whole or not at all, also when others write the same.

        Raises:
            OSError: The folder cannot be written, or the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            with _replacing(self._file(part)) as file:
                np.save(file, arrays[part], allow_pickle=False)
        self._remember(self._stamp())

    def _file(self, part: str) -> Path:
        return self.folder / f"{part}.npy"

    def _map(self, part: str) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
        # Mapped copy-on-write, not "r": TensorFlow takes over only memory that it may write to.
        try:
            array = np.load(self._file(part), mmap_mode="c", allow_pickle=False)
        except (EOFError, ValueError) as error:
            raise ValueError(f"{self._file(part)} is not a whole .npy file: {error}") from error
        array.flags.writeable = False
        return array  # type: ignore[no-any-return]

    def _stamp(self) -> dict[str, list[object]]:
        stats = {part: self._file(part).stat() for part in PARTS}
        return {
            part: [stat.st_size, stat.st_mtime_ns, self.known[part].sha256]
            for part, stat in stats.items()
        }

    def _verified_stamp(self) -> object:
        try:
            return json.loads((self.folder / VERIFIED).read_bytes())
        except (OSError, ValueError):
            return None

    def _remember(self, stamp: dict[str, list[object]]) -> None:
        """Note what was verified; a cache that cannot be written is verified at every reading."""
        try:
            with _replacing(self.folder / VERIFIED) as file:
                file.write(json.dumps(stamp).encode())
        except OSError:
            return


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside `path` and put it in its place when it is whole."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
