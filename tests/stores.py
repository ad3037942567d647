"""Stores as they might have come to be: other values, as if they had been stored so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from harness.store import Store
from harness.store.versions import seal_all


def rewrite(file: Path, statement: str, *values: object) -> None:
    """Change a store by an SQL statement, checksums included."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement, values)
    with Store(file) as store:
        store.database.write(seal_all)
