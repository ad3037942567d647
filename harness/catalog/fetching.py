"""Get a dataset from the cache or from the first source that has the very bytes."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarError

from harness.catalog.cache import Cache
from harness.catalog.checksums import Arrays, fault
from harness.catalog.commands import CommandError
from harness.catalog.raw_data import DataError
from harness.catalog.sources import Source

FAILURES = (CommandError, ImportError, OSError, TarError, ValueError)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """A dataset's verified arrays, where they came from, and what was noticed on the way."""

    arrays: Arrays
    source: str
    notes: tuple[str, ...] = ()


def fetch(name: str, cache: Cache, sources: Sequence[Source]) -> Fetched:
    """Read a dataset from the cache, or fetch it and keep it there.

    Args:
        name: The dataset's name, for messages.
        cache: Its place in the cache, and what its arrays must be.
        sources: Where else to get it, in the order to try.

    Returns:
        Arrays mapped read-only from the cache; in memory where the cache cannot be written.

    Raises:
        DataError: No source has it; the message lists each with its reason.
    """
    notes = []
    try:
        return Fetched(cache.read(), "the user's cache")
    except FileNotFoundError:
        reasons = [f"cache {cache.folder}: not there yet"]
    except (OSError, ValueError) as error:
        reasons = [f"cache {cache.folder}: {error}"]
        notes.append(f"The cached {name} was broken and is fetched again: {error}.")
        log.warning(notes[-1])
    for source in sources:
        log.info("Fetching %s: %s", name, source.name)
        try:
            arrays = _fetch_verified(source, cache)
        except FAILURES as error:
            reasons.append(f"{source.name}: {error}")
            continue
        return _keep(arrays, source, cache, notes)
    raise DataError(_nothing_worked(name, cache, sources, reasons))


def _fetch_verified(source: Source, cache: Cache) -> Arrays:
    with tempfile.TemporaryDirectory(prefix="bench-data-") as workspace:
        arrays = source.fetch(Path(workspace))
    if found := fault(arrays, cache.known):
        raise ValueError(f"refused, since {found}")
    return arrays


def _keep(arrays: Arrays, source: Source, cache: Cache, notes: Sequence[str]) -> Fetched:
    try:
        cache.write(arrays)
        return Fetched(cache.read(), source.name, tuple(notes))
    except (OSError, ValueError) as error:
        note = f"The data could not be kept in {cache.folder}: {error}."
        log.warning(note)
        return Fetched(arrays, source.name, (*notes, note))


def _nothing_worked(
    name: str, cache: Cache, sources: Sequence[Source], reasons: Sequence[str]
) -> str:
    files = [f"its files {', '.join(f'{part}.npy' for part in cache.known)} from another cache"]
    files += [source.by_hand for source in sources if source.by_hand]
    return "\n".join(
        [
            f"{name} cannot be had from any source:",
            *(f"  - {reason}" for reason in reasons),
            f"Copy {', or '.join(files)} to {cache.folder} (BENCH_DATA_DIR names another "
            "folder), or use mnist-5k, which is embedded.",
        ]
    )
