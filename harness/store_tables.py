"""The tables of the results database."""

from __future__ import annotations

import sqlalchemy as sa

from harness.measures import CURVE_COLUMNS

SCHEMA = sa.MetaData()
META = sa.Table(
    "meta",
    SCHEMA,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
DOCUMENTS = sa.Table(  # environments and arm identities, each stored once under its own hash
    "documents",
    SCHEMA,
    sa.Column("digest", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
ARMS = sa.Table(
    "arms",
    SCHEMA,
    sa.Column("settings", sa.String, primary_key=True),  # hash of what the study file says
    sa.Column("identity", sa.String, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
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
    sa.Column("renewed", sa.Float, nullable=False),
)
TIMED_TRIALS = sa.Table(  # trials that were trained once more, alone on the machine
    "timed_trials",
    SCHEMA,
    sa.Column("fingerprint", sa.ForeignKey("trials.fingerprint"), primary_key=True),
    sa.Column("difference", sa.Text),  # where the curve came out otherwise; NULL if nowhere
    sa.Column("load", sa.Float),
    sa.Column("finished_at", sa.Float, nullable=False),
)
TIMED_EPOCHS = sa.Table(
    "timed_epochs",
    SCHEMA,
    sa.Column("fingerprint", sa.ForeignKey("timed_trials.fingerprint"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("seconds", sa.Float),
    sa.Column("cpu_seconds", sa.Float),
)
