"""What a transaction writes of a trial, an arm or a document, each row with its checksum."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from harness.plan import Status, digest
from harness.store.seals import clean, curve_seal, sealed
from harness.store.tables import CURVES, DOCUMENTS, EPOCHS_OF, META, TIMED_TRIALS, TRIALS

FINISHED = ("completed", "diverged")


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


def put_trial(
    connection: sa.Connection, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> bool:
    """Store a trial and its curve; False if it is finished already: it keeps its first result."""
    key = row["fingerprint"]
    if is_finished(connection, key):
        return False
    _forget(connection, TIMED_TRIALS, key)
    _forget(connection, TRIALS, key)
    _put_epochs(connection, TRIALS, row, rows)
    return True


def put_timing(
    connection: sa.Connection, row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Store what a trial took alone, in place of what was known before."""
    _forget(connection, TIMED_TRIALS, row["fingerprint"])
    _put_epochs(connection, TIMED_TRIALS, row, rows)


def put_meta(connection: sa.Connection, key: str, value: str) -> None:
    """Set one of the store's own values."""
    connection.execute(sa.delete(META).where(META.c.key == key))
    connection.execute(sa.insert(META), sealed(META, {"key": key, "value": value}))


def is_finished(connection: sa.Connection, key: str) -> bool:
    """Whether a trial is stored whole and did not fail."""
    row = connection.execute(whole_trials().where(TRIALS.c.fingerprint == key)).one_or_none()
    return row is not None and row.status in FINISHED


def trial_row(record: TrialRecord) -> dict[str, Any]:
    """The row of a trial that ends now."""
    return {
        "fingerprint": record.fingerprint,
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


def _put_epochs(
    connection: sa.Connection,
    of: sa.Table,
    row: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    table, key = EPOCHS_OF[of], row["fingerprint"]
    names = [column.name for column in table.columns]
    epochs = [clean(table, {name: one[name] for name in names if name in one}) for one in rows]
    connection.execute(sa.insert(of), sealed(of, {**row, "curve": curve_seal(table, epochs)}))
    if epochs:
        connection.execute(sa.insert(table), [{**one, "fingerprint": key} for one in epochs])


def _forget(connection: sa.Connection, of: sa.Table, key: str) -> None:
    for table in (EPOCHS_OF[of], of):
        connection.execute(sa.delete(table).where(table.c.fingerprint == key))


def keep_document(connection: sa.Connection, document: Mapping[str, Any]) -> str:
    """Store a document once; returns the hash it is found under."""
    key = digest(document)
    known = connection.scalar(sa.select(DOCUMENTS.c.digest).where(DOCUMENTS.c.digest == key))
    if known is None:
        row = {"digest": key, "body": json.dumps(dict(document), sort_keys=True)}
        connection.execute(sa.insert(DOCUMENTS), sealed(DOCUMENTS, row))
    return key


def bind(connection: sa.Connection, protocol: Mapping[str, Any]) -> None:
    """Bind the protocol with the first finished trial; what a pilot left open, with the next."""
    if _bound(connection) is None:
        put_meta(connection, "protocol", json.dumps(dict(protocol)))
    else:
        end_pilot(connection, protocol)


def end_pilot(connection: sa.Connection, protocol: Mapping[str, Any]) -> None:
    """Bind what a pilot left open, if there was one, and which replicates it was chosen after.

    A pilot's own protocol is marked so (see `harness.protocol.pilot_protocol`).
    """
    bound = _bound(connection)
    if bound is None or "is_pilot" in protocol or not bound.pop("is_pilot", False):
        return
    bound["shared"] = {**protocol["shared"], **bound["shared"]}
    bound["piloted"] = sorted(connection.scalars(sa.select(TRIALS.c.replicate).distinct()))
    put_meta(connection, "protocol", json.dumps(bound))


def _bound(connection: sa.Connection) -> dict[str, Any] | None:
    text = connection.scalar(sa.select(META.c.value).where(META.c.key == "protocol"))
    return None if text is None else dict(json.loads(text))


def whole_trials() -> sa.Select[tuple[str, str]]:
    """Fingerprint and status of the trials whose curve has all its rows."""
    return (
        sa.select(TRIALS.c.fingerprint, TRIALS.c.status)
        .outerjoin(CURVES)
        .group_by(TRIALS.c.fingerprint, TRIALS.c.status, TRIALS.c.epochs)
        .having(sa.func.count(CURVES.c.epoch) == TRIALS.c.epochs)
    )
