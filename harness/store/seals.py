"""Checksums of rows and curves, so that a damaged value is never taken for a result.

Neither SQLite nor PostgreSQL notices by itself when the disk returns another number than was
written. A seal is a 128-bit BLAKE2b hash of what a row says, whatever the order of its columns and
however the database keeps its numbers; a column that is NULL is as one that is not there, so that
columns added later do not break older seals.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

Row = dict[str, Any]


def clean(table: sa.Table, row: Mapping[str, Any]) -> Row:
    """A row as every database keeps it: plain Python values of the columns' types, NaN as None.

    Raises:
        ValueError: A value is not of its column's type.
    """
    return {name: _plain(table.columns[name], value) for name, value in row.items()}


def sealed(table: sa.Table, row: Mapping[str, Any]) -> Row:
    """A clean row with its checksum."""
    cleaned = {**clean(table, row), "checksum": None}
    return {**cleaned, "checksum": _hash(cleaned)}


def is_sealed(table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Whether a row is what its checksum was made of."""
    try:
        cleaned = clean(table, row)
    except (ValueError, TypeError, OverflowError):
        return False
    seal: str | None = cleaned.pop("checksum", None)
    return seal == _hash(cleaned)


def is_broken(table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Whether a row is not as it was written; of one without a checksum nobody can tell."""
    return _given(row["checksum"]) is not None and not is_sealed(table, row)


def curve_seal(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Checksum of the rows an epoch of one trial, in any order; None if there are none."""
    if not rows:
        return None
    names = _number_columns(table)
    numbers = [[np.nan if row[name] is None else row[name] for name in names] for row in rows]
    matrix = np.array(numbers, dtype=float)
    return _matrix_seal(matrix[np.argsort(matrix[:, 0], kind="stable")])


def curve_seals(table: sa.Table, frame: pd.DataFrame) -> dict[str, str]:
    """Checksums of many curves by fingerprint, from all their rows sorted by trial and epoch."""
    matrix = frame[_number_columns(table)].to_numpy(dtype=float, na_value=np.nan)
    keys = frame["fingerprint"].to_numpy()
    starts = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    first = [0, *starts] if len(keys) else []
    parts = np.split(matrix, starts) if len(keys) else []
    return {str(keys[i]): _matrix_seal(part) for i, part in zip(first, parts, strict=True)}


def broken_rows(table: sa.Table, frame: pd.DataFrame) -> Iterator[str]:
    """Keys of the rows that are not what their checksum says; those without one pass."""
    key = next(iter(table.primary_key.columns)).name
    for values in frame.itertuples(index=False, name=None):
        row = dict(zip(frame.columns, values, strict=True))
        if is_broken(table, row):
            yield str(row[key])


def _plain(column: sa.ColumnElement[Any], value: Any) -> Any:
    if _given(value) is None:
        return None
    if isinstance(column.type, sa.Float):
        return float(value) + 0.0  # SQLite forgets the sign of zero
    if isinstance(column.type, sa.Integer):
        return _whole(value)
    # PostgreSQL has no character 0, and neither has lone surrogates (of undecodable file names)
    return str(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


def _whole(value: Any) -> int:
    number = int(value)
    if number != value:
        raise ValueError(f"{value} is no whole number")
    return number


def _given(value: Any) -> Any:
    return None if value is None or value is pd.NA or value != value else value  # noqa: PLR0124


def _hash(row: Mapping[str, Any]) -> str:
    said = {name: value for name, value in row.items() if value is not None}
    return blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def _number_columns(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns if column.name != "fingerprint"]


def _matrix_seal(matrix: np.ndarray[Any, np.dtype[np.float64]]) -> str:
    numbers = np.where(np.isnan(matrix), np.nan, matrix + 0.0)  # one NaN, one zero
    return blake2b(numbers.astype("<f8").tobytes(), digest_size=16).hexdigest()
