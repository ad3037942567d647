"""The results database: every finished trial is committed at once and nothing is lost.

SQLAlchemy Core on SQLite (write-ahead log, busy timeout). Trials are keyed by fingerprint alone, so
renaming an arm or moving code never throws results away. A *lease* marks a trial that a running
coordinator trains, so that two runs of one study share the work.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import pandas as pd
import psutil
import sqlalchemy as sa

from harness.errors import UserError
from harness.measures import CURVE_COLUMNS
from harness.plan import digest
from harness.store_tables import (
    ARMS,
    CURVES,
    DOCUMENTS,
    LEASES,
    META,
    SCHEMA,
    TIMED_EPOCHS,
    TIMED_TRIALS,
    TRIALS,
)

SCHEMA_VERSION = 1
BUSY_TIMEOUT = 60.0
LEASE_SECONDS = 60.0
"""A lease from another machine that was not renewed for this long counts as abandoned."""

Status = Literal["completed", "diverged", "failed"]
FINISHED = ("completed", "diverged")


class StoreError(UserError):
    """The results database cannot be used; the message names it and the way out."""


@dataclass(frozen=True)
class TrialRecord:
    """What is stored of one trial.

    Attributes:
        fingerprint: The trial's key.
        arm: Name of the arm when it was trained.
        replicate: The replicate.
        identity: Hash of the arm's identity document.
        status: How it ended.
        rows: One mapping an epoch: ``epoch`` and `CURVE_COLUMNS`, None where not finite.
        attempts: How often it was tried in the run that stored it.
        error: Traceback or cause of death of a failed trial.
        resources: seconds, cpu_seconds, setup_seconds, peak_memory_mb, threads, jobs, position,
            load (the machine's load average as the trial ended).
        environment: Hash of the environment document.
    """

    fingerprint: str
    arm: str
    replicate: int
    identity: str
    status: Status
    rows: Sequence[Mapping[str, float | None]]
    attempts: int
    error: str | None
    resources: Mapping[str, float | int | None]
    environment: str


Claimed = Literal["mine", "finished", "elsewhere"]


class Store:
    """A study's results database.

    One coordinator process writes; any number of processes may read or write at the same time.
    """

    def __init__(self, file: Path) -> None:
        """Open the database, making it if needed.

        Raises:
            StoreError: If it cannot be opened, is no database, or is of a newer version.
        """
        self.file = file
        self._owner = uuid.uuid4().hex
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{file.parent}: cannot be made: {error.strerror}; choose another "
                "folder with --reports"
            ) from error
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_TIMEOUT}
        )
        sa.event.listen(self._engine, "connect", _configure)
        sa.event.listen(self._engine, "begin", _begin_immediate)
        with self._write() as connection:
            SCHEMA.create_all(connection)
            _add_new_columns(connection)
            self._check_version(connection)

    def close(self) -> None:
        """Give back all leases and close the file."""
        try:
            with self._write() as connection:
                connection.execute(sa.delete(LEASES).where(LEASES.c.owner == self._owner))
        finally:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- writing ----------------------------------------------------------------------------

    def record(self, record: TrialRecord, protocol: Mapping[str, Any]) -> None:
        """Commit a trial with its curve; the protocol is bound with the first one stored.

        A trial that is finished already keeps its first result.
        """
        self.record_all([record], protocol)

    def record_all(self, records: Sequence[TrialRecord], protocol: Mapping[str, Any]) -> None:
        """Commit trials that ended at the same moment: one wait for the disk serves them all."""
        with self._write() as connection:
            for record in records:
                self._record(connection, record, protocol)

    def _record(
        self, connection: sa.Connection, record: TrialRecord, protocol: Mapping[str, Any]
    ) -> None:
        key = record.fingerprint
        connection.execute(sa.delete(LEASES).where(LEASES.c.fingerprint == key))
        if _is_finished(connection, key):
            return
        _forget_timing(connection, key)
        connection.execute(sa.delete(CURVES).where(CURVES.c.fingerprint == key))
        connection.execute(sa.delete(TRIALS).where(TRIALS.c.fingerprint == key))
        trial = {
            "fingerprint": key,
            "arm": record.arm,
            "replicate": record.replicate,
            "identity": record.identity,
            "status": record.status,
            "epochs": len(record.rows),
            "attempts": record.attempts,
            "error": record.error,
            "environment": record.environment,
            "finished_at": time.time(),
            **record.resources,
        }
        connection.execute(sa.insert(TRIALS), trial)
        if record.rows:
            rows = [{"fingerprint": key, **row} for row in record.rows]
            connection.execute(sa.insert(CURVES), rows)
        if record.status in FINISHED:
            self._bind(connection, protocol)

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
        own = ("epoch", "seconds", "cpu_seconds")
        epochs = [{"fingerprint": fingerprint} | {name: row[name] for name in own} for row in rows]
        timed = {
            "fingerprint": fingerprint,
            "difference": difference,
            "load": load,
            "finished_at": time.time(),
        }
        with self._write() as connection:
            _forget_timing(connection, fingerprint)
            connection.execute(sa.insert(TIMED_TRIALS), timed)
            connection.execute(sa.insert(TIMED_EPOCHS), epochs)

    def keep_document(self, document: Mapping[str, Any]) -> str:
        """Store a document once; returns the hash it is found under."""
        key = digest(document)
        with self._write() as connection:
            self._insert_once(connection, key, document)
        return key

    def keep_study(self, document: Mapping[str, Any]) -> None:
        """Remember the study as it now stands, so that its results explain themselves."""
        with self._write(durable=False) as connection:
            connection.execute(sa.delete(META).where(META.c.key == "study"))
            self._set(connection, "study", json.dumps(dict(document)))

    def keep_verification(self, document: Mapping[str, Any]) -> None:
        """Remember the latest reproducibility audit."""
        with self._write() as connection:
            connection.execute(sa.delete(META).where(META.c.key == "verification"))
            self._set(connection, "verification", json.dumps(dict(document)))

    def describe_arm(
        self, settings: str, identity: Mapping[str, Any], description: Mapping[str, Any]
    ) -> str:
        """Remember what an arm's settings stand for; returns the hash of the identity."""
        key = digest(identity)
        with self._write() as connection:
            self._insert_once(connection, key, identity)
            connection.execute(sa.delete(ARMS).where(ARMS.c.settings == settings))
            connection.execute(
                sa.insert(ARMS).values(
                    settings=settings, identity=key, description=json.dumps(dict(description))
                )
            )
        return key

    # -- leases -----------------------------------------------------------------------------

    def claim(self, fingerprint: str) -> Claimed:
        """Take a trial, unless it is finished or another living coordinator has it."""
        with self._write(durable=False) as connection:
            if _is_finished(connection, fingerprint):
                return "finished"
            lease = connection.execute(
                sa.select(LEASES).where(LEASES.c.fingerprint == fingerprint)
            ).one_or_none()
            if lease is not None and lease.owner != self._owner and _is_alive(lease):
                return "elsewhere"
            connection.execute(sa.delete(LEASES).where(LEASES.c.fingerprint == fingerprint))
            connection.execute(
                sa.insert(LEASES).values(
                    fingerprint=fingerprint,
                    owner=self._owner,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    pid_started=psutil.Process().create_time(),
                    renewed=time.time(),
                )
            )
        return "mine"

    def renew_leases(self) -> None:
        """Tell other coordinators that this one is alive."""
        with self._write(durable=False) as connection:
            connection.execute(
                sa.update(LEASES).where(LEASES.c.owner == self._owner).values(renewed=time.time())
            )

    def release(self, fingerprint: str) -> None:
        """Give back what `claim` took."""
        with self._write(durable=False) as connection:
            connection.execute(sa.delete(LEASES).where(LEASES.c.fingerprint == fingerprint))

    def others_at_work(self) -> bool:
        """Whether another living coordinator trains trials of this store."""
        with self._read() as connection:
            leases = connection.execute(sa.select(LEASES)).all()
        return any(lease.owner != self._owner and _is_alive(lease) for lease in leases)

    def abandoned(self) -> set[str]:
        """Fingerprints of trials that a dead coordinator had begun and not finished."""
        with self._read() as connection:
            leases = connection.execute(sa.select(LEASES)).all()
        return {row.fingerprint for row in leases if not _is_alive(row)}

    # -- reading ----------------------------------------------------------------------------

    def statuses(self, fingerprints: Iterable[str]) -> dict[str, Status]:
        """Status of the stored trials among the given ones.

        A trial whose curve is not whole counts as absent.
        """
        wanted = set(fingerprints)
        with self._read() as connection:
            rows = connection.execute(_whole_trials()).all()
        return {row.fingerprint: row.status for row in rows if row.fingerprint in wanted}

    def trials(self) -> pd.DataFrame:
        """All stored trials, one row each."""
        with self._read() as connection:
            return pd.read_sql(sa.select(TRIALS), connection)

    def curves(self) -> pd.DataFrame:
        """All stored curves, one row an epoch, keyed by fingerprint."""
        with self._read() as connection:
            frame = pd.read_sql(
                sa.select(CURVES).order_by(CURVES.c.fingerprint, CURVES.c.epoch), connection
            )
        return frame.astype(dict.fromkeys(CURVE_COLUMNS, float))

    def rows(self, fingerprint: str) -> list[dict[str, Any]]:
        """One stored curve as a worker sends it: a mapping an epoch, None where not finite."""
        query = sa.select(CURVES).where(CURVES.c.fingerprint == fingerprint)
        with self._read() as connection:
            found = connection.execute(query.order_by(CURVES.c.epoch)).mappings().all()
        return [dict(row) for row in found]

    def timings(self) -> pd.DataFrame:
        """Fingerprint, epoch, seconds and cpu_seconds of the trials that were timed alone."""
        with self._read() as connection:
            frame = pd.read_sql(sa.select(TIMED_EPOCHS), connection)
        return frame.astype({"seconds": float, "cpu_seconds": float})

    def timing_differences(self) -> dict[str, str | None]:
        """By trial timed alone, where its curve came out otherwise than stored; None if nowhere."""
        with self._read() as connection:
            found = connection.execute(sa.select(TIMED_TRIALS)).all()
        return {row.fingerprint: row.difference for row in found}

    def document(self, key: str) -> dict[str, Any]:
        """A stored document."""
        query = sa.select(DOCUMENTS.c.body).where(DOCUMENTS.c.digest == key)
        with self._read() as connection:
            body = connection.scalar(query)
        return dict(json.loads(body)) if body else {}

    def arm(self, settings: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Identity and description of the arm with these settings; None if it never ran."""
        query = sa.select(ARMS.c.identity, ARMS.c.description).where(ARMS.c.settings == settings)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (self.document(row.identity), json.loads(row.description))

    def protocol(self) -> dict[str, Any] | None:
        """The protocol that was bound with the first stored trial."""
        with self._read() as connection:
            text = self._get(connection, "protocol")
        return None if text is None else dict(json.loads(text))

    def study(self) -> dict[str, Any] | None:
        """The study that trained last here; None in a store of an older version."""
        with self._read() as connection:
            text = self._get(connection, "study")
        return None if text is None else dict(json.loads(text))

    def verification(self) -> dict[str, Any] | None:
        """The latest reproducibility audit."""
        with self._read() as connection:
            text = self._get(connection, "verification")
        return None if text is None else dict(json.loads(text))

    # -- inside -----------------------------------------------------------------------------

    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction, on the disk once it ends; what need not survive a power cut is quicker."""
        with (
            self._explained(),
            self._engine.execution_options(durable=durable).begin() as connection,
        ):
            yield connection

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._explained(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise StoreError(f"{self.file}: {_cause(str(error.orig), self.file)}") from error

    def _check_version(self, connection: sa.Connection) -> None:
        version = self._get(connection, "schema_version")
        if version is None:
            self._set(connection, "schema_version", str(SCHEMA_VERSION))
        elif version != str(SCHEMA_VERSION):
            raise StoreError(
                f"{self.file}: was written by another version (schema {version}, this one reads "
                f"{SCHEMA_VERSION}); use that version, or choose another folder with --reports"
            )

    def _bind(self, connection: sa.Connection, protocol: Mapping[str, Any]) -> None:
        """Bind the protocol with the first finished trial; what a pilot left open, with the next.

        A pilot's own protocol is marked so (see `harness.protocol.pilot_protocol`).
        """
        text = self._get(connection, "protocol")
        bound = None if text is None else json.loads(text)
        if bound is None:
            self._set(connection, "protocol", json.dumps(dict(protocol)))
        elif bound.pop("is_pilot", False) and not protocol.get("is_pilot", False):
            bound["shared"] = {**protocol["shared"], **bound["shared"]}
            connection.execute(sa.delete(META).where(META.c.key == "protocol"))
            self._set(connection, "protocol", json.dumps(bound))

    @staticmethod
    def _get(connection: sa.Connection, key: str) -> str | None:
        query = sa.select(META.c.value).where(META.c.key == key)
        value: str | None = connection.scalar(query)
        return value

    @staticmethod
    def _set(connection: sa.Connection, key: str, value: str) -> None:
        connection.execute(sa.insert(META).values(key=key, value=value))

    @staticmethod
    def _insert_once(connection: sa.Connection, key: str, document: Mapping[str, Any]) -> None:
        known = connection.scalar(sa.select(DOCUMENTS.c.digest).where(DOCUMENTS.c.digest == key))
        if known is None:
            body = json.dumps(dict(document), sort_keys=True)
            connection.execute(sa.insert(DOCUMENTS).values(digest=key, body=body))


def _forget_timing(connection: sa.Connection, key: str) -> None:
    for table in (TIMED_EPOCHS, TIMED_TRIALS):
        connection.execute(sa.delete(table).where(table.c.fingerprint == key))


def _add_new_columns(connection: sa.Connection) -> None:
    """Bring the trials of an older store up to date: what was not measured then is NULL."""
    present = {column["name"] for column in sa.inspect(connection).get_columns("trials")}
    for column in TRIALS.columns:
        if column.name not in present:
            kind = column.type.compile(connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE trials ADD COLUMN {column.name} {kind}"))


def _whole_trials() -> sa.Select[tuple[str, str]]:
    """Fingerprint and status of the trials whose curve has all its rows."""
    return (
        sa.select(TRIALS.c.fingerprint, TRIALS.c.status)
        .outerjoin(CURVES)
        .group_by(TRIALS.c.fingerprint, TRIALS.c.status, TRIALS.c.epochs)
        .having(sa.func.count(CURVES.c.epoch) == TRIALS.c.epochs)
    )


def _is_finished(connection: sa.Connection, key: str) -> bool:
    row = connection.execute(_whole_trials().where(TRIALS.c.fingerprint == key)).one_or_none()
    return row is not None and row.status in FINISHED


def _configure(connection: Any, _: object) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions of its own accord
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later would fail at once beside another writer;
    # one that asks for the write lock first waits for its turn.
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        level = "FULL" if options.get("durable", True) else "NORMAL"
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _is_alive(lease: Any) -> bool:
    if lease.host != socket.gethostname():
        return bool(time.time() - lease.renewed < LEASE_SECONDS)
    try:
        return bool(abs(psutil.Process(lease.pid).create_time() - lease.pid_started) < 1)
    except psutil.NoSuchProcess:
        return False


def _cause(message: str, file: Path) -> str:
    """What SQLite says, in words that name a way out."""
    if "full" in message or "disk I/O" in message:
        return f"no space left in {file.parent} ({message}); free some and run the command again"
    if "not a database" in message or "malformed" in message:
        return f"is damaged ({message}); move it away, and the study trains anew"
    if "readonly" in message or "unable to open" in message:
        return f"cannot be written ({message}); check the folder's permissions"
    return message
