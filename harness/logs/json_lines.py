"""JSON: an object a line, a list of objects, or a history of lists (Keras' ``History.history``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.language import said
from harness.logs.cells import numbers
from harness.logs.names import meaning
from harness.logs.run import Reading, Run
from harness.logs.tables import Batches, keys_of, line_of, runs_of, wanted_columns
from harness.logs.text import BATCH, Batch, cut_line, lines_of

Record = Mapping[str, Any]
_WHOLE = 256 * 2**20
_DEEPEST = 8
_LISTS = ("log_history", "history", "epochs", "metrics")


def read_json(file: Path, reading: Reading) -> Iterator[Run]:
    """Read a JSON log, as one run or, where its objects name runs, as many.

    Raises:
        UserError: It is no JSON, or holds no metric that is known.
    """
    told: list[str] = []
    whole = _whole_document(file)
    records = _lines(file, told) if whole is None else _records(whole, file)
    batches = _batches(records, file)
    first = next(batches, None)
    if first is None:
        raise UserError(f"{file}: holds no records")
    keys = list(dict.fromkeys(key for _, record in first for key in record))
    metrics = set(meaning(keys, reading.metric, str(file)).metrics.values())
    named = {keys[place] for place in metrics}
    # settings at the top of a log are no rows, and a seed among them is no column
    while named and first and not named & first[0][1].keys():
        told.append(said("line {line} holds no metric and is left out", line=first[0][0]))
        first = first[1:]
    header = list(dict.fromkeys(key for _, record in first for key in record))
    meant = meaning(header, reading.metric, str(file))
    wanted = wanted_columns(meant)

    def numbered() -> Batches:
        for rows in _chained(first, batches):
            lines = np.array([line for line, _ in rows])
            cells = [tuple(_cell(record.get(name)) for _, record in rows) for name in header]
            values = {
                name: numbers(
                    cells[p],
                    name=header[p],
                    where=line_of(file, lines),
                    dates=name == "clock",
                )[0]
                for name, p in wanted.items()
            }
            yield keys_of(Batch(lines, cells), meant), lines, values, set()

    yield from runs_of(numbered(), file, meant, told, reading, kind="json")


_Numbered = list[tuple[int, Record]]


def _chained(first: _Numbered, rest: Iterator[_Numbered]) -> Iterator[_Numbered]:
    yield first
    yield from rest


def _batches(records: Iterator[tuple[int, Record]], file: Path) -> Iterator[_Numbered]:
    batch: _Numbered = []
    for line, record in records:
        batch.append((line, _flat(record, file, line)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _cell(value: Any) -> str:
    """A value as the text that `numbers` reads; null is missing."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _flat(record: Record, file: Path, line: int) -> dict[str, Any]:
    """Tables within tables by their path: ``{"val": {"acc": 1}}`` is ``val/acc``."""
    flat: dict[str, Any] = {}
    waiting: list[tuple[str, Any]] = [("", record)]
    while waiting:
        prefix, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{prefix}/{key}" if prefix else key, v) for key, v in value.items()]
        elif not isinstance(value, list):
            flat[prefix] = value
    if not flat:
        raise UserError(f"{file}, line {line}: holds no values")
    return dict(reversed(flat.items()))


def _whole_document(file: Path) -> Any:
    """The file as one JSON document; None where it is one a line."""
    if file.stat().st_size > _WHOLE:
        return None
    text = "".join(lines_of(file))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_single_record = isinstance(document, dict) and not any(_lists(document))
    return [document] if is_single_record else document


def _records(document: Any, file: Path) -> Iterator[tuple[int, Record]]:
    """The records of a document: a list of objects, or an object of lists of one length."""
    if isinstance(document, dict):
        inner = next((document[k] for k in _LISTS if isinstance(document.get(k), list)), None)
        document = _by_row(document, file) if inner is None else inner
    if not isinstance(document, list):
        raise UserError(f"{file}: is JSON, but neither records nor a history of lists")
    for number, record in enumerate(document, start=1):
        if not isinstance(record, dict):
            raise UserError(f"{file}: record {number} is no object")
        yield number, record


def _by_row(document: Record, file: Path) -> list[Record]:
    lists = dict(_lists(document))
    lengths = {key: len(values) for key, values in lists.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{key}: {length}" for key, length in list(lengths.items())[:6])
        raise UserError(f"{file}: lists of different lengths ({told or 'none'})")
    constant = {k: v for k, v in document.items() if not isinstance(v, list | dict)}
    rows = zip(*lists.values(), strict=True)
    return [constant | dict(zip(lists, row, strict=True)) for row in rows]


def _lists(document: Record, prefix: str = "") -> Iterator[tuple[str, Sequence[Any]]]:
    """The lists in a document and in the tables in it, by their path."""
    for key, value in document.items():
        if isinstance(value, list):
            yield f"{prefix}{key}", value
        elif isinstance(value, dict) and prefix.count("/") < _DEEPEST:
            yield from _lists(value, f"{prefix}{key}/")


def _lines(file: Path, told: list[str]) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(lines_of(file), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.endswith("\n") and number > 1:
                told.append(cut_line(number))
                return
            reason = str(error).partition(":")[0]
            raise UserError(f"{file}, line {number}: is no JSON: {reason}") from None
        if not isinstance(record, dict):
            raise UserError(f"{file}, line {number}: is no JSON object")
        yield number, record
