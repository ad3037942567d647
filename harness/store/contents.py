"""All that a store holds, taken out of one database and put into another.

So results move between a file, a team's database and an archive, and what was saved of a damaged
file goes into a new one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa

from harness.store.databases import StoreError
from harness.store.records import FINISHED, put_timing, put_trial
from harness.store.seals import Row, curve_seal, is_broken
from harness.store.store import Store
from harness.store.tables import (
    ARMS,
    CURVES,
    DOCUMENTS,
    EPOCHS_OF,
    META,
    TIMED_EPOCHS,
    TIMED_TRIALS,
    TRIALS,
)

KEPT = (META, DOCUMENTS, ARMS, TRIALS, TIMED_TRIALS)
"""The tables whose rows carry a checksum, in the order in which they are filled."""
_PROTOCOL = "protocol"


@dataclass
class Contents:
    """Rows that are as they were written.

    Attributes:
        rows: By table of `KEPT` and primary key, a row.
        epochs: By table and fingerprint, the rows an epoch.
    """

    rows: dict[sa.Table, dict[str, Row]] = field(
        default_factory=lambda: {table: {} for table in KEPT}
    )
    epochs: dict[sa.Table, dict[str, list[Row]]] = field(
        default_factory=lambda: {table: defaultdict(list) for table in (CURVES, TIMED_EPOCHS)}
    )

    def whole(self, of: sa.Table) -> dict[str, Row]:
        """The trials, or timed trials, whose rows an epoch are all there and as written."""
        return {key: row for key, row in self.rows[of].items() if self.is_whole(of, key)}

    @property
    def study(self) -> dict[str, Any] | None:
        """The study that trained last; see `harness.study_file.study_document`."""
        row = self.rows[META].get("study")
        return None if row is None else dict(json.loads(row["value"]))

    @property
    def finished(self) -> int:
        """Trials that need not be trained again."""
        return sum(row["status"] in FINISHED for row in self.whole(TRIALS).values())

    def is_whole(self, of: sa.Table, key: str) -> bool:
        """Whether the rows an epoch of a trial, or timed trial, are all there and as written."""
        row, found = self.rows[of][key], self.epochs[EPOCHS_OF[of]].get(key, [])
        if row["checksum"] is None:  # from a run of an older version
            return of is TIMED_TRIALS or bool(len(found) == row["epochs"])
        seal: str | None = row["curve"]
        return curve_seal(EPOCHS_OF[of], found) == seal


def key_of(table: sa.Table, row: Mapping[str, Any]) -> str:
    """A row's primary key."""
    (column,) = table.primary_key.columns
    return str(row[column.name])


def read_contents(store: Store) -> Contents:
    """All that a store holds, at one moment.

    Raises:
        StoreError: Something is not as it was written.
    """
    contents = store.database.read(_read)
    for table in KEPT:
        rows = contents.rows[table]
        whole = contents.whole(table) if table in EPOCHS_OF else rows
        for key, row in rows.items():
            if key not in whole or is_broken(table, row):
                raise store.database.damaged(f"row {key[:12]} of {table.name}")
    return contents


def _read(connection: sa.Connection) -> Contents:
    contents = Contents()
    for table in KEPT:
        for found in connection.execute(sa.select(table)):
            row = found._asdict()
            contents.rows[table][key_of(table, row)] = row
    for table, epochs in contents.epochs.items():
        for found in connection.execute(sa.select(table)):
            row = found._asdict()
            epochs[row["fingerprint"]].append(row)
    return contents


class Added(NamedTuple):
    """How much was put into a store: trials, and times that trials took alone."""

    trials: int
    times: int


def add_contents(store: Store, contents: Contents) -> Added:
    """Put into a store what it does not have yet; what it has stays.

    Raises:
        StoreError: The store's trials were trained under another protocol, or it cannot be
            written; nothing was added.
    """

    def work(connection: sa.Connection) -> Added:
        _check_protocol(store, connection, contents)
        for table in (META, DOCUMENTS, ARMS):
            (column,) = table.primary_key.columns
            there = set(connection.scalars(sa.select(column)))
            new = [row for key, row in contents.rows[table].items() if key not in there]
            if new:
                connection.execute(sa.insert(table), new)
        trials = sum(
            put_trial(connection, row, contents.epochs[CURVES].get(key, []))
            for key, row in contents.whole(TRIALS).items()
        )
        return Added(trials, _add_times(connection, contents))

    return store.database.write(work)


def _add_times(connection: sa.Connection, contents: Contents) -> int:
    """A trial may be timed long after it was added: its timing follows it, to the same curve."""
    seals = {
        row.fingerprint: row.curve
        for row in connection.execute(sa.select(TRIALS.c.fingerprint, TRIALS.c.curve))
    }
    timed = set(connection.scalars(sa.select(TIMED_TRIALS.c.fingerprint)))
    added = 0
    for key, row in contents.whole(TIMED_TRIALS).items():
        seal = curve_seal(CURVES, contents.epochs[CURVES].get(key, []))
        if key not in timed and seal is not None and seal == seals.get(key):
            put_timing(connection, row, contents.epochs[TIMED_EPOCHS][key])
            added += 1
    return added


def _check_protocol(store: Store, connection: sa.Connection, contents: Contents) -> None:
    """Trials of two protocols in one store would make claims look older than they are."""
    query = sa.select(META.c.value).where(META.c.key == _PROTOCOL)
    bound, other = connection.scalar(query), contents.rows[META].get(_PROTOCOL)
    if bound is not None and other is not None and bound != other["value"]:
        raise StoreError(
            f"{store.name}: its claims were bound otherwise than those of the trials that would "
            "be added; keep the two apart"
        )
