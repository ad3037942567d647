"""The looks of a group-sequential study: when they came, what they allowed, what they decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from harness.language import _
from harness.prose.words import effect_words
from harness.quantities import NO_VALUE, listed, number, p_value, percent, plural, two_digits
from harness.report.exports import csv_text, decided_at
from harness.report.figure_style import INK, MUTED, PANEL, ZONE, as_svg, drawing
from harness.report.figures import Drawn
from harness.report.sections import Section, Table
from harness.report.series import FloatArray
from harness.results import Results
from harness.stopping import Look, declared_looks
from harness.verdicts import Verdict, all_decided

_SHAPES = {"obrien-fleming": "O'Brien-Fleming", "pocock": "Pocock"}
_ROOM = 0.055  # of the axis, between two labels
_FILE = "looks.csv"


def section_of(results: Results) -> Section | None:
    """The section on looks; None where the study looks once, at its end."""
    study = results.loaded.study
    if study.stopping.rule == "fixed":
        return None
    looks = declared_looks(study)
    return Section(
        key="stopping",
        title=_("When the study looked"),
        lead=_lead(results, looks),
        figures=[_boundary_figure(results, looks)] if results.by_look else [],
        tables=[_look_table(results, looks), *_claim_tables(results)],
        method=_method(results),
        files={_FILE: csv_text(_numbers(results))} if results.by_look else {},
    )


def _lead(results: Results, looks: Sequence[Look]) -> list[str]:
    counts = listed([str(look.count) for look in looks])
    lines = [
        _(
            "The study was to look at its data after {counts} replicates, and to stop as soon as "
            "every claim is decided."
        ).format(counts=counts)
    ]
    if not results.by_look:
        told = _("The first look, at {count} replicates, is not reached yet.")
        return [*lines, told.format(count=looks[0].count)]
    taken, verdicts = looks[len(results.by_look) - 1], results.by_look[-1]
    decided = sum(verdict.is_decided for verdict in verdicts)
    where = _("look {place} of {looks}, after {count} replicates").format(
        place=taken.place + 1, looks=len(looks), count=taken.count
    )
    told = _("{n} of {claims} decided").format(n=decided, claims=plural(len(verdicts), "claim"))
    saved = looks[-1].count - taken.count
    if all_decided(verdicts) and saved:
        lines.append(
            _("It stopped at {where}, with every claim decided: {replicates} saved.").format(
                where=where, replicates=plural(saved, "replicate")
            )
        )
    elif taken.is_last:
        lines.append(
            _("It went on to its last look, after {count} replicates: {told}.").format(
                count=taken.count, told=told
            )
        )
    else:
        following = looks[taken.place + 1].count
        lines.append(
            _("It stands at {where}: {told}; the next is at {following}.").format(
                where=where, told=told, following=following
            )
        )
    if any(v.look is not None and not v.look.is_last and v.is_decided for v in verdicts):
        lines.append(
            _(
                "An effect found at an early look is on average overstated: luck helps a study to "
                "stop early. The error rate of the verdicts is not touched by this."
            )
        )
    return lines


def _look_table(results: Results, looks: Sequence[Look]) -> Table:
    alpha, claims = _alpha_and_claims(results)
    rows = []
    for look in looks:
        taken = look.place < len(results.by_look)
        decided = plural(len(decided_at(results, look)), "claim")
        rows.append(
            [
                str(look.place + 1),
                str(look.count),
                percent(look.information[-1]),
                _level_words(look.level(alpha / claims)),
                _level_words(look.level(alpha)),
                number(look.spent(alpha), 4),
                decided if taken else _("not taken"),
            ]
        )
    header = [
        _("Look"),
        _("Replicates"),
        _("Of all"),
        _("p of the first of {claims} at most").format(claims=plural(claims, "claim")),
        _("p of the last one at most"),
        _("Spent of {alpha}").format(alpha=f"{alpha:g}"),
        _("Decided"),
    ]
    return Table(_("The looks and their boundary"), header, rows)


def _alpha_and_claims(results: Results) -> tuple[float, int]:
    """The error rate of the study, and how many claims share it."""
    return results.loaded.study.study.alpha, max(results.family, 1)


def _at_each_look(results: Results) -> Iterator[tuple[Look, Verdict]]:
    """Every look that was taken with the verdicts it brought, not those of earlier ones."""
    for place, verdicts in enumerate(results.by_look):
        for verdict in verdicts:
            if verdict.look is not None and verdict.look.place == place:
                yield verdict.look, verdict


def _level_words(level: float) -> str:
    """Two digits, without an exponent."""
    return f"{level:.{two_digits(level)}f}".rstrip("0").rstrip(".")


def _claim_tables(results: Results) -> list[Table]:
    """What each claim looked like at each look that it had to wait for."""
    rows = [
        [
            str(look.count),
            verdict.claim.id,
            effect_words(verdict),
            p_value(verdict.test.p, verdict.level) if verdict.reason is None else NO_VALUE,
            p_value(verdict.deciding[1], verdict.alpha),
            _(verdict.outcome),
        ]
        for look, verdict in _at_each_look(results)
    ]
    header = [
        _("Replicates"),
        _("Claim"),
        _("Effect"),
        "p",
        _("Adjusted for looks and claims"),
        _("Verdict"),
    ]
    return [Table(_("The claims at each look"), header, rows)] if rows else []


def _method(results: Results) -> list[str]:
    stopping, alpha = results.loaded.study.stopping, results.loaded.study.study.alpha
    shape = _SHAPES[stopping.spending]
    return [
        _(
            "Looking several times gives chance several chances. So each look may spend only a "
            "part of the error rate {alpha}, by a spending function of {shape}'s shape in the "
            "share of replicates seen (Lan & DeMets 1983). Looks and function were bound with the "
            "first trial."
        ).format(alpha=f"{alpha:g}", shape=shape),
        _(
            "At each look Holm's method runs over the claims not yet rejected; a rejected claim "
            "stays so. The chance of any false rejection at any look is at most the error rate "
            "(Ye, Li, Liu & Yao 2013; Maurer & Bretz 2013)."
        ),
        _(
            "An adjusted p is the smallest error rate of the whole study at which this look would "
            "reject (a repeated p value, Jennison & Turnbull 2000), so it is compared with the "
            "error rate itself. Intervals and the test of practical equality use the level of "
            "their look."
        ),
        _(
            "Few replicates have few sign patterns. Where their smallest p lies above a look's "
            "boundary, the look can find no difference, which makes the study more cautious, not "
            "less."
        ),
    ]


def _boundary_figure(results: Results, looks: Sequence[Look]) -> Drawn:
    """Each claim's p at each look, and the boundary that it has to pass."""
    alpha, claims = _alpha_and_claims(results)
    counts = [look.count for look in looks]
    last = np.array([look.level(alpha) for look in looks])
    first = np.array([look.level(alpha / claims) for look in looks])
    paths = _paths(results)
    with drawing(PANEL[0] * 1.4, PANEL[1]) as figure:
        axes = figure.add_subplot()
        lowest = min([*(p for path in paths.values() for _count, p in path), *first]) / 4
        axes.fill_between(counts, first, lowest, color=ZONE, linewidth=0)
        axes.plot(counts, first, color=MUTED, linewidth=1.2)
        if claims > 1:
            axes.plot(counts, last, color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)))
        _p_axis(axes, lowest)
        span = counts[-1] - counts[0]
        _draw_paths(axes, paths, counts[-1] + 0.05 * span)
        axes.set_xlim(counts[0] - 0.06 * span, counts[-1] + 0.5 * span)
        axes.set_xticks(counts)
        axes.set_xlabel(_("replicates at the look"))
        alt = _(
            "p of each claim at each look, with the boundary: {boundary}. Claims: {claims}."
        ).format(
            boundary=_alt_boundary(looks, first),
            claims="; ".join(_alt_path(name, path) for name, path in paths.items()),
        )
        svg = as_svg(figure, "stopping-boundary", alt)
    caption = _("Up is stronger evidence. A claim in the shaded zone counts as real at once.")
    if claims > 1:
        caption = _(
            "Up is stronger evidence. A claim in the shaded zone counts as real at once; between "
            "the solid and the dashed line it may become so once other claims are rejected (Holm)."
        )
    return Drawn(svg, _("p at each look, and the boundary"), caption, _FILE)


def _numbers(results: Results) -> pd.DataFrame:
    """A row a claim and look that was taken, with the boundary of that look."""
    alpha, claims = _alpha_and_claims(results)
    return pd.DataFrame(
        [
            {
                "claim": verdict.claim.id,
                "look": look.place + 1,
                "replicates": look.count,
                "p": verdict.test.p,
                "p_adjusted": verdict.p_adjusted,
                "boundary_first_claim": look.level(alpha / claims),
                "boundary_last_claim": look.level(alpha),
                "verdict": verdict.outcome,
            }
            for look, verdict in _at_each_look(results)
        ]
    )


def _paths(results: Results) -> dict[str, list[tuple[int, float]]]:
    """By claim, replicates and p at each look up to the one that decided it."""
    paths: dict[str, list[tuple[int, float]]] = {}
    for look, verdict in _at_each_look(results):
        if verdict.test.defined:
            paths.setdefault(verdict.claim.id, []).append((look.count, verdict.test.p))
    return paths


def _p_axis(axes: Axes, lowest: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(1.6, lowest)  # small p, strong evidence, is up
    axes.yaxis.set_major_locator(LogLocator(numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda p, _place: _level_words(p)))
    axes.set_ylabel("p")


def _draw_paths(axes: Axes, paths: dict[str, list[tuple[int, float]]], names_at: float) -> None:
    """Lines and dots, each led to its name at the right; names do not run into each other."""
    first, last = (np.log10(end) for end in sorted(axes.get_ylim()))
    above = float(first)
    for name in sorted(paths, key=lambda name: paths[name][-1][1]):
        x, y = zip(*paths[name], strict=True)
        axes.plot(x, y, color=INK, linewidth=0.9, marker="o", markersize=3.6)
        above = max(above + _ROOM * float(last - first), float(np.log10(y[-1])))
        leader = ((x[-1], names_at), (y[-1], 10**above))
        axes.plot(*leader, color=MUTED, linewidth=0.5, linestyle=(0, (1, 2)))
        axes.text(names_at, 10**above, f" {name}", fontsize=8, va="center", color=INK)


def _alt_boundary(looks: Sequence[Look], first: FloatArray) -> str:
    parts = [
        _("{p} at {count}").format(p=_level_words(level), count=look.count)
        for look, level in zip(looks, first, strict=True)
    ]
    return listed(parts)


def _alt_path(name: str, path: Sequence[tuple[int, float]]) -> str:
    told = [_("{p} at {count}").format(p=f"{p:.2g}", count=count) for count, p in path]
    return f"{name} {listed(told)}"
