"""The tables of the results database.

A row that must not be lost or mistaken carries a ``checksum`` (see `harness.store.seals`). It is
NULL only in rows that an older version wrote while this one was not looking.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa

from harness.measures import CURVE_COLUMNS


def _checksum() -> sa.Column[str]:
    return sa.Column("checksum", sa.String)


SCHEMA = sa.MetaData()
META = sa.Table(
    "meta",
    SCHEMA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    _checksum(),
)
DOCUMENTS = sa.Table(  # environments and arm identities, each stored once under its own hash
    "documents",
    SCHEMA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    _checksum(),
)
ARMS = sa.Table(
    "arms",
    SCHEMA,
    sa.Column("settings", sa.String, primary_key=True),  # hash of what the study file says
    sa.Column("identity", sa.String, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    _checksum(),
)
TRIALS = sa.Table(
    "trials",
    SCHEMA,
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
    sa.Column("load", sa.Float),
    sa.Column("environment", sa.String),
    sa.Column("finished_at", sa.Float, nullable=False),
    sa.Column("curve", sa.String),  # checksum of the rows in CURVES
    _checksum(),
)
CURVES = sa.Table(
    "curves",
    SCHEMA,
    sa.Column("fingerprint", sa.ForeignKey("trials.fingerprint"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Float) for name in CURVE_COLUMNS),
)
LEASES = sa.Table(
    "leases",
    SCHEMA,
    sa.Column("fingerprint", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("pid_started", sa.Float, nullable=False),
    sa.Column("renewed", sa.Float, nullable=False),  # a count of heartbeats, not a time
)
TIMED_TRIALS = sa.Table(  # trials that were trained once more, alone on the machine
    "timed_trials",
    SCHEMA,
    sa.Column("fingerprint", sa.ForeignKey("trials.fingerprint"), primary_key=True),
    sa.Column("difference", sa.Text),  # where the curve came out otherwise; NULL if nowhere
    sa.Column("load", sa.Float),
    sa.Column("finished_at", sa.Float, nullable=False),
    sa.Column("curve", sa.String),  # checksum of the rows in TIMED_EPOCHS
    _checksum(),
)
TIMED_EPOCHS = sa.Table(
    "timed_epochs",
    SCHEMA,
    sa.Column("fingerprint", sa.ForeignKey("timed_trials.fingerprint"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("seconds", sa.Float),
    sa.Column("cpu_seconds", sa.Float),
)
EPOCHS_OF = {TRIALS: CURVES, TIMED_TRIALS: TIMED_EPOCHS}
"""By table of trials, the table of their rows an epoch."""


def frame_of(connection: sa.Connection, query: sa.Select[Any]) -> pd.DataFrame:
    """Rows as `pandas.read_sql` gives them, which would hide the database's errors in its own."""
    found = connection.execute(query)
    return pd.DataFrame.from_records(found.all(), columns=list(found.keys()), coerce_float=True)
