"""The calibration benchmark's figure: error rate and coverage by number of replicates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from benchmarks.scenarios import SCENARIOS
from benchmarks.shares import Quantity, Share
from harness.report.figure_style import INK, arm_styles, drawing

_PANELS: tuple[tuple[Quantity, str], ...] = (
    ("error", "no difference called real (%)"),
    ("coverage", "intervals that hold the truth (%)"),
)


def draw(shares: Sequence[Share], file: Path, *, alpha: float) -> None:
    """Draw the deciding procedures' shares; the thin line is what is wanted.

    Args:
        shares: All that was simulated.
        file: A PNG file.
        alpha: The level of the tests.
    """
    ours = [s for s in shares if s.method == "permutation" and s.effect in {0.0, 1.0}]
    with drawing(8.4, 6.0) as figure:
        axes = figure.subplots(2, 2, sharex=True, sharey="row")
        for column, design in enumerate(("paired", "unpaired")):
            for row, (quantity, label) in enumerate(_PANELS):
                own = [s for s in ours if (s.design, s.quantity) == (design, quantity)]
                _panel(axes[row, column], own)
                wanted = alpha if quantity == "error" else 1 - alpha
                axes[row, column].axhline(100 * wanted, color=INK, linewidth=0.8, zorder=1)
                axes[row, 0].set_ylabel(label)
            axes[0, column].set_title(design, fontsize=9)
            axes[1, column].set_xlabel("replicates")
        axes[0, 0].legend(fontsize=7, frameon=False)
        figure.savefig(file, dpi=140, facecolor="white", metadata={"Software": None})


def _panel(axes: Axes, shares: Sequence[Share]) -> None:
    styles = arm_styles([scenario.name for scenario in SCENARIOS])
    for name in dict.fromkeys(s.scenario for s in shares):
        own = [s for s in shares if s.scenario == name]
        axes.plot([s.n for s in own], [100 * s.value for s in own], **styles[name].line, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({s.n for s in shares})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
