"""Tables in the forms that other programs and papers take: CSV, Parquet, LaTeX, Markdown.

CSV and Parquet hold every number as it is. LaTeX and Markdown are for reading: verdicts in words,
measures and curves as means over replicates.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from harness.errors import UserError
from harness.prose.words import effect_words, interval_words, margin_words, sample_words
from harness.quantities import p_value
from harness.report.exports import csv_text, curve_table, measure_table, trial_table
from harness.report.files import make_folder, write_bytes, write_whole
from harness.report.measured import measured_arms
from harness.report.tables import measure_rows
from harness.results import Results

Format = Literal["csv", "parquet", "latex", "markdown"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: Mapping[Format, str] = {
    "csv": ".csv",
    "parquet": ".parquet",
    "latex": ".tex",
    "markdown": ".md",
}
_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
}
_MARKDOWN = {character: f"\\{character}" for character in r"\`*_{}[]<>|#"}


def export_tables(results: Results, form: Format, folder: Path) -> list[Path]:
    """Write a study's tables; returns the files.

    Args:
        results: A study's outcome.
        form: Which form they take.
        folder: Where to; created if need be.

    Raises:
        UserError: Parquet is asked for and pyarrow is not installed.
        ReportError: A file cannot be written.
    """
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise UserError(
            "--to parquet needs the package pyarrow: python -m pip install pyarrow, or install "
            "this one as training-bench[parquet]"
        )
    make_folder(folder)
    if form == "parquet":
        return [
            write_bytes(folder, name + SUFFIXES[form], _parquet(table))
            for name, table in number_tables(results).items()
        ]
    texts: Mapping[str, Callable[[pd.DataFrame], str]] = {
        "csv": csv_text,
        "latex": latex_text,
        "markdown": markdown_text,
    }
    tables = number_tables(results) if form == "csv" else word_tables(results)
    return [
        write_whole(folder, name + SUFFIXES[form], texts[form](table))
        for name, table in tables.items()
    ]


def number_tables(results: Results) -> dict[str, pd.DataFrame]:
    """Every number: curves, measures, trials, verdicts."""
    return {
        "curves": curve_table(results),
        "measures": measure_table(results),
        "trials": trial_table(results),
        "verdicts": verdict_table(results),
    }


def word_tables(results: Results) -> dict[str, pd.DataFrame]:
    """What a reader needs: verdicts, measures by arm, mean curves."""
    header = ["measure", "arm", "n", "mean", "SD", "lowest", "highest", "reached"]
    rows = [row for measured in measured_arms(results) for row in measure_rows(measured)]
    return {
        "verdicts": _verdict_words(results),
        "measures": pd.DataFrame(rows, columns=header),
        "curves": _mean_curves(results),
    }


def latex_text(table: pd.DataFrame) -> str:
    """A table of words in LaTeX (booktabs), with everything escaped that LaTeX would read."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    columns = "".join("r" if is_number else "l" for is_number in numeric)
    lines = [
        "% needs \\usepackage{booktabs,longtable}",
        f"\\begin{{longtable}}{{{columns}}}",
        "\\toprule",
        _latex_row([str(name) for name in table.columns]),
        "\\midrule",
        "\\endhead",
        *(_latex_row([str(cell) for cell in row]) for row in table.itertuples(index=False)),
        "\\bottomrule",
        "\\end{longtable}",
    ]
    return "\n".join(lines) + "\n"


def _latex_row(cells: list[str]) -> str:
    return " & ".join(_escaped(cell, _LATEX) for cell in cells) + r" \\"


def markdown_text(table: pd.DataFrame) -> str:
    """A table of words in Markdown, with everything escaped that Markdown would read."""
    rows = [[str(name) for name in table.columns], ["---"] * len(table.columns)]
    rows += [[markdown_words(str(cell)) for cell in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def markdown_words(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _escaped(text, _MARKDOWN)


def _escaped(text: str, marks: Mapping[str, str]) -> str:
    return "".join(marks.get(character, character) for character in " ".join(text.split()))


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def verdict_table(results: Results) -> pd.DataFrame:
    """One row a claim: its verdict with every number that stands behind it."""
    rows = [
        {
            "claim": verdict.claim.id,
            "says": verdict.claim.says,
            "verdict": verdict.outcome,
            "effect": verdict.effect,
            "low": verdict.interval.low,
            "high": verdict.interval.high,
            "level": verdict.interval.level,
            "unit": verdict.claim.measure.unit,
            "p": verdict.test.p,
            "p_adjusted": verdict.p_adjusted,
            "n": verdict.n,
            "margin": verdict.claim.margin,
            "confirmatory": verdict.confirmatory,
            "replicates_needed": verdict.replicates_needed,
        }
        for verdict in results.verdicts
    ]
    table = pd.DataFrame(rows)
    return table.astype({"replicates_needed": "Int64"}) if rows else table


def _verdict_words(results: Results) -> pd.DataFrame:
    rows = [
        (
            verdict.claim.says,
            verdict.outcome,
            effect_words(verdict),
            interval_words(verdict),
            p_value(verdict.deciding[1], verdict.alpha),
            sample_words(verdict),
            margin_words(verdict),
        )
        for verdict in results.verdicts
    ]
    header = ["claim", "verdict", "effect", "interval", "adjusted p", "sample", "margin"]
    return pd.DataFrame(rows, columns=header)


def _mean_curves(results: Results) -> pd.DataFrame:
    """One row an arm and epoch: how many trials, mean and SD of the validation metrics."""
    rows = []
    for (arm, epoch), own in results.curves.groupby(["arm", "epoch"], sort=False):
        cells = [_mean_and_spread(own[name].to_numpy()) for name in ("val_accuracy", "val_loss")]
        rows.append((arm, epoch, len(own), *cells))
    return pd.DataFrame(rows, columns=["arm", "epoch", "n", "val_accuracy", "val_loss"])


def _mean_and_spread(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    known = values[np.isfinite(values)]
    if not len(known):
        return ""
    spread = f" ± {known.std(ddof=1):.4f}" if len(known) > 1 else ""
    return f"{known.mean():.4f}{spread}"
