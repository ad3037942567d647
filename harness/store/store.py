"""A study's results: what is written of each trial, and what is read back.

SQLAlchemy Core on a `Database`. Trials are keyed by fingerprint alone, so renaming an arm or moving
code never throws results away. Every row that is read is held against its checksum.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import sqlalchemy as sa

from harness.plan import Status
from harness.store.databases import Database, SQLiteFile, StoreError
from harness.store.leases import Leases
from harness.store.records import (
    FINISHED,
    TrialRecord,
    bind,
    end_pilot,
    is_finished,
    keep_document,
    put_meta,
    put_timing,
    put_trial,
    trial_row,
    whole_trials,
)
from harness.store.seals import broken_rows, curve_seals, is_broken, sealed
from harness.store.tables import (
    ARMS,
    CURVES,
    DOCUMENTS,
    EPOCHS_OF,
    META,
    TIMED_TRIALS,
    TRIALS,
    frame_of,
)
from harness.store.versions import bring_up_to_date

Claimed = Literal["mine", "finished", "elsewhere"]


class Store:
    """A study's results database.

    Any number of processes may read and write at the same time; coordinators share the trials by
    leases (see `harness.store.leases`).
    """

    def __init__(self, place: Path | Database) -> None:
        """Open the database, making it if needed.

        Args:
            place: A SQLite file, or a database.

        Raises:
            StoreError: If it cannot be opened, is damaged, or is of a newer version.
        """
        self.database = SQLiteFile(place) if isinstance(place, Path) else place
        try:
            self.database.prepare()
            bring_up_to_date(self.database)
        except StoreError:
            self.database.close()
            raise
        self._leases = Leases(self.database)
        self._described: dict[str, dict[str, Any]] = {}

    @property
    def name(self) -> str:
        """What to call it in messages: a file, or a database without its password."""
        return self.database.name

    def close(self) -> None:
        """Give back all leases and close the database."""
        try:
            self._leases.close()
        finally:
            self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- writing ----------------------------------------------------------------------------

    def record_all(
        self,
        records: Sequence[TrialRecord],
        protocol: Mapping[str, Any],
        *,
        patient: bool = True,
    ) -> None:
        """Commit trials with their curves; the protocol is bound with the first one stored.

        One wait for the disk serves them all. A trial that is finished already keeps its first
        result.

        Args:
            records: The trials.
            protocol: What is bound.
            patient: Whether to wait for a server that is away.
        """

        def work(connection: sa.Connection) -> None:
            for record in records:
                self._leases.give_back(connection, record.fingerprint)
                is_new = put_trial(connection, trial_row(record), record.rows)
                if is_new and record.status in FINISHED:
                    bind(connection, protocol)

        self.database.write(work, patient=patient)

    def end_pilot(self, protocol: Mapping[str, Any]) -> None:
        """Bind what a pilot has left open; of no effect where nothing is open, or bound yet."""
        self.database.write(lambda c: end_pilot(c, protocol))

    def record_timing(
        self,
        fingerprint: str,
        rows: Sequence[Mapping[str, float | None]],
        *,
        difference: str | None,
        load: float | None,
    ) -> None:
        """Keep what a trial took alone on the machine.

        Args:
            fingerprint: A stored trial.
            rows: One mapping an epoch: ``epoch``, ``seconds`` and ``cpu_seconds``, others unused.
            difference: Where its curve came out otherwise than stored; None if nowhere.
            load: The machine's load average as it ended.
        """
        timed = {
            "fingerprint": fingerprint,
            "difference": difference,
            "load": load,
            "finished_at": time.time(),
        }
        self.database.write(lambda c: put_timing(c, timed, rows))

    def keep_document(self, document: Mapping[str, Any]) -> str:
        """Store a document once; returns the hash it is found under."""
        return self.database.write(lambda c: keep_document(c, document))

    def keep_study(self, document: Mapping[str, Any]) -> None:
        """Remember the study as it now stands, so that its results explain themselves."""
        body = json.dumps(dict(document))
        self.database.write(lambda c: put_meta(c, "study", body), durable=False)

    def keep_verification(self, document: Mapping[str, Any]) -> None:
        """Remember the latest reproducibility audit."""
        body = json.dumps(dict(document))
        self.database.write(lambda c: put_meta(c, "verification", body))

    def describe_arm(
        self, settings: str, identity: Mapping[str, Any], description: Mapping[str, Any]
    ) -> str:
        """Remember what an arm's settings stand for; returns the hash of the identity.

        A coordinator elsewhere may find another model, data or device behind the same settings. To
        this one they go on to mean what it said itself, else its own trials would be none of its.
        """

        def work(connection: sa.Connection) -> dict[str, Any]:
            key = keep_document(connection, identity)
            body = json.dumps(dict(description))
            row = {"settings": settings, "identity": key, "description": body}
            connection.execute(sa.delete(ARMS).where(ARMS.c.settings == settings))
            connection.execute(sa.insert(ARMS), sealed(ARMS, row))
            return row

        row = self._described[settings] = self.database.write(work)
        return str(row["identity"])

    # -- leases -----------------------------------------------------------------------------

    def claim(self, fingerprint: str) -> Claimed:
        """Take a trial, unless it is finished or another living coordinator has it."""

        def work(connection: sa.Connection) -> Claimed:
            if is_finished(connection, fingerprint):
                return "finished"
            return self._leases.take(connection, fingerprint)

        return self.database.write(work, durable=False)

    def release(self, fingerprint: str) -> None:
        """Give back what `claim` took."""
        self.database.write(lambda c: self._leases.give_back(c, fingerprint), durable=False)

    def others_at_work(self) -> bool:
        """Whether another living coordinator trains trials of this store."""
        return self.database.read(self._leases.living)

    def abandoned(self) -> set[str]:
        """Fingerprints of trials that a dead coordinator had begun and not finished."""
        return self.database.read(self._leases.abandoned)

    # -- reading ----------------------------------------------------------------------------

    def statuses(self, fingerprints: Iterable[str]) -> dict[str, Status]:
        """Status of the stored trials among the given ones.

        A trial whose curve is not whole counts as absent.
        """
        wanted = set(fingerprints)
        rows = self.database.read(lambda c: c.execute(whole_trials()).all())
        return {row.fingerprint: row.status for row in rows if row.fingerprint in wanted}

    def trials(self) -> pd.DataFrame:
        """All stored trials, one row each."""
        frame = self.database.read(lambda c: frame_of(c, sa.select(TRIALS)))
        self._check(TRIALS, broken_rows(TRIALS, frame))
        return frame.drop(columns=["curve", "checksum"])

    def curves(self) -> pd.DataFrame:
        """All stored curves, one row an epoch, keyed by fingerprint."""
        return self._epochs(TRIALS)

    def rows(self, fingerprint: str) -> list[dict[str, Any]]:
        """One stored curve as a worker sends it: a mapping an epoch, None where not finite."""
        query = sa.select(CURVES).where(CURVES.c.fingerprint == fingerprint)
        query = query.order_by(CURVES.c.epoch)
        found = self.database.read(lambda c: c.execute(query).mappings().all())
        return [dict(row) for row in found]

    def timings(self) -> pd.DataFrame:
        """Fingerprint, epoch, seconds and cpu_seconds of the trials that were timed alone."""
        return self._epochs(TIMED_TRIALS)

    def timing_differences(self) -> dict[str, str | None]:
        """By trial timed alone, where its curve came out otherwise than stored; None if nowhere."""
        found = self.database.read(lambda c: c.execute(sa.select(TIMED_TRIALS)).all())
        return {row.fingerprint: row.difference for row in found}

    def document(self, key: str) -> dict[str, Any]:
        """A stored document."""
        row = self._one(DOCUMENTS, DOCUMENTS.c.digest == key)
        return {} if row is None else dict(json.loads(row["body"]))

    def arm(self, settings: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Identity and description of the arm with these settings; None if it never ran.

        As this coordinator described it, else as the last one did.
        """
        row = self._described.get(settings) or self._one(ARMS, ARMS.c.settings == settings)
        if row is None:
            return None
        return self.document(row["identity"]), json.loads(row["description"])

    def protocol(self) -> dict[str, Any] | None:
        """The protocol that was bound with the first stored trial."""
        return self._meta("protocol")

    def study(self) -> dict[str, Any] | None:
        """The study that trained last here; None in a store of an older version."""
        return self._meta("study")

    def verification(self) -> dict[str, Any] | None:
        """The latest reproducibility audit."""
        return self._meta("verification")

    # -- inside -----------------------------------------------------------------------------

    def _meta(self, key: str) -> dict[str, Any] | None:
        row = self._one(META, META.c.key == key)
        return None if row is None else dict(json.loads(row["value"]))

    def _one(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> dict[str, Any] | None:
        query = sa.select(table).where(condition)
        found = self.database.read(lambda c: c.execute(query).one_or_none())
        if found is None:
            return None
        row = found._asdict()
        if is_broken(table, row):
            self._check(table, [str(found[0])])
        return row

    def _epochs(self, of: sa.Table) -> pd.DataFrame:
        """The rows an epoch that belong to a table of trials."""
        epochs = EPOCHS_OF[of]
        query = sa.select(epochs).order_by(epochs.c.fingerprint, epochs.c.epoch)
        seals = sa.select(of.c.fingerprint, of.c.curve).where(of.c.checksum.is_not(None))
        rows, stored = self.database.read(lambda c: (_plain(c, query), c.execute(seals).all()))
        try:
            frame = _epoch_frame(epochs, rows)
            found = curve_seals(epochs, frame)
        except (ValueError, TypeError) as error:
            raise self.database.damaged(f"{epochs.name}: {error}") from error
        self._check(epochs, [key for key, seal in stored if found.get(key) != seal])
        return frame

    def _check(self, table: sa.Table, broken: Iterable[str]) -> None:
        keys = list(broken)
        if keys:
            raise self.database.damaged(
                f"rows of {table.name} that are not as they were written: {len(keys)}, such as "
                f"{keys[0][:12]}"
            )


def _plain(connection: sa.Connection, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Rows as the driver gives them: a million of SQLAlchemy's or pandas' own take seconds."""
    cursor = connection.execute(query).cursor
    return [] if cursor is None else list(cursor.fetchall())


def _epoch_frame(epochs: sa.Table, rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    """Rows an epoch as a table: fingerprint, epoch, and floats, NaN where NULL.

    Raises:
        ValueError, TypeError: A value is not of its column's type.
    """
    fingerprint, epoch, *others = epochs.columns.keys()
    dtypes = {fingerprint: str, epoch: np.int64, **dict.fromkeys(others, np.float64)}
    columns = zip(*rows, strict=True) if rows else [()] * len(dtypes)
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=str) if kind is str else np.array(values, dtype=kind)
            for (name, kind), values in zip(dtypes.items(), columns, strict=True)
        }
    )
