"""The figures of curves by epoch: learning curves, and seconds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from harness.language import N_, _, ngettext
from harness.measures import is_accuracy
from harness.prose.phrases import METRICS
from harness.quantities import amount, joined, number, with_ends, with_percent, with_unit
from harness.report.direct_labels import label_ends
from harness.report.figure_style import PANEL, ArmStyle, as_svg, drawing
from harness.report.readings import Line, readings
from harness.report.series import FloatArray, Series, thinned
from harness.stats.curve_bands import SimultaneousBand, mean_band

_MOST_LINES = 240  # thin lines in a panel; beyond that they hide each other
_ACCURACIES = (0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
PERCENT_TICKS = FuncFormatter(lambda value, _place: with_percent(f"{value * 100:.6g}"))
_PLAIN = FuncFormatter(lambda value, _place: f"{value:.4g}")
_CLOCKS = {"seconds": N_("Wall time by epoch"), "cpu_seconds": N_("Processor time by epoch")}


@dataclass(frozen=True)
class Drawn:
    """A figure for the page.

    Attributes:
        svg: The inline SVG element, which carries its own alternative text.
        title: What the figure is about.
        caption: How to read it.
        data: The file next to the report that holds its numbers.
        readings: What `readings` made of it, if its values can be read one by one.
        arms: The arms that need a legend of the figure's own.
    """

    svg: str
    title: str
    caption: str
    data: str
    readings: str = ""
    arms: Sequence[str] = ()


def learning_curves(
    metric: str,
    arms: Mapping[str, Series],
    styles: Mapping[str, ArmStyle],
    published: pd.DataFrame | None,
) -> Drawn:
    """Every trial thin, the mean of each arm thick, with its simultaneous band.

    Args:
        metric: A metric's column name.
        arms: That column of each arm.
        styles: How each arm is drawn.
        published: Single runs from elsewhere, drawn as open circles.
    """
    shown = max(1, _MOST_LINES // len(arms))
    arms, step = thinned(arms)
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        overlay = _overlay(metric, published, arms)
        metric_axis(axes, metric, list(arms.values()), overlay)
        epoch_axis(axes, list(arms.values()))
        bands = {arm: mean_band(s.whole) for arm, s in arms.items() if len(s.whole)}
        for arm, series in arms.items():
            _draw_arm(axes, series, bands.get(arm), styles[arm], shown)
        _draw_published(axes, metric, overlay, styles)
        lasts = {arm: (arms[arm].epochs[-1], bands[arm].centre[-1]) for arm in bands}
        label_ends(axes, lasts, styles)
        ends = [
            _("{arm} ends at {level}").format(arm=arm, level=_end(metric, series))
            for arm, series in arms.items()
        ]
        alt = _("Learning curves: {metric} by epoch. On average {ends}.").format(
            metric=_(METRICS[metric]), ends="; ".join(ends)
        )
        svg = as_svg(figure, f"curves-{metric}", alt)
        lines = {
            arm: Line(arms[arm].epochs, band.centre, _band_words(metric, band))
            for arm, band in bands.items()
        }
        values = readings(axes, lines, styles, _("epoch")) if lines else ""
    caption = _curve_notes(metric, list(arms.values()), shown)
    caption += _thinning_notes(step)
    if len(overlay):
        caption.append(_("Open circles: published single runs."))
    return Drawn(svg, _(METRICS[metric]).capitalize(), joined(caption), "curves.csv", values)


def _band_words(metric: str, band: SimultaneousBand) -> list[str]:
    """The mean and its band at each epoch: "96.8 % (96.1 to 97.3)"."""
    factor, decimals = (100, 1) if is_accuracy(metric) else (1, 3)
    told = []
    for points in zip(band.centre, band.low, band.high, strict=True):
        middle, low, high = (number(value * factor, decimals) for value in points)
        middle = with_percent(middle) if is_accuracy(metric) else middle
        told.append(with_ends(middle, low, high) if np.isfinite(points).all() else middle)
    return told


def _draw_arm(
    axes: Axes, series: Series, band: SimultaneousBand | None, style: ArmStyle, shown: int
) -> None:
    lines = [
        np.column_stack([series.epochs, row])[np.isfinite(row)] for row in series.matrix[:shown]
    ]
    axes.add_collection(
        LineCollection(
            [line for line in lines if len(line)],
            colors=style.colour,
            linewidths=0.4,
            alpha=0.3,
            gid=style.mark,
        )
    )
    if band is None:
        return
    if np.isfinite(band.low).all():
        axes.fill_between(
            series.epochs,
            band.low,
            band.high,
            color=style.colour,
            alpha=0.16,
            linewidth=0,
            gid=style.mark,
        )
    axes.plot(series.epochs, band.centre, **style.line, linewidth=1.4)


def _overlay(metric: str, published: pd.DataFrame | None, arms: Collection[str]) -> pd.DataFrame:
    """The published rows that belong to these arms and have the metric."""
    if published is None or metric not in published:
        return pd.DataFrame(columns=["arm", "epoch", metric], dtype=float)
    return published[published["arm"].isin(list(arms))].dropna(subset=[metric])


def _draw_published(
    axes: Axes, metric: str, overlay: pd.DataFrame, styles: Mapping[str, ArmStyle]
) -> None:
    for arm, run in overlay.groupby("arm"):
        axes.plot(
            run["epoch"],
            run[metric],
            color=styles[str(arm)].colour,
            gid=styles[str(arm)].mark,
            linestyle="none",
            marker="o",
            markersize=2.6,
            markerfacecolor="none",
            markeredgewidth=0.7,
        )


def metric_axis(axes: Axes, metric: str, series: Sequence[Series], overlay: pd.DataFrame) -> None:
    """Losses on a logarithmic axis; accuracies on one that is logarithmic in the error rate."""
    rows = [s.whole for s in series if len(s.whole)] or [s.matrix for s in series]
    values = np.concatenate([*(row.ravel() for row in rows), overlay[metric].to_numpy(dtype=float)])
    values = values[np.isfinite(values)]
    if is_accuracy(metric):
        _accuracy_axis(axes, values)
    elif len(values) and values.min() > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(_PLAIN)
    words = _(METRICS[metric])
    axes.set_ylabel(words if is_accuracy(metric) else _("{metric} (nats)").format(metric=words))


def _accuracy_axis(axes: Axes, values: FloatArray) -> None:
    """Equal steps are equal factors of the error rate, so that 98 and 99 % are told apart."""
    if not len(values):
        return
    errors = 1 - values[values < 1]
    least = float(errors.min()) * 0.8 if len(errors) else 1e-4  # what 100 % is drawn as
    axes.set_yscale(
        "function",
        functions=(
            lambda y: -np.log10(np.maximum(1 - np.asarray(y, dtype=float), least)),
            lambda z: 1 - 10 ** -np.asarray(z, dtype=float),
        ),
    )
    low, high = float(values.min()), 1 - least
    axes.set_ylim(1 - max((1 - low) * 1.08, 2 * least), high)
    wanted = [tick for tick in (0.0, *_ACCURACIES, 1.0) if low <= tick <= high]
    if len(wanted) < 2:  # between two of them; where all are 100 %, low is above high
        ends = sorted((low, high))
        round_ones = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(*ends)
        wanted = [float(tick) for tick in round_ones if ends[0] <= tick <= ends[1]]
    axes.yaxis.set_major_locator(FixedLocator(wanted))
    axes.yaxis.set_major_formatter(PERCENT_TICKS)


def epoch_axis(axes: Axes, series: Sequence[Series]) -> None:
    """Whole epochs, from the first of any series to the last."""
    first = min(int(s.epochs[0]) for s in series)
    last = max(int(s.epochs[-1]) for s in series)
    pad = max(0.015 * (last - first), 0.1)
    axes.set_xlim(first - pad, last + pad)
    axes.set_xlabel(_("epoch"))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))


def tick_words(unit: str) -> FuncFormatter:
    """How an axis of a measure's values writes its numbers: an accuracy with its sign."""
    sign = with_percent("") if unit == "accuracy" else ""
    return FuncFormatter(lambda value, _place: f"{value:.6g}{sign}")


def _curve_notes(metric: str, series: Sequence[Series], shown: int) -> list[str]:
    notes = []
    if is_accuracy(metric):
        notes.append(_("The axis is stretched towards 100 %: equal steps, equal factors of error."))
    if any(len(s.matrix) > shown for s in series):
        notes.append(
            _("The first {n} trials of each arm are drawn; means and bands use all.").format(
                n=shown
            )
        )
    left_out = sum(len(s.matrix) - len(s.whole) for s in series)
    if left_out:
        told = ngettext(
            "{n} trial that diverged is drawn, and left out of means and bands.",
            "{n} diverged trials are drawn, and left out of means and bands.",
            left_out,
        )
        notes.append(told.format(n=left_out))
    return notes


def _thinning_notes(step: int) -> list[str]:
    return [_("One epoch in {n} is drawn.").format(n=step)] if step > 1 else []


def _end(metric: str, series: Series) -> str:
    whole = series.whole
    if not len(whole):
        return _("no number")
    mean = float(whole[:, -1].mean())
    if is_accuracy(metric):
        return with_percent(f"{mean * 100:.1f}")
    return with_unit(f"{mean:.3f}", "nats")


def seconds_by_epoch(
    column: str, arms: Mapping[str, Series], styles: Mapping[str, ArmStyle]
) -> Drawn:
    """Median seconds of each epoch, with the range over trials and the first epoch marked."""
    arms, step = thinned(arms)
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        lines = {arm: _draw_seconds(axes, series, styles[arm]) for arm, series in arms.items()}
        axes.set_ylim(bottom=0)
        axes.set_ylabel(_("seconds per epoch"))
        epoch_axis(axes, list(arms.values()))
        label_ends(axes, {arm: (line.x[-1], line.y[-1]) for arm, line in lines.items()}, styles)
        title = _(_CLOCKS[column])
        told = [
            _("{arm} {first}, then {last}").format(arm=arm, first=line.told[0], last=line.told[-1])
            for arm, line in lines.items()
        ]
        alt = _("{title}, the first and the last, medians over trials: {values}.").format(
            title=title, values="; ".join(told)
        )
        svg = as_svg(figure, f"time-{column}", alt)
        values = readings(axes, lines, styles, _("epoch"))
    caption = joined([_("◆ is the first epoch."), *_thinning_notes(step)])
    return Drawn(svg, title, caption, "curves.csv", values)


def _draw_seconds(axes: Axes, series: Series, style: ArmStyle) -> Line:
    known = np.isfinite(series.matrix).any(axis=0)
    epochs, seconds = series.epochs[known], series.matrix[:, known]
    median = np.nanmedian(seconds, axis=0)
    low, high = np.nanmin(seconds, axis=0), np.nanmax(seconds, axis=0)
    axes.fill_between(
        epochs, low, high, color=style.colour, alpha=0.14, linewidth=0, gid=style.mark
    )
    axes.plot(epochs, median, **style.line, linewidth=1.3)
    first: dict[str, Any] = {"marker": "D", "markersize": 3.6, "zorder": 3, "gid": style.mark}
    axes.plot(epochs[:1], median[:1], color=style.colour, **first)
    return Line(epochs, median, [amount(value, "seconds", 2) for value in median])
