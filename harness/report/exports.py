"""The report's numbers as files for other programs: three CSV tables and one JSON document."""

from __future__ import annotations

import csv
import io
import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from harness.measures import CURVE_COLUMNS
from harness.prose import answer_words, words
from harness.prose.notices import study_notices
from harness.report.files import write_whole
from harness.results import Results
from harness.stats.results import Estimate, Interval, TestResult
from harness.stopping import Look, declared_looks
from harness.study_file import study_document
from harness.verdicts import Side, Verdict

STUDY_FILE = "study.json"
"""The study as it was decided and the machines that trained it: the tables explain themselves."""
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")  # as OWASP lists them
_ROWS_AT_ONCE = 10_000  # of a table whose cells become Python's own values
_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def write_exports(results: Results, folder: Path) -> None:
    """Write ``curves.csv``, ``measures.csv``, ``trials.csv``, ``verdicts.json``, ``study.json``.

    Args:
        results: A study's outcome.
        folder: An existing folder.

    Raises:
        ReportError: A file cannot be written.
    """
    write_whole(folder, "curves.csv", csv_text(curve_table(results)))
    write_whole(folder, "measures.csv", csv_text(measure_table(results)))
    write_whole(folder, "trials.csv", csv_text(trial_table(results)))
    write_whole(folder, "verdicts.json", json_text(verdict_document(results)))
    kept = {**study_document(results.loaded), "environments": list(results.environments)}
    write_whole(folder, STUDY_FILE, json_text(kept))


def curve_table(results: Results) -> pd.DataFrame:
    """One row an epoch: arm, replicate, epoch, then the columns of a curve."""
    return results.curves[["arm", "replicate", "epoch", *CURVE_COLUMNS]]


def measure_table(results: Results) -> pd.DataFrame:
    """One row a value: claim, measure, arm, replicate, value, censored, unit.

    A censored value is the time up to which the event had not happened.
    """
    claims = {claim.id: claim for claim in results.loaded.study.claims}
    rows = []
    for row in results.values:  # noqa: PD011 - not a pandas object
        measure = claims[row.claim].side_measure(row.side)
        value, censored = row.measured.value, row.measured.censored
        rows.append(
            (row.claim, measure.label, row.arm, row.replicate, value, censored, measure.unit)
        )
    columns = ["claim", "measure", "arm", "replicate", "value", "censored", "unit"]
    return pd.DataFrame(rows, columns=columns)


def trial_table(results: Results) -> pd.DataFrame:
    """One row a trial, its identity first."""
    first = ["arm", "replicate", "status", "fingerprint"]
    rest = [column for column in results.trials.columns if column not in first]
    return results.trials[[*first, *rest]]


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet cannot mistake for formulas; NaN is an empty cell.

    Text that starts like a formula gets an apostrophe in front, the spreadsheets' own mark for
    "this is text"; numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for start in range(0, len(table), _ROWS_AT_ONCE):
        part = table.iloc[start : start + _ROWS_AT_ONCE]
        writer.writerows(zip(*(_cells(part[name]) for name in part.columns), strict=True))
    return text.getvalue()


def _cells(column: pd.Series) -> list[object]:
    """Python's own values: the csv module writes a million of them sooner than pandas does."""
    cells: list[object] = column.tolist()
    if column.hasnans:
        cells = ["" if no else cell for cell, no in zip(cells, column.isna(), strict=True)]
    return cells if pd.api.types.is_numeric_dtype(column) else list(map(inert, cells))


def inert(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return _inert_text(cell) if isinstance(cell, str) else cell


@lru_cache(maxsize=1024)
def _inert_text(cell: str) -> str:
    text = f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return text.replace("\r\n", "\n").replace("\r", "\n")  # a lone CR ends a row in some readers


def verdict_document(results: Results) -> dict[str, Any]:
    """The question, the answer and every verdict, as ``verdicts.json`` holds them."""
    study = results.loaded.study
    return {
        "study": study.study.name,
        "profile": results.loaded.profile,
        "question": study.study.question,
        "answer": answer_words.answer(results.verdicts),
        "alpha": study.study.alpha,
        "stopping": stopping_document(results),
        "notices": study_notices(results),
        "claims": [_claim(verdict) for verdict in results.verdicts],
    }


def stopping_document(results: Results) -> dict[str, Any]:
    """The looks of a study for other programs: when, what they allow, what they decided."""
    stopping, alpha = results.loaded.study.stopping, results.loaded.study.study.alpha
    if stopping.rule == "fixed":
        return {"rule": "fixed"}
    taken = len(results.by_look)
    return {
        "rule": stopping.rule,
        "spending": stopping.spending,
        "looks": [
            {
                "replicates": look.count,
                "taken": look.place < taken,
                "level": look.level(alpha),
                "alpha_spent": look.spent(alpha),
                "decided": [v.claim.id for v in decided_at(results, look)],
            }
            for look in declared_looks(results.loaded.study)
        ],
    }


def decided_at(results: Results, look: Look) -> list[Verdict]:
    """The verdicts that a look brought; none at one that is not taken yet."""
    if look.place >= len(results.by_look):
        return []
    return [v for v in results.by_look[look.place] if v.is_decided and v.look == look]


def _claim(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "id": claim.id,
        "says": claim.says,
        "verdict": verdict.outcome,
        "sentence": words.verdict_sentence(verdict),
        "measure": claim.measure.model_dump(mode="json", exclude_none=True),
        "statistic": claim.statistic,
        "expect": claim.expect,
        "effect": verdict.effect,
        "interval": _ends(verdict.interval),
        "level": verdict.interval.level,
        "equivalence_interval": _ends(verdict.equivalence_interval),
        "unit": claim.measure.unit,
        "p": verdict.test.p,
        "p_adjusted": verdict.p_adjusted,
        "p_beyond": verdict.p_beyond,
        "test": verdict.test.method,
        "n": verdict.n,
        "paired": verdict.is_paired,
        "margin": claim.margin,
        "confirmatory": verdict.confirmatory,
        "answers_question": claim.answers_question,
        "look": None if verdict.look is None else verdict.look.count,
        "replicates_needed": verdict.replicates_needed,
        "horizon": verdict.horizon,
        "sides": [_side(side) for side in verdict.sides],
        "sensitivity": {name: _test(test) for name, test in verdict.sensitivity.items()},
        "effect_sizes": {name: _estimate(size) for name, size in verdict.effect_sizes.items()},
        "notices": list(verdict.notices),
        "reason": verdict.reason,
    }


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _side(side: Side) -> dict[str, Any]:
    censored = None if side.reached is None else side.n - side.reached
    return {
        "name": side.name,
        "n": side.n,
        "mean": side.mean,
        "reached": side.reached,
        "censored": censored,
    }


def _test(test: TestResult) -> dict[str, Any]:
    return {
        "method": test.method,
        "statistic": test.statistic,
        "p": test.p,
        "reason": test.reason,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "method": estimate.method,
        "value": estimate.value,
        "interval": _ends(estimate.interval),
        "reason": estimate.reason,
    }


def json_text(document: Any) -> str:
    """JSON that every parser takes: what is not a finite number becomes null (case F5).

    Control characters are written out, so that no terminal that shows the text obeys them.
    """
    text = json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False)
    return text.translate(_CONTROLS) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
