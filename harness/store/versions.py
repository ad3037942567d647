"""The version of a store's tables: an older store is brought up to date, a newer one refused.

Version 2 gave rows checksums. Each later version adds a step to `bring_up_to_date`.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from harness.store.databases import Database, StoreError
from harness.store.seals import curve_seals, sealed
from harness.store.tables import EPOCHS_OF, META, SCHEMA, frame_of

SCHEMA_VERSION = 2


def bring_up_to_date(database: Database) -> None:
    """Make the tables that are missing; give rows of an older version what they lack.

    Raises:
        StoreError: The store was written by a newer version, or cannot be read.
    """
    if database.read(lambda c: _version(c, database)) == SCHEMA_VERSION:
        return

    def upgrade(connection: sa.Connection) -> None:
        before = _version(connection, database)  # again: another process may have been here
        SCHEMA.create_all(connection)
        if before is not None and before < 2:
            _add_columns(connection, database)
            seal_all(connection)
        connection.execute(sa.delete(META).where(META.c.key == "schema_version"))
        row = {"key": "schema_version", "value": str(SCHEMA_VERSION)}
        connection.execute(sa.insert(META), sealed(META, row))

    database.write(upgrade)


def _version(connection: sa.Connection, database: Database) -> int | None:
    """The version that is there; None where there is none yet."""
    if not sa.inspect(connection).has_table("meta", schema=database.schema):
        return None
    query = sa.select(META.c.value).where(META.c.key == "schema_version")
    text = connection.scalar(query)
    if text is None:
        return None
    if not str(text).isdecimal():
        raise database.damaged(f"its version is {text!r}")
    if int(text) > SCHEMA_VERSION:
        raise StoreError(
            f"{database.name}: was written by another version (schema {text}, this one reads up to "
            f"{SCHEMA_VERSION}); use that version, or choose another folder with --reports"
        )
    return int(text)


def _add_columns(connection: sa.Connection, database: Database) -> None:
    """What was not stored then is NULL."""
    for table in SCHEMA.sorted_tables:
        inspector = sa.inspect(connection)
        there = {c["name"] for c in inspector.get_columns(table.name, schema=database.schema)}
        quote = connection.dialect.identifier_preparer.quote
        name = ".".join(quote(part) for part in (database.schema, table.name) if part)
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {column.name} {kind}")


def seal_all(connection: sa.Connection) -> None:
    """Take all rows for what was meant, and give them their checksums."""
    for table in SCHEMA.sorted_tables:
        if "checksum" not in table.columns:
            continue
        curves = {}
        if table in EPOCHS_OF:
            epochs = EPOCHS_OF[table]
            query = sa.select(epochs).order_by(epochs.c.fingerprint, epochs.c.epoch)
            curves = curve_seals(epochs, frame_of(connection, query))
        rows = connection.execute(sa.select(table)).mappings().all()
        _fill_in(connection, table, [dict(row) for row in rows], curves)


def _fill_in(
    connection: sa.Connection,
    table: sa.Table,
    rows: Iterable[dict[str, object]],
    curves: dict[str, str],
) -> None:
    (key,) = table.primary_key.columns
    for row in rows:
        own = {"curve": curves.get(str(row[key.name]))} if table in EPOCHS_OF else {}
        said = sealed(table, {**row, **own, "checksum": None})
        new = {name: said[name] for name in ("checksum", *own)}
        connection.execute(sa.update(table).where(key == row[key.name]).values(**new))
