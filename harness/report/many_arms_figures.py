"""The figures of many arms: critical differences, middles, factors, and profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from harness.analyses.many_arms import Factors, ManyArms, Profiles
from harness.language import _
from harness.prose.many_arms_words import middle_words
from harness.prose.phrases import METRICS, subject
from harness.quantities import level, listed, number, shown, unit_noun, with_percent
from harness.report.direct_labels import label_ends
from harness.report.figure_style import (
    INK,
    MUTED,
    PANEL,
    ArmStyle,
    as_svg,
    drawing,
    short,
)
from harness.report.figures import Drawn, tick_words

_LINES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.6, 1.6)), (0, (7, 2, 1.6, 2)))
_ROW = 0.42  # height of one arm's row, in ranks' figure units


def critical_differences(
    key: str, found: ManyArms, styles: Mapping[str, ArmStyle], data: str
) -> Drawn:
    """Mean ranks on one axis, with bars over arms that Nemenyi's test cannot tell apart.

    After Demsar (2006): arms are led out to the side, the better half to the left.
    """
    count = len(found.ranked)
    half = (count + 1) // 2
    bars = found.nemenyi.groups
    top = 0.55 + 0.3 * len(bars)
    with drawing(PANEL[0], 0.9 + 0.14 * len(bars) + 0.19 * half) as figure:
        axes = figure.add_subplot()
        axes.set_xlim(1 - 0.42 * (count - 1), count + 0.42 * (count - 1))
        axes.set_ylim(top + _ROW * (half + 0.3), -1.5)
        _draw_axis(axes, count, found.nemenyi.critical_difference)
        for place, row in enumerate(found.ranked):
            is_left = place < half
            line = place if is_left else count - 1 - place
            _draw_led_out(
                axes,
                row.mean_rank,
                short(row.arm, 18),
                styles[row.arm],
                height=top + _ROW * (line + 0.6),
                is_left=is_left,
            )
        _draw_groups(axes, found, bars)
        axes.axis("off")
        told = [f"{row.arm} {number(row.mean_rank, 1)}" for row in found.ranked]
        difference = number(found.nemenyi.critical_difference, 1)
        alt = _("Mean ranks, 1 is best: {ranks}. Critical difference {difference}.").format(
            ranks=listed(told), difference=difference
        )
        svg = as_svg(figure, key, alt)
    caption = _(
        "Mean rank over replicates, 1 is best. A bar joins arms whose ranks are closer than the "
        "critical difference (CD): they cannot be told apart by their ranks alone (Nemenyi). Which "
        "arms differ, the tables say: their sign-flip test weighs the sizes of differences, too."
    )
    title = _("Ranks in {measure}").format(measure=subject(found.blocks.measure))
    return Drawn(svg, title, caption, data)


def _draw_axis(axes: Axes, count: int, difference: float) -> None:
    axes.plot([1, count], [0, 0], color=MUTED, linewidth=0.8)
    step = 1 if count <= 10 else 2
    for rank in range(1, count + 1, step):
        axes.plot([rank, rank], [0, -0.16], color=MUTED, linewidth=0.8)
        axes.text(rank, -0.28, str(rank), fontsize=8, color=MUTED, ha="center", va="bottom")
    end = min(1 + difference, count)
    axes.plot([1, end], [-1.0, -1.0], color=INK, linewidth=1.2)
    for x in (1, end):
        axes.plot([x, x], [-1.1, -0.9], color=INK, linewidth=1.2)
    axes.text(
        (1 + end) / 2, -1.14, f"CD {number(difference, 1)}", fontsize=8, ha="center", va="bottom"
    )


def _draw_led_out(
    axes: Axes, rank: float, name: str, style: ArmStyle, *, height: float, is_left: bool
) -> None:
    left, right = axes.get_xlim()
    reach = (right - left) * 0.2
    end = left + reach if is_left else right - reach
    axes.plot([rank, rank, end], [0, height, height], **style.line, linewidth=0.9)
    axes.plot([rank], [0], marker="o", markersize=3.2, color=style.colour, gid=style.mark)
    side = "right" if is_left else "left"
    pad = -0.01 * (right - left) if is_left else 0.01 * (right - left)
    told = f"{name} {number(rank, 1)}"
    axes.text(end + pad, height, told, fontsize=8.2, ha=side, va="center", gid=style.mark)


def _draw_groups(axes: Axes, found: ManyArms, groups: Sequence[Sequence[int]]) -> None:
    for place, group in enumerate(groups):
        ranks = [float(found.nemenyi.mean_ranks[i]) for i in group]
        height = 0.34 + 0.3 * place
        axes.plot([min(ranks) - 0.08, max(ranks) + 0.08], [height] * 2, color=INK, linewidth=2.6)


def middles(key: str, found: ManyArms, styles: Mapping[str, ArmStyle], data: str) -> Drawn:
    """Every arm's interquartile mean with its interval, best mean rank first."""
    unit = found.blocks.measure.unit
    with drawing(PANEL[0], 0.75 + 0.22 * len(found.ranked)) as figure:
        axes = figure.add_subplot()
        for place, row in enumerate(found.ranked):
            style, ends = styles[row.arm], row.middle.interval
            low, value, high = (shown(x, unit) for x in (ends.low, row.middle.value, ends.high))
            drawn: dict[str, Any] = {"color": style.colour, "gid": style.mark}
            axes.plot([low, high], [place, place], linewidth=1.6, **drawn)
            axes.plot([value], [place], marker="o", markersize=4.2, **drawn)
        axes.set_yticks(range(len(found.ranked)), [short(row.arm) for row in found.ranked])
        for label, row in zip(axes.get_yticklabels(), found.ranked, strict=True):
            label.set_gid(styles[row.arm].mark)
        axes.set_ylim(len(found.ranked) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        _unit_axis(axes, unit)
        told = [f"{row.arm} {middle_words(row.middle, unit)}" for row in found.ranked]
        svg = as_svg(figure, key, _("Interquartile means: {means}.").format(means=listed(told)))
    title = _("Interquartile mean of {measure}").format(measure=subject(found.blocks.measure))
    return Drawn(svg, title, _("Lines are 95 % bootstrap intervals."), data)


def _unit_axis(axes: Axes, unit: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(tick_words(unit))
    if unit != "accuracy":
        axes.set_xlabel(unit_noun(unit))


def interaction(key: str, found: ManyArms, factors: Factors, data: str) -> Drawn:
    """Cell means: a line an architecture over the optimizers; parallel lines do not interact."""
    unit = found.blocks.measure.unit
    means = np.vectorize(lambda value: shown(value, unit))(factors.tests.means)
    order = np.argsort(means.mean(axis=0))
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        for row in range(len(factors.architectures)):
            # Colours belong to arms; what is shown here are factors.
            line: dict[str, Any] = {"color": INK, "linestyle": _LINES[row % len(_LINES)]}
            axes.plot(means[row, order], **line, linewidth=1.3, marker="o", markersize=3.4)
        last = {
            name: (len(order) - 1.0, float(means[row, order[-1]]))
            for row, name in enumerate(factors.architectures)
        }
        label_ends(axes, last)
        names = [short(factors.optimizers[i], 12) for i in order]
        slanted: dict[str, Any] = {"rotation": 30, "ha": "right"} if len(names) > 4 else {}
        axes.set_xticks(range(len(order)), names, **slanted)
        axes.yaxis.set_major_formatter(tick_words(unit))
        with_unit = _("mean, {unit}").format(unit=unit_noun(unit))
        axes.set_ylabel(_("mean") if unit == "accuracy" else with_unit)
        told = [
            _("{name} from {low} to {high}").format(
                name=architecture, low=level(found_low, unit), high=level(found_high, unit)
            )
            for architecture, row in zip(factors.architectures, factors.tests.means, strict=True)
            for found_low, found_high in [(float(row.min()), float(row.max()))]
        ]
        measure, column = subject(found.blocks.measure), _(factors.column)
        alt = _("Mean {measure} over the levels of the {column}: {means}.").format(
            measure=measure, column=column, means=listed(told)
        )
        svg = as_svg(figure, key, alt)
    title = _("By {row} and {column}: {measure}").format(
        row=_(factors.row), column=column, measure=measure
    )
    caption = _("Parallel lines: the factors do not depend on each other.")
    return Drawn(svg, title, caption, data)


def profiles(
    key: str, title: str, found: Profiles, styles: Mapping[str, ArmStyle], data: str
) -> Drawn:
    """The share of trials that ever reach a target, over targets, for some of the arms."""
    targets = found.targets * 100
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        for arm, style in styles.items():
            shares = found.shares[arm]
            axes.step(targets, shares, where="post", **style.line, linewidth=1.3)
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=with_percent("")))
        axes.set_ylabel(_("trials that reach it"))
        axes.xaxis.set_major_formatter(tick_words("accuracy"))
        axes.set_xlabel(_("target: {metric}").format(metric=_(METRICS[found.metric])))
        half = [f"{arm} {with_percent(f'{_median(found, arm):.1f}')}" for arm in styles]
        alt = _("Half of the trials reach: {levels}.").format(levels=listed(half))
        svg = as_svg(figure, key, alt)
    caption = _("A curve further to the right reaches higher targets in more trials.")
    return Drawn(svg, title, caption, data, arms=list(styles))


def _median(found: Profiles, arm: str) -> float:
    """The highest target that half of an arm's trials reach, in percent."""
    reached = found.targets[found.shares[arm] >= 0.5]
    return float(reached[-1] * 100) if len(reached) else float(found.targets[0] * 100)
