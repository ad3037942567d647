"""A part of the page that an analysis adds: sentences, figures, tables, small print."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from harness.language import _
from harness.quantities import plural
from harness.report.figures import Drawn


@dataclass(frozen=True)
class Table:
    """A table of words; numbers come formatted.

    Attributes:
        caption: What the rows are.
        header: Titles of the columns.
        rows: Cells, one sequence a row.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        key: Its anchor.
        title: Its heading.
        lead: Sentences that say what was found, most important first.
        figures: Figures in reading order.
        tables: Tables, folded away behind their captions.
        method: How it was done and where that comes from, a sentence each.
        files: The files beside the report that the figures link to: name and text.
    """

    key: str
    title: str
    lead: Sequence[str]
    figures: Sequence[Drawn] = field(default_factory=tuple)
    tables: Sequence[Table] = field(default_factory=tuple)
    method: Sequence[str] = field(default_factory=tuple)
    files: Mapping[str, str] = field(default_factory=dict)


def left_out_note(replicates: Collection[int]) -> list[str]:
    """A line of small print on replicates that an analysis could not use; none if it used all."""
    if not replicates:
        return []
    told = _("Left out, since an arm lacks them: {replicates}.")
    return [told.format(replicates=plural(len(replicates), "replicate"))]
