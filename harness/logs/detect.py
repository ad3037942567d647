"""Which kind of log a file is, by what is in it; and what a folder of logs holds."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import UserError
from harness.logs import exports, mlflow, tensorboard
from harness.logs.json_lines import read_json
from harness.logs.mlperf import MARK, read_mlperf
from harness.logs.parquet import MAGIC, read_parquet
from harness.logs.records import is_event_file
from harness.logs.run import Kind, Reading, Run
from harness.logs.tables import read_table
from harness.logs.text import head_bytes, head_lines, open_table

Reader = Callable[[Path, Reading], Iterator[Run]]


def _tidy(file: Path, reading: Reading) -> Iterator[Run]:
    is_parquet = head_bytes(file, 4) == MAGIC
    return read_parquet(file, reading) if is_parquet else read_table(file, reading)


READERS: Mapping[Kind, Reader] = {
    "csv": read_table,
    "tidy": _tidy,
    "tensorboard": tensorboard.read_events,
    "tensorboard-csv": exports.read_tensorboard_series,
    "wandb": exports.read_wandb_chart,
    "wandb-runs": exports.read_wandb_runs,
    "mlflow": mlflow.read_run,
    "mlperf": read_mlperf,
    "json": read_json,
}


def kind_of(path: Path, wanted: str | None = None) -> Kind:
    """The kind of a log.

    Args:
        path: A file, or the folder of one run.
        wanted: The metric that the user asks for, by the log's own name.

    Raises:
        UserError: It is of no kind that is known.
    """
    if path.is_dir():
        return "mlflow" if (path / "metrics").is_dir() else "tensorboard"
    head = head_bytes(path)
    if tensorboard.is_event_name(path) or is_event_file(head):
        return "tensorboard"
    if head.startswith(MAGIC):
        return "tidy"
    return "mlperf" if MARK.encode() in head else _text_kind(path, wanted)


def _text_kind(path: Path, wanted: str | None) -> Kind:
    lines = [line for line in head_lines(path) if line.strip()]
    if lines and lines[0].lstrip("\ufeff \t")[0:1] in {"{", "["}:
        return "json"
    if (
        lines
        and (path.parent.name == "metrics" or path.suffix == "")
        and mlflow.is_metric_line(lines[0])
    ):
        return "mlflow"
    return _table_kind(open_table(path, wanted).header)


def _table_kind(header: Sequence[str]) -> Kind:
    if exports.is_tensorboard_series(header):
        return "tensorboard-csv"
    if exports.is_wandb_chart(header):
        return "wandb"
    return "wandb-runs" if exports.is_wandb_runs(header) else "csv"


def expand(paths: Sequence[Path]) -> list[Path]:
    """Files and run folders, each once: patterns filled in, event files by their run's folder.

    Raises:
        UserError: A path leads nowhere, or to a folder without logs that are known.
    """
    return list(dict.fromkeys(log for path in paths for log in _expanded(path)))


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        logs = mlflow.run_folders(path) or tensorboard.event_folders(path)
        if not logs:
            raise UserError(
                f"{path}: is a folder without event files or MLflow runs; give the files in it, "
                f"such as {path}/*.csv"
            )
        return logs
    if path.exists() and not path.is_file():
        raise UserError(
            f"{path}: is a pipe or a device, which is read once only; write it into a file first"
        )
    if path.exists():
        return [tensorboard.run_folder(path) if tensorboard.is_event_name(path) else path]
    if path.is_symlink():
        raise UserError(f"{path}: is a link that leads nowhere")
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207 - keeps absolute paths
    if not matches:
        is_pattern = glob.has_magic(str(path))
        raise UserError(f"{path}: {'fits no file' if is_pattern else 'there is no such file'}")
    return [log for match in matches for log in _expanded(match)]
