"""The specification curve drawn: effects in order, and below them the choices behind each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from harness.analyses.separation import BoolArray
from harness.analyses.specifications import NESTED, SpecificationCurve, Specified
from harness.choices import Setting
from harness.language import _
from harness.measures import FloatArray
from harness.prose.specification_words import CHOICES, level_words, specification_sentence
from harness.quantities import joined, shown, unit_noun
from harness.report.figure_style import GRID, INK, MUTED, PANEL, as_svg, drawing
from harness.report.figures import Drawn

_ROW = 0.135  # inches


@dataclass(frozen=True)
class _Row:
    """A row of strokes: the settings that a specification must have to get one."""

    label: str
    settings: Mapping[str, Setting]
    opens_choice: bool


def specification_figure(key: str, curve: SpecificationCurve, *, data: str) -> Drawn:
    """One column a specification, sorted by effect; those that flip stand out.

    Args:
        key: Unique in the page.
        curve: A claim's specifications.
        data: The file that holds the numbers.
    """
    ordered = sorted(curve.tested, key=lambda s: s.effect * s.scale)
    flips = np.array([s.outcome != curve.verdict.outcome for s in ordered])
    rows = _rows(curve)
    with drawing(PANEL[0], 1.9 + _ROW * len(rows)) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.5, _ROW * len(rows)])
        _draw_effects(axes, ordered, flips, curve.verdict.claim.measure.unit)
        _draw_choices(below, ordered, flips, rows)
        alt = _("Effects of {n} specifications in order. {told}").format(
            n=len(ordered), told=specification_sentence(curve)
        )
        svg = as_svg(figure, key, alt)
    caption = [
        _("◆ as declared. ○ another verdict than {outcome}.").format(
            outcome=_(curve.verdict.outcome)
        )
    ]
    unbounded = sum(math.isinf(s.interval.low) or math.isinf(s.interval.high) for s in ordered)
    if unbounded:
        told = _("{n} intervals are without bounds and not drawn.")
        caption.append(told.format(n=unbounded))
    title = _("{claim}, otherwise defined").format(claim=curve.verdict.claim.id)
    return Drawn(svg, title, joined(caption), data)


def _draw_effects(axes: Axes, ordered: Sequence[Specified], flips: BoolArray, unit: str) -> None:
    effect, low, high = (
        np.array([shown(value * s.scale, unit) for value, s in zip(values, ordered, strict=True)])
        for values in (
            [s.effect for s in ordered],
            [s.interval.low for s in ordered],
            [s.interval.high for s in ordered],
        )
    )
    low, high = (np.where(np.isfinite(end), end, effect) for end in (low, high))
    bottom, top = _limits(effect, low, high)
    x = np.arange(float(len(ordered)))
    _uprights(axes, x, (low.clip(bottom, top), high.clip(bottom, top)), colour=MUTED, width=0.5)
    for beyond, edge, marker in ((low < bottom, bottom, "v"), (high > top, top, "^")):
        axes.plot(x[beyond], np.full(beyond.sum(), edge), marker, color=MUTED, markersize=1.8)
    axes.axhline(0, color=MUTED, linewidth=0.7)
    axes.plot(x[~flips], effect[~flips], "o", color=INK, markersize=1.7)
    axes.plot(x[flips], effect[flips], "o", color=INK, markersize=3.2, markerfacecolor="none")
    declared = [s.is_declared for s in ordered].index(True)
    axes.plot(x[declared], effect[declared], "D", color=INK, markersize=5)
    pad = 0.03 * (top - bottom)
    axes.set_ylim(bottom - pad, top + pad)
    label = _("{unit}, first minus second").format(unit=unit_noun(unit))
    axes.set_ylabel(label.replace(", ", ",\n"))  # in one line it is longer than the axis
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(bottom=False)


def _limits(effect: FloatArray, low: FloatArray, high: FloatArray) -> tuple[float, float]:
    """Room for all effects, and for intervals as far as they do not dwarf them."""
    least, most = min(0.0, float(effect.min())), max(0.0, float(effect.max()))
    room = (most - least) or 1.0
    return (
        max(least - room, min(least, float(low.min()))),
        min(most + room, max(most, float(high.max()))),
    )


def _uprights(
    axes: Axes, x: FloatArray, ends: tuple[FloatArray, FloatArray], *, colour: str, width: float
) -> None:
    """Upright strokes as one path: hundreds of them stay small in the page."""
    gaps = np.full(len(x), np.nan)
    axes.plot(
        np.column_stack([x, x, gaps]).ravel(),
        np.column_stack([*ends, gaps]).ravel(),
        color=colour,
        linewidth=width,
        solid_capstyle="butt",
    )


def _rows(curve: SpecificationCurve) -> list[_Row]:
    """Every level of every choice; a target beside its metric."""
    rows: list[_Row] = []
    for key in curve.levels:
        outer = NESTED.get(key)
        keys = [key, outer] if outer is not None and outer in curve.levels else [key]
        found: list[dict[str, Setting]] = []
        for s in curve.tested:
            settings = {k: s.choice[k] for k in keys}
            if settings not in found:
                found.append(settings)
        headed: set[str] = set()
        for place, settings in enumerate(found):
            metric = str(settings.get("metric", ""))
            of = [level_words(k, settings[k], curve.verdict, metric) for k in keys]
            head = " ".join([*of[1:], _(CHOICES[key])])
            label = of[0] if head in headed else f"{head}: {of[0]}"
            headed.add(head)
            rows.append(_Row(label, settings, opens_choice=place == 0))
    return rows


def _draw_choices(
    axes: Axes,
    ordered: Sequence[Specified],
    flips: BoolArray,
    rows: Sequence[_Row],
) -> None:
    x = np.arange(float(len(ordered)))
    for place, row in enumerate(rows):
        meets = np.array([row.settings.items() <= s.choice.items() for s in ordered])
        for chosen, colour, width in ((meets & ~flips, MUTED, 0.5), (meets & flips, INK, 1.1)):
            level = np.full(chosen.sum(), float(place))
            _uprights(axes, x[chosen], (level - 0.36, level + 0.36), colour=colour, width=width)
        if row.opens_choice and place:
            axes.axhline(place - 0.5, color=GRID, linewidth=0.5)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], fontsize=7.6)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-0.01 * len(ordered) - 0.6, 1.01 * len(ordered) - 0.4)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
