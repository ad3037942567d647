"""The speed of the harness itself: ``python -m benchmarks [--quick] [--json FILE] [NAME ...]``.

A further benchmark is a function ``(quick: bool) -> Measurement`` and a line in `BENCHMARKS`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from pkgutil import resolve_name

from rich.console import Console
from rich.table import Table

from benchmarks.measurement import Benchmark, Measurement
from harness.environment import describe_environment

BENCHMARKS: Mapping[str, str] = {  # by name; imported only when it runs
    "small study": "benchmarks.training_study:small_study",
    "MLP trials": "benchmarks.training:mlp_trials",
    "MLP trials, joblib": "benchmarks.training:mlp_trials_joblib",
    "CNN trials": "benchmarks.training:cnn_trials",
    "CNN trials, joblib": "benchmarks.training:cnn_trials_joblib",
    "CNN trials, mixed_bfloat16": "benchmarks.training:cnn_bfloat16_trials",
    "memory of a worker": "benchmarks.training_study:worker_memory",
    "study overhead": "benchmarks.running:study_overhead",
    "dispatch and store": "benchmarks.running:dispatch_and_store",
    "memory of dispatch": "benchmarks.running:dispatch_memory",
    "cluster": "benchmarks.cluster:cluster",
    "cluster, memory": "benchmarks.cluster:cluster_memory",
    "million rows": "benchmarks.reporting:million_rows_seconds",
    "million rows, memory": "benchmarks.reporting:million_rows_memory",
    "million rows, page": "benchmarks.reporting:million_rows_page",
    "large page": "benchmarks.page:large_page",
    "main report": "benchmarks.reporting:main_report",
    "five million rows of logs": "benchmarks.logs:five_million_rows",
    "five million rows of logs, memory": "benchmarks.logs:five_million_rows_memory",
    "ten thousand logs": "benchmarks.logs:ten_thousand_logs",
    "exact interval": "benchmarks.exact_test:exact_interval",
    "exact test": "benchmarks.exact_test:exact_test",
    "bench --help": "benchmarks.start_up:bench_help",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks, print one table; returns the exit code."""
    asked = _parser().parse_args(arguments)
    unknown = sorted(set(asked.names) - set(BENCHMARKS))
    if unknown:
        known = ", ".join(f'"{name}"' for name in BENCHMARKS)
        print(f'no benchmark "{unknown[0]}"; there are {known}', file=sys.stderr)  # noqa: T201
        return 2
    found = [_run(name, quick=asked.quick) for name in asked.names or BENCHMARKS]
    if asked.markdown:
        print(markdown(found))  # noqa: T201 - what was asked for
    else:
        Console().print(_table(found))
    if asked.json is not None:
        asked.json.write_text(json.dumps(document(found), indent=2) + "\n", encoding="utf-8")
    return int(is_too_slow(found, asked.fail_below))


def is_too_slow(found: Sequence[Measurement], least: float) -> bool:
    """Whether a ratio for which more is better lies below the least that will do."""
    return any(measurement.at_least and measurement.ratio < least for measurement in found)


def document(found: Sequence[Measurement]) -> dict[str, dict[str, object]]:
    """The measurements as JSON holds them, by name."""
    rows = {measurement.name: asdict(measurement) for measurement in found}
    return {name: {k: v for k, v in row.items() if k != "name"} for name, row in rows.items()}


def markdown(found: Sequence[Measurement]) -> str:
    """The table for ``benchmarks/README.md``, with the machine it was measured on."""
    here = describe_environment(Path(__file__))
    machine = f"{here['processor']}, {here['cores']} cores; Python {here['python']}"
    lines = [
        f"Measured on: {machine}, TensorFlow {here['tensorflow']}.",
        "",
        "| benchmark | ratio | goal | figures |",
        "|---|---|---|---|",
        *(f"| {' | '.join(_cells(measurement))} |" for measurement in found),
    ]
    return "\n".join(lines)


def _run(name: str, *, quick: bool) -> Measurement:
    print(f"{name} …", file=sys.stderr, flush=True)  # noqa: T201 - it takes minutes
    benchmark: Benchmark = resolve_name(BENCHMARKS[name])
    return benchmark(quick)


def _cells(measurement: Measurement) -> tuple[str, str, str, str]:
    sign, met = ("≥" if measurement.at_least else "≤"), ("" if measurement.is_met else " (missed)")
    goal = f"{sign} {measurement.goal:g}{met}"
    return measurement.name, f"{measurement.ratio:.3g}", goal, measurement.detail


def _table(found: Sequence[Measurement]) -> Table:
    table = Table("benchmark", "ratio", "goal", "figures", title="Speed of the harness")
    for measurement in found:
        table.add_row(*_cells(measurement))
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to run; all if not given")
    parser.add_argument("--quick", action="store_true", help="a smaller form of each, in seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the ratios to a file, too")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument(
        "--fail-below",
        type=float,
        default=0.0,
        metavar="RATIO",
        help="exit with 1 if a ratio for which more is better lies below",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
