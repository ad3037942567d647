"""What looks further than the verdicts: each analysis makes a section of its own, or none."""

from __future__ import annotations

from collections.abc import Callable

from harness.report import (
    calibration_section,
    contrast_section,
    judge_section,
    log_section,
    many_arms_section,
    pairing_section,
    randomness_section,
    specification_section,
    stopping_section,
)
from harness.report.sections import Section
from harness.results import Results

ANALYSES: tuple[Callable[[Results], Section | None], ...] = (
    stopping_section.section_of,
    randomness_section.section_of,
    many_arms_section.section_of,
    specification_section.section_of,
    contrast_section.section_of,
    judge_section.section_of,
    calibration_section.section_of,
    pairing_section.section_of,
)


LOG_ANALYSES: tuple[Callable[[Results], Section | None], ...] = (
    log_section.section_of,
    specification_section.section_of,
    contrast_section.section_of,
)
"""What can be asked of runs that others trained: their randomness and blocks are not known."""


def analyse(results: Results) -> list[Section]:
    """The sections that this study calls for, in the order of the page."""
    chosen = LOG_ANALYSES if results.runs else ANALYSES
    return [part for section_of in chosen if (part := section_of(results)) is not None]
