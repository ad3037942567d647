"""The results database: every finished trial is committed at once and nothing is lost."""

from __future__ import annotations

from harness.store.databases import Database, SQLiteFile, StoreError
from harness.store.postgres import PostgresSchema
from harness.store.records import FINISHED, TrialRecord
from harness.store.store import Claimed, Store

__all__ = [
    "FINISHED",
    "Claimed",
    "Database",
    "PostgresSchema",
    "SQLiteFile",
    "Store",
    "StoreError",
    "TrialRecord",
]
