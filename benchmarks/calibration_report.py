"""The calibration benchmark as a page of Markdown, a CSV table and a figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from benchmarks.calibration_figure import draw
from benchmarks.scenarios import SCENARIOS
from benchmarks.shares import LEAST_COVERAGE, Quantity, Share, excesses

DESIGNS = ("paired", "unpaired")
_TESTS: Mapping[str, str] = {
    "paired": "sign flips / paired t / Wilcoxon",
    "unpaired": "relabelings / Welch t / Mann-Whitney",
}
_LIMITS: Mapping[str, str] = {
    "error": "no difference called real in {}",
    "coverage": "intervals that hold the truth in {}",
    "equal at the edge": "a difference of the margin called equal in {}",
}


def write(shares: Sequence[Share], folder: Path, *, alpha: float) -> list[str]:
    """Write README.md, calibration.csv and calibration.png.

    Args:
        shares: All that was simulated.
        folder: Where to write; created if need be.
        alpha: The level of the tests.

    Returns:
        What the procedures promise and do not keep, a sentence each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "calibration.csv").write_text(_table(shares), encoding="utf-8")
    draw(shares, folder / "calibration.png", alpha=alpha)
    found = excesses(shares, alpha)
    page = "\n".join(_page(shares, found, alpha))
    (folder / "README.md").write_text(page + "\n", encoding="utf-8")
    return [
        f"{s.design}, {s.scenario}, n = {s.n}: {_LIMITS[s.quantity].format(s.per_cent + ' %')}"
        for s, is_fault in found
        if is_fault
    ]


def _table(shares: Sequence[Share]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(field.name for field in fields(Share)), "share", "low", "high"])
    for s in shares:
        ends = (round(x, 5) for x in (s.value, *s.bounds()))
        writer.writerow([*astuple(s), *ends])
    return text.getvalue()


def _page(
    shares: Sequence[Share], found: Sequence[tuple[Share, bool]], alpha: float
) -> Iterator[str]:
    studies = max(share.studies for share in shares)
    noise = 196 * (alpha * (1 - alpha) / studies) ** 0.5
    yield "# How often the deciding procedures err\n"
    yield (
        "Written by `nox -s calibration` (`python -m benchmarks.calibration`). Each cell is "
        f"{studies:,} simulated studies of known truth; a share near {100 * alpha:g} % is known to "
        f"± {noise:.1f} points. All numbers with their Monte Carlo intervals: "
        "[calibration.csv](calibration.csv).\n"
    )
    yield from _lead(shares, found, alpha)
    yield "\n![Error rate and coverage by number of replicates](calibration.png)\n"
    yield from _scenarios()
    for design in DESIGNS:
        yield from _errors(shares, design, alpha)
    for design in DESIGNS:
        yield from _coverage(shares, design, alpha)
    for design in DESIGNS:
        yield from _edges(shares, design, alpha)
    for design in DESIGNS:
        yield from _power(shares, design, alpha)
    yield from _method()


def _lead(
    shares: Sequence[Share], found: Sequence[tuple[Share, bool]], alpha: float
) -> Iterator[str]:
    """What was found, computed from the shares."""
    sizes = sorted({share.n for share in shares})
    for design in DESIGNS:
        kept = [s.name for s in SCENARIOS if design in s.exact]
        covered = [s.name for s in SCENARIOS if design in s.covers]
        errors = [s for s in _ours(shares, design, "error") if s.scenario in kept]
        coverage = [s for s in _ours(shares, design, "coverage") if s.scenario in covered]
        most, least = max(errors, key=_value).per_cent, min(coverage, key=_value).per_cent
        yield (
            f"- **{design.capitalize()}** ({', '.join(kept)}; n = {sizes[0]} to {sizes[-1]}): no "
            f"difference is called real in at most {most} % of studies, {100 * alpha:g} % allowed. "
            f"The {100 * (1 - alpha):g} % interval holds the true difference in {least} % or more "
            f"({', '.join(covered)}); where replicates are too few for an interval with ends, it "
            "holds everything."
        )
    faults = [s for s, is_fault in found if is_fault]
    told = ", ".join(f"{s.design} {s.scenario} n = {s.n}: {s.per_cent} %" for s in faults)
    yield (
        f"- **Promised, but missed:** {told}."
        if faults
        else "- Nothing that is promised is missed by more than the simulation's noise."
    )
    yield from _limits([s for s, is_fault in found if not is_fault])


def _value(share: Share) -> float:
    return share.value


def _limits(found: Sequence[Share]) -> Iterator[str]:
    """Where the procedures err more than alpha, and no theory says that they should not."""
    for design, scenario in dict.fromkeys((s.design, s.scenario) for s in found):
        own = [s for s in found if (s.design, s.scenario) == (design, scenario)]
        told = []
        for quantity in dict.fromkeys(s.quantity for s in own):
            rows = sorted((s for s in own if s.quantity == quantity), key=_value)
            ends = list(dict.fromkeys([rows[0].per_cent, rows[-1].per_cent]))
            sizes = ", ".join(map(str, sorted({s.n for s in rows})))
            told.append(f"{_LIMITS[quantity].format(' to '.join(ends) + ' %')} (n = {sizes})")
        yield f"- Beware, {design}, {scenario}: {'; '.join(told)}."


def _scenarios() -> Iterator[str]:
    yield "| data | what they are |\n|---|---|"
    for scenario in SCENARIOS:
        yield f"| {scenario.name} | {scenario.words} |"
    yield (
        "\nEffects *d* are in standard deviations of a pair's difference (paired) or of an arm "
        "(unpaired). With unequal sizes, n is that of the smaller arm.\n"
    )


def _ours(shares: Sequence[Share], design: str, quantity: Quantity) -> list[Share]:
    return [
        s for s in shares if (s.design, s.quantity, s.method) == (design, quantity, "permutation")
    ]


def _marked(share: Share, alpha: float) -> str:
    return f"**{share.per_cent}**" if share.is_excess(alpha) else share.per_cent


def _grid(title: str, cells: Mapping[tuple[str, int], str]) -> Iterator[str]:
    """A table with a row a name and a column a number of replicates."""
    sizes = sorted({n for _, n in cells})
    yield f"| {title} | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|" + "---:|" * len(sizes)
    for name in dict.fromkeys(name for name, _ in cells):
        yield f"| {name} | " + " | ".join(cells[name, n] for n in sizes) + " |"
    yield ""


def _errors(shares: Sequence[Share], design: str, alpha: float) -> Iterator[str]:
    yield f"## No difference, called real ({design})\n"
    yield f"Per cent of studies, {100 * alpha:g} allowed; bold where more for sure.\n"
    own = _ours(shares, design, "error")
    yield from _grid("data", {(s.scenario, s.n): _marked(s, alpha) for s in own})


def worst(shares: Sequence[Share], quantity: Quantity) -> dict[tuple[str, int], Share]:
    """The worse of the two directions of the effect, by scenario and number of replicates."""
    found: dict[tuple[str, int], Share] = {}
    for share in shares:
        other = found.setdefault((share.scenario, share.n), share)
        is_worse = (share.value < other.value) == (quantity == "coverage")
        if is_worse and share.value != other.value:
            found[share.scenario, share.n] = share
    return found


def _coverage(shares: Sequence[Share], design: str, alpha: float) -> Iterator[str]:
    yield f"## Intervals that hold the truth ({design})\n"
    yield (
        "Per cent of studies with a true difference of d = ± 1, the worse of both, "
        f"{100 * (1 - alpha):g} wanted. Behind the stroke the t interval. Bold where below "
        f"{100 * LEAST_COVERAGE:g} for sure; ∞ where no interval has ends.\n"
    )
    ours = worst(_ours(shares, design, "coverage"), "coverage")
    classical = worst(
        [s for s in shares if (s.design, s.quantity, s.method) == (design, "coverage", "t")],
        "coverage",
    )
    yield from _grid(
        "data",
        {
            key: f"{'∞' if s.value == 1 else _marked(s, alpha)} / {classical[key].per_cent}"
            for key, s in ours.items()
        },
    )


def _edges(shares: Sequence[Share], design: str, alpha: float) -> Iterator[str]:
    yield f"## A difference as large as the margin, called practically equal ({design})\n"
    yield (
        f"Per cent of studies, {100 * alpha:g} allowed, at a margin of d = 1; the worse of the "
        "margin's two edges; bold where more for sure.\n"
    )
    own = worst(_ours(shares, design, "equal at the edge"), "equal at the edge")
    yield from _grid("data", {key: _marked(s, alpha) for key, s in own.items()})


def _power(shares: Sequence[Share], design: str, alpha: float) -> Iterator[str]:
    yield f"## Differences found ({design})\n"
    yield f"Per cent of studies in which p is at most {100 * alpha:g} %: {_TESTS[design]}.\n"
    found: dict[tuple[str, str, int], list[str]] = {}
    for s in shares:
        if (s.design, s.quantity) == (design, "power"):
            key = (s.scenario, f"d = {s.effect:g}", s.n)
            found.setdefault(key, []).append(f"{100 * s.value:.0f}")
    for scenario in dict.fromkeys(name for name, _, _ in found):
        own = {key[1:]: " / ".join(told) for key, told in found.items() if key[0] == scenario}
        yield from _grid(scenario, own)


def _method() -> Iterator[str]:
    yield "## How it is done\n"
    yield (
        "The p values are those of `harness.stats`: each cell's first studies are also decided by "
        "the product, one by one, and must agree in every p value; its interval must hold the "
        "truth exactly where the test does not reject it. Sign flips are enumerated up to 12 pairs "
        "and relabelings up to 1,000; beyond, 999 random ones stand for them (the product "
        "enumerates up to 20 pairs and 200,000 relabelings). Arms that differ only by a shift have "
        "symmetric paired differences, whatever their own skewness, and so keep the level; an arm "
        "with a tail that the other has not does not."
    )
