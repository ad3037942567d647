"""The report: one self-contained HTML page, and the same numbers as CSV and JSON beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from harness.report.analyses import analyse
from harness.report.exports import csv_text, write_exports
from harness.report.files import ReportError, make_folder, write_whole
from harness.report.formats import verdict_table
from harness.report.images import sample_grid
from harness.report.page import render_page
from harness.results import Results

__all__ = ["ReportError", "write_report"]


def write_report(
    results: Results,
    folder: Path,
    *,
    images: tuple[ArrayLike, Sequence[object]] | None = None,
) -> Path:
    """Write ``report.html`` and beside it the CSV tables and ``verdicts.json``.

    Args:
        results: A study's outcome.
        folder: Where to write; created if need be.
        images: Some training images, shape ``(n, height, width[, channels])``, and their labels;
            the first 81 are shown.

    Returns:
        The path of ``report.html``.

    Raises:
        ReportError: The folder cannot be written; the message names it.
    """
    make_folder(folder)
    write_exports(results, folder)
    write_whole(folder, "verdicts.csv", csv_text(verdict_table(results)))
    grid = None if images is None else sample_grid(*images)
    analyses = analyse(results)
    for part in analyses:
        for name, text in part.files.items():
            write_whole(folder, name, text)
    return write_whole(folder, "report.html", render_page(results, grid, analyses))
