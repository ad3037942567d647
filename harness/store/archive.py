"""All that a store holds as lines of text: to keep in version control and carry on elsewhere.

The first line says what the file is; each further one is a row of a table in JSON, with its
checksum, and with its rows an epoch column by column where it is a trial. Trials stand in the order
in which they ended, so that an archive that is saved again only grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from harness.store.contents import KEPT, Contents, key_of
from harness.store.databases import StoreError
from harness.store.seals import Row, clean, is_sealed
from harness.store.tables import EPOCHS_OF
from harness.store.versions import SCHEMA_VERSION

_KIND = "training-bench results"
_VERSION = "schema_version"
_TABLES = {table.name: table for table in KEPT}


def archive_text(contents: Contents) -> str:
    """A store's contents as an archive, ending with a line end."""
    return "".join(f"{json.dumps(line)}\n" for line in _lines(contents))


def archive_contents(text: str, name: str) -> Contents:
    """What an archive holds.

    Args:
        text: The archive.
        name: What to call it in messages.

    Raises:
        StoreError: It is no archive, of a newer version, or a line is not as it was written.
    """
    lines = text.removesuffix("\n").split("\n")
    _check_version(lines[0], name)
    contents = Contents()
    for number, line in enumerate(lines[1:], start=2):
        try:
            _take(contents, json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(
                f"{name}: line {number} is not as it was written; take the file anew from where it "
                "comes from"
            ) from error
    return contents


def _lines(contents: Contents) -> Iterator[Row]:
    yield {"kind": _KIND, "version": SCHEMA_VERSION}
    for table in KEPT:
        for key, row in sorted(contents.rows[table].items(), key=_place):
            if key == _VERSION:
                continue
            line = {"table": table.name, "row": _given(row)}
            if table in EPOCHS_OF:
                line["epochs"] = _columns(contents.epochs[EPOCHS_OF[table]].get(key, []))
            yield line


def _place(item: tuple[str, Row]) -> tuple[float, str]:
    key, row = item
    return row.get("finished_at", 0.0), key


def _given(row: Mapping[str, Any]) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Rows an epoch by column; those without a number are left out."""
    rows = sorted(rows, key=lambda row: int(row["epoch"]))
    names = [name for name in (rows[0] if rows else {}) if name != "fingerprint"]
    columns = {name: [row[name] for row in rows] for name in names}
    return {name: values for name, values in columns.items() if set(values) != {None}}


def _check_version(line: str, name: str) -> None:
    try:
        first = json.loads(line)
        is_archive, version = first["kind"] == _KIND, int(first["version"])
    except (ValueError, TypeError, KeyError):
        is_archive, version = False, 0
    if not is_archive:
        raise StoreError(f"{name}: holds no results that `bench store save` wrote")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{name}: was written by a newer version (schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}); use that version"
        )


def _take(contents: Contents, line: Mapping[str, Any]) -> None:
    """Add what one line says.

    Raises:
        ValueError: It is not as it was written; so do TypeError, KeyError and AttributeError.
    """
    table = _TABLES[line["table"]]
    row = _whole(table, line["row"])
    if not is_sealed(table, row):
        raise ValueError("its checksum differs")
    key = key_of(table, row)
    contents.rows[table][key] = row
    if table in EPOCHS_OF:
        epochs = EPOCHS_OF[table]
        contents.epochs[epochs][key] = [
            _whole(epochs, {**one, "fingerprint": key}) for one in _rows(line["epochs"])
        ]
        if not contents.is_whole(table, key):
            raise ValueError("its curve differs")


def _whole(table: sa.Table, row: Mapping[str, Any]) -> Row:
    """A row with all columns of its table."""
    return clean(table, {**dict.fromkeys(column.name for column in table.columns), **row})


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[Row]:
    tuples = zip(*columns.values(), strict=True)
    return [dict(zip(columns, values, strict=True)) for values in tuples]
