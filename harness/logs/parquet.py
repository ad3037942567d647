"""Tidy tables in Parquet files, read batch by batch with pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.logs.cells import numbers
from harness.logs.names import Meaning, meaning
from harness.logs.rows import IntArray
from harness.logs.run import Reading, Run
from harness.logs.tables import Batches, keys_of, line_of, runs_of, wanted_columns
from harness.logs.text import BATCH
from harness.logs.text import Batch as TextBatch
from harness.measures import FloatArray

MAGIC = b"PAR1"


def read_parquet(file: Path, reading: Reading) -> Iterator[Run]:
    """Read a Parquet file as one run or, where its columns name runs, as many.

    Raises:
        UserError: It is no such table, or pyarrow is not installed.
    """
    try:
        import pyarrow as arrow  # noqa: PLC0415 - an extra that not everybody has
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise UserError(
            f"{file}: reading Parquet takes pyarrow; run: python -m pip install pyarrow"
        ) from None
    try:
        opened = parquet.ParquetFile(file)
        header = [str(name) for name in opened.schema_arrow.names]
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{file}: is no readable Parquet file: {_short(error)}") from None
    meant = meaning(header, reading.metric, str(file))
    yield from runs_of(_batches(opened, header, meant, file), file, meant, [], reading)


def _batches(opened: Any, header: list[str], meant: Meaning, file: Path) -> Batches:
    wanted = wanted_columns(meant)
    places = [*wanted.values(), *(p for p in (meant.arm, meant.replicate) if p is not None)]
    names = [header[place] for place in dict.fromkeys(places)]
    first = 1
    try:
        for batch in opened.iter_batches(batch_size=BATCH, columns=names):
            lines = np.arange(first, first + batch.num_rows)
            first += batch.num_rows
            if batch.num_rows:
                values = {
                    name: _numbers(batch.column(header[place]), header[place], file, lines)
                    for name, place in wanted.items()
                }
                yield _keys(batch, header, meant, lines), lines, values, set()
    except (OSError, ValueError) as error:  # arrow's own errors are ValueErrors or OSErrors
        raise UserError(f"{file}: is no readable Parquet file: {_short(error)}") from None


def _keys(batch: Any, header: list[str], meant: Meaning, lines: IntArray) -> Any:
    cells: list[tuple[str, ...]] = [()] * len(header)
    for place in (meant.arm, meant.replicate):
        if place is not None:
            column = batch.column(header[place]).to_pylist()
            cells[place] = tuple("" if cell is None else str(cell) for cell in column)
    return keys_of(TextBatch(lines, cells), meant)


def _numbers(column: Any, name: str, file: Path, lines: IntArray) -> FloatArray:
    """A column as numbers: null is missing, what is not finite was recorded and becomes inf."""
    cells = column.to_pylist() if column.null_count else None
    try:
        if str(column.type).startswith(("timestamp", "date")):
            stamps = column.to_numpy(zero_copy_only=False).astype("datetime64[us]")
            return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / 1e6)
        if cells is None:
            values = np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)
            values[~np.isfinite(values)] = np.inf
            return values
        # pandas writes its NaN as null: both are a value that is not there
        return np.array(
            [np.nan if c is None else float(c) if np.isfinite(c) else np.inf for c in cells]
        )
    except (TypeError, ValueError):
        cells = column.to_pylist()
    texts = ["" if cell is None else str(cell) for cell in cells]
    return numbers(texts, name=name, where=line_of(file, lines))[0]


def _short(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:120]
