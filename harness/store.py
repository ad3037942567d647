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
from harness.plan import digest

SCHEMA_VERSION = 1
BUSY_TIMEOUT = 60.0
LEASE_SECONDS = 60.0
"""A lease from another machine that was not renewed for this long counts as abandoned."""

Status = Literal["completed", "diverged", "failed"]
FINISHED = ("completed", "diverged")
CURVE_COLUMNS = ("seconds", "cpu_seconds", "loss", "accuracy", "val_loss", "val_accuracy")

_schema = sa.MetaData()
_meta = sa.Table(
    "meta",
    _schema,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_documents = sa.Table(  # environments and arm identities, each stored once under its own hash
    "documents",
    _schema,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_arms = sa.Table(
    "arms",
    _schema,
    sa.Column("settings", sa.String, primary_key=True),  # hash of what the study file says
    sa.Column("identity", sa.String, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
)
_trials = sa.Table(
    "trials",
    _schema,
    sa.Column("fingerprint", sa.String, primary_key=True),
    sa.Column("arm", sa.String, nullable=False),
    sa.Column("replicate", sa.BigInteger, nullable=False),
    sa.Column("identity", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("epochs", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("seconds", sa.Float),
    sa.Column("cpu_seconds", sa.Float),
    sa.Column("setup_seconds", sa.Float),
    sa.Column("peak_memory_mb", sa.Float),
    sa.Column("threads", sa.Integer),
    sa.Column("jobs", sa.Integer),
    sa.Column("position", sa.Integer),
    sa.Column("environment", sa.String),
    sa.Column("finished_at", sa.Float, nullable=False),
)
_curves = sa.Table(
    "curves",
    _schema,
    sa.Column("fingerprint", sa.ForeignKey("trials.fingerprint"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Float) for name in CURVE_COLUMNS),
)
_leases = sa.Table(
    "leases",
    _schema,
    sa.Column("fingerprint", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("pid_started", sa.Float, nullable=False),
    sa.Column("renewed", sa.Float, nullable=False),
)


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
        resources: seconds, cpu_seconds, setup_seconds, peak_memory_mb, threads, jobs, position.
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
            raise StoreError(f"{file.parent}: cannot be made: {error.strerror}") from error
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_TIMEOUT}
        )
        sa.event.listen(self._engine, "connect", _configure)
        sa.event.listen(self._engine, "begin", _begin_immediate)
        with self._write() as connection:
            _schema.create_all(connection)
            self._check_version(connection)

    def close(self) -> None:
        """Give back all leases and close the file."""
        try:
            with self._write() as connection:
                connection.execute(sa.delete(_leases).where(_leases.c.owner == self._owner))
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
        with self._write() as connection:
            key = record.fingerprint
            connection.execute(sa.delete(_leases).where(_leases.c.fingerprint == key))
            if _is_finished(connection, key):
                return
            connection.execute(sa.delete(_curves).where(_curves.c.fingerprint == key))
            connection.execute(sa.delete(_trials).where(_trials.c.fingerprint == key))
            connection.execute(
                sa.insert(_trials).values(
                    fingerprint=key,
                    arm=record.arm,
                    replicate=record.replicate,
                    identity=record.identity,
                    status=record.status,
                    epochs=len(record.rows),
                    attempts=record.attempts,
                    error=record.error,
                    environment=record.environment,
                    finished_at=time.time(),
                    **record.resources,
                )
            )
            if record.rows:
                rows = [{"fingerprint": key, **row} for row in record.rows]
                connection.execute(sa.insert(_curves), rows)
            if record.status in FINISHED:
                self._bind(connection, protocol)

    def keep_document(self, document: Mapping[str, Any]) -> str:
        """Store a document once; returns the hash it is found under."""
        key = digest(document)
        with self._write() as connection:
            self._insert_once(connection, key, document)
        return key

    def describe_arm(
        self, settings: str, identity: Mapping[str, Any], description: Mapping[str, Any]
    ) -> str:
        """Remember what an arm's settings stand for; returns the hash of the identity."""
        key = digest(identity)
        with self._write() as connection:
            self._insert_once(connection, key, identity)
            connection.execute(sa.delete(_arms).where(_arms.c.settings == settings))
            connection.execute(
                sa.insert(_arms).values(
                    settings=settings, identity=key, description=json.dumps(dict(description))
                )
            )
        return key

    # -- leases -----------------------------------------------------------------------------

    def claim(self, fingerprint: str) -> Claimed:
        """Take a trial, unless it is finished or another living coordinator has it."""
        with self._write() as connection:
            if _is_finished(connection, fingerprint):
                return "finished"
            lease = connection.execute(
                sa.select(_leases).where(_leases.c.fingerprint == fingerprint)
            ).one_or_none()
            if lease is not None and lease.owner != self._owner and _is_alive(lease):
                return "elsewhere"
            connection.execute(sa.delete(_leases).where(_leases.c.fingerprint == fingerprint))
            connection.execute(
                sa.insert(_leases).values(
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
        with self._write() as connection:
            connection.execute(
                sa.update(_leases).where(_leases.c.owner == self._owner).values(renewed=time.time())
            )

    def abandoned(self) -> set[str]:
        """Fingerprints of trials that a dead coordinator had begun and not finished."""
        with self._read() as connection:
            leases = connection.execute(sa.select(_leases)).all()
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
            return pd.read_sql(sa.select(_trials), connection)

    def curves(self) -> pd.DataFrame:
        """All stored curves, one row an epoch, keyed by fingerprint."""
        with self._read() as connection:
            frame = pd.read_sql(
                sa.select(_curves).order_by(_curves.c.fingerprint, _curves.c.epoch), connection
            )
        return frame.astype(dict.fromkeys(CURVE_COLUMNS, float))

    def document(self, key: str) -> dict[str, Any]:
        """A stored document."""
        query = sa.select(_documents.c.body).where(_documents.c.digest == key)
        with self._read() as connection:
            body = connection.scalar(query)
        return dict(json.loads(body)) if body else {}

    def arm(self, settings: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Identity and description of the arm with these settings; None if it never ran."""
        query = sa.select(_arms.c.identity, _arms.c.description).where(_arms.c.settings == settings)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (self.document(row.identity), json.loads(row.description))

    def protocol(self) -> dict[str, Any] | None:
        """The protocol that was bound with the first stored trial."""
        with self._read() as connection:
            text = self._get(connection, "protocol")
        return None if text is None else dict(json.loads(text))

    # -- inside -----------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._explained(), self._engine.begin() as connection:
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
            connection.execute(sa.delete(_meta).where(_meta.c.key == "protocol"))
            self._set(connection, "protocol", json.dumps(bound))

    @staticmethod
    def _get(connection: sa.Connection, key: str) -> str | None:
        query = sa.select(_meta.c.value).where(_meta.c.key == key)
        value: str | None = connection.scalar(query)
        return value

    @staticmethod
    def _set(connection: sa.Connection, key: str, value: str) -> None:
        connection.execute(sa.insert(_meta).values(key=key, value=value))

    @staticmethod
    def _insert_once(connection: sa.Connection, key: str, document: Mapping[str, Any]) -> None:
        known = connection.scalar(sa.select(_documents.c.digest).where(_documents.c.digest == key))
        if known is None:
            body = json.dumps(dict(document), sort_keys=True)
            connection.execute(sa.insert(_documents).values(digest=key, body=body))


def _whole_trials() -> sa.Select[tuple[str, str]]:
    """Fingerprint and status of the trials whose curve has all its rows."""
    return (
        sa.select(_trials.c.fingerprint, _trials.c.status)
        .outerjoin(_curves)
        .group_by(_trials.c.fingerprint, _trials.c.status, _trials.c.epochs)
        .having(sa.func.count(_curves.c.epoch) == _trials.c.epochs)
    )


def _is_finished(connection: sa.Connection, key: str) -> bool:
    row = connection.execute(_whole_trials().where(_trials.c.fingerprint == key)).one_or_none()
    return row is not None and row.status in FINISHED


def _configure(connection: Any, _: object) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions of its own accord
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later would fail at once beside another writer;
    # one that asks for the write lock first waits for its turn.
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
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
