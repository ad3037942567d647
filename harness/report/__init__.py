"""The report: one self-contained HTML page, and the same numbers as CSV and JSON beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from numpy.typing import ArrayLike

from harness.language import SOURCE, using
from harness.report.analyses import analyse
from harness.report.exports import csv_text, write_exports
from harness.report.files import ReportError, make_folder, write_whole
from harness.report.formats import verdict_table
from harness.report.frame import page_name
from harness.report.images import sample_grid
from harness.report.page import render_page
from harness.results import Results

__all__ = ["ReportError", "write_report"]


def write_report(
    results: Results,
    folder: Path,
    *,
    images: Mapping[str, tuple[ArrayLike, Sequence[object]]] | None = None,
) -> Path:
    """Write ``report.html`` and beside it the CSV tables and ``verdicts.json``.

    The page is in the current language, and named after it if that is not English:
    ``report.ja.html``. The files for other programs are in English always.

    Args:
        results: A study's outcome.
        folder: Where to write; created if need be.
        images: By the name of the data, some training images, shape
            ``(n, height, width[, channels])``, and their labels; the first 81 are shown.

    Returns:
        The path of the page.

    Raises:
        ReportError: The folder cannot be written; the message names it.
    """
    make_folder(folder)
    with using(SOURCE):
        write_exports(results, folder)
        write_whole(folder, "verdicts.csv", csv_text(verdict_table(results)))
    grids = {data: sample_grid(*shown) for data, shown in (images or {}).items()}
    analyses = analyse(results)
    for part in analyses:
        for name, text in part.files.items():
            write_whole(folder, name, text)
    return write_whole(folder, page_name("report"), render_page(results, grids, analyses))
