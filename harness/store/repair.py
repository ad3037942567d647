"""Save what can be read of a damaged SQLite store into a new one.

A row is kept only if it is what its checksum was made of, a trial only with its whole curve. The
damaged file is kept, too, under another name.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harness.store.contents import KEPT, Contents, add_contents, key_of, read_contents
from harness.store.databases import DamagedError, SQLiteFile, StoreError
from harness.store.leases import machine, started
from harness.store.records import FINISHED, put_meta
from harness.store.salvage import Value, salvage
from harness.store.seals import Row, clean, is_sealed, sealed
from harness.store.store import Store
from harness.store.tables import ARMS, DOCUMENTS, EPOCHS_OF, LEASES, META, TRIALS

_BESIDE = ("", "-wal", "-shm")
"""The files of a SQLite database, by what is put after its name."""


@dataclass(frozen=True)
class Repaired:
    """What came of a damaged store.

    Attributes:
        damaged: Where the damaged file is now.
        finished: Trials saved that need not be trained again, as (arm, replicate).
        unsealed: Trials of an older version, which had no checksums: nobody can tell whether they
            are as they were, so they are not saved.
        has_protocol: Whether it is still known what was claimed before the first trial.
    """

    damaged: Path
    finished: tuple[tuple[str, int], ...]
    unsealed: int
    has_protocol: bool


def repair(file: Path) -> Repaired | None:
    """Put a new store with all that can be saved in the place of a damaged one.

    Args:
        file: A SQLite store.

    Returns:
        What was saved; None if the store is whole, and nothing was done.

    Raises:
        StoreError: There is no such file, a run is at work on it, or it cannot be written.
    """
    if not SQLiteFile(file).exists():
        raise StoreError(f"{file}: is not there, so there is nothing to repair")
    if file.stat().st_size and _is_whole(file):
        return None
    try:
        found, unsealed = _read(file)
        damaged = _replace(file, found)
    except OSError as error:
        raise StoreError(
            f"{file}: cannot be repaired ({error.strerror}); check the folder's permissions and "
            "the space left"
        ) from error
    whole = found.whole(TRIALS).values()
    finished = [(row["arm"], row["replicate"]) for row in whole if row["status"] in FINISHED]
    return Repaired(
        damaged=damaged,
        finished=tuple(sorted(finished)),
        unsealed=unsealed,
        has_protocol="protocol" in found.rows[META],
    )


def _is_whole(file: Path) -> bool:
    try:
        with Store(file) as store:
            read_contents(store)
    except DamagedError:
        return False
    return True


def _read(file: Path) -> tuple[Contents, int]:
    """All rows that are as they were written, and the number of trials without checksums."""
    records = list(salvage(file))
    found, unsealed = Contents(), 0
    orders = _orders(records)
    epochs: dict[sa.Table, dict[tuple[str, int], Row]] = defaultdict(dict)
    for record in records:
        _check_at_work(file, record)
        for table, names in orders:
            if len(record) != len(names):
                continue
            row = dict(zip(names, record, strict=True))
            if table in found.epochs:
                one = _epoch(table, row)
                if one is not None:
                    epochs[table][one["fingerprint"], one["epoch"]] = one
            elif is_sealed(table, row):
                _keep(found, table, clean(table, row))
        unsealed += _is_trial_without_seal(record)
    for table, rows in epochs.items():
        for (key, _), one in sorted(rows.items()):
            found.epochs[table][key].append(one)
    _drop_dangling(found)
    return found, unsealed


def _orders(records: Sequence[Sequence[Value]]) -> list[tuple[sa.Table, tuple[str, ...]]]:
    """The columns of each table in the order of this file, as its schema has them or as usual."""
    tables = [*KEPT, *EPOCHS_OF.values()]
    orders = {(table, tuple(column.name for column in table.columns)) for table in tables}
    for record in records:
        if len(record) == 5 and record[0] == "table" and isinstance(record[4], str):
            for table in tables:
                places = {c.name: _place(c.name, record[4]) for c in table.columns}
                if record[1] == table.name and -1 not in places.values():
                    orders.add((table, tuple(sorted(places, key=places.__getitem__))))
    return sorted(orders, key=lambda order: tables.index(order[0]))


def _place(name: str, text: str) -> int:
    found = re.search(rf"\b{name}\b(?= [A-Z])", text)
    return -1 if found is None else found.start()


def _epoch(table: sa.Table, row: Mapping[str, Any]) -> Row | None:
    """A row an epoch, if it can be one; whether it is as it was written, its trial tells."""
    texts = [name for name, value in row.items() if isinstance(value, str | bytes)]
    if texts != ["fingerprint"] or not isinstance(row["epoch"], int):
        return None
    return clean(table, row)


def _keep(found: Contents, table: sa.Table, row: Row) -> None:
    """Keep a row; of two with one key the finished trial."""
    other = found.rows[table].get(key_of(table, row))
    if table is TRIALS and other is not None and other["status"] in FINISHED:
        return
    found.rows[table][key_of(table, row)] = row


def _is_trial_without_seal(record: Sequence[Value]) -> bool:
    width = len(TRIALS.columns)
    lengths = (width - 3, width - 2)  # before checksums, and before the load of the machine
    is_older = len(record) in lengths or (len(record) == width and record[-1] is None)
    return is_older and record[4] in (*FINISHED, "failed")


def _drop_dangling(found: Contents) -> None:
    """Forget what points to a document that was lost; the next run describes it anew."""
    documents, arms = found.rows[DOCUMENTS], found.rows[ARMS]
    found.rows[ARMS] = {key: row for key, row in arms.items() if row["identity"] in documents}
    for key, row in found.rows[TRIALS].items():
        if row["environment"] not in documents:
            found.rows[TRIALS][key] = sealed(TRIALS, {**row, "environment": None})


def _check_at_work(file: Path, record: Sequence[Value]) -> None:
    names = [column.name for column in LEASES.columns]
    if len(record) == len(names):
        lease = dict(zip(names, record, strict=True))
        pid = lease["pid"] if lease["host"] == machine() else None
        if isinstance(pid, int) and started(pid) == lease["pid_started"]:
            raise StoreError(f"{file}: process {pid} is at work on it; end that one first")


def _replace(file: Path, found: Contents) -> Path:
    """Write the new store, keep a copy of the damaged one; returns where that is.

    At every moment there is a store: cut off where there is none, a repair would be followed by a
    run that begins anew.
    """
    new = file.with_name(f"{file.stem}.repaired{file.suffix}")
    for beside in _BESIDE:
        Path(f"{new}{beside}").unlink(missing_ok=True)
    found.rows[META].pop("schema_version", None)
    with Store(new) as store:
        add_contents(store, found)
        if found.finished and "protocol" not in found.rows[META]:
            lost = json.dumps({"is_lost": True})  # see `harness.protocol.standing`
            store.database.write(lambda c: put_meta(c, "protocol", lost))
    damaged = _free_name(file)
    for beside in _BESIDE:
        part = Path(f"{file}{beside}")
        if part.exists():
            shutil.copy2(part, f"{damaged}{beside}")
    for beside in _BESIDE[1:]:  # or the new file would be taken to have the damaged one's log
        Path(f"{file}{beside}").unlink(missing_ok=True)
    new.replace(file)
    return damaged


def _free_name(file: Path) -> Path:
    numbered = (f"{file.stem}.damaged-{n}{file.suffix}" for n in count(1))
    return next(path for name in numbered if not (path := file.with_name(name)).exists())
