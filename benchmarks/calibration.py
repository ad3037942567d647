"""How often the deciding procedures err: a benchmark of the statistics on data of known truth.

    python -m benchmarks.calibration [--quick]

writes ``reports/calibration/``: README.md, calibration.csv and calibration.png. It ends with exit
code 1 where a procedure errs more than it may, by more than the simulation's own noise.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import calibration_report
from benchmarks import many_studies as many
from benchmarks.same_as_product import check_deciding, check_equality, check_ranks, check_t
from benchmarks.scenarios import SCENARIOS, FloatArray, Scenario
from benchmarks.shares import Method, Quantity, Share

ALPHA = 0.05
SIZES = (3, 5, 6, 8, 10, 12, 15, 20, 30)
EFFECTS = (0.5, 1.0, 1.5, 2.0)
STUDIES, QUICK = 10_000, 1_000
_CHECKED = 2  # studies a cell that are also decided by the product, one by one


@dataclass(frozen=True)
class Cell:
    """Studies of one kind, design and size."""

    scenario: Scenario
    paired: bool
    n: int

    def studies(self, count: int, d: float) -> tuple[FloatArray, FloatArray]:
        """Simulate studies with a true effect of ``d``; the same call gives the same values."""
        name = f"{self.scenario.name}/{self.paired}/{self.n}/{d}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        return self.scenario.draw(rng, count, self.n, d, paired=self.paired)

    def deciding(self, a: FloatArray, b: FloatArray, null: float = 0.0) -> many.PValues:
        """The deciding test of each study."""
        p = many.sign_flips(a - b, null) if self.paired else many.relabelings(a, b, null)
        check_deciding(a[:_CHECKED], b[:_CHECKED], null, p, pairs=self.paired, alpha=ALPHA)
        return p

    def t(self, a: FloatArray, b: FloatArray, null: float = 0.0) -> FloatArray:
        """The t test of each study."""
        p = many.paired_t(a - b, null) if self.paired else many.welch_t(a, b, null)
        check_t(a[:_CHECKED], b[:_CHECKED], null, p, pairs=self.paired)
        return p

    def ranks(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """The rank test of each study."""
        p = many.wilcoxon(a - b) if self.paired else many.mann_whitney(a, b)
        check_ranks(a[:_CHECKED], b[:_CHECKED], p, pairs=self.paired)
        return p

    def share(self, quantity: Quantity, method: Method, d: float, hits: NDArray[np.bool_]) -> Share:
        """In how many of the studies something happened."""
        return Share(
            design="paired" if self.paired else "unpaired",
            scenario=self.scenario.name,
            n=self.n,
            quantity=quantity,
            method=method,
            effect=d,
            count=int(np.count_nonzero(hits)),
            studies=len(hits),
        )


def simulate(cell: Cell, studies: int) -> Iterator[Share]:
    """Errors, coverage, errors at the margin's edge, and power of one cell."""
    yield from _tests(cell, studies, 0.0, "error")
    for d in EFFECTS:
        yield from _tests(cell, studies, d, "power")
    for d in (1.0, -1.0):
        yield from _at_known_effect(cell, studies, d)


def _tests(cell: Cell, studies: int, d: float, quantity: Quantity) -> Iterator[Share]:
    """How often a difference is called real: an error where there is none."""
    a, b = cell.studies(studies, d)
    yield cell.share(quantity, "permutation", d, cell.deciding(a, b).two_sided <= ALPHA)
    yield cell.share(quantity, "t", d, cell.t(a, b) <= ALPHA)
    yield cell.share(quantity, "ranks", d, cell.ranks(a, b) <= ALPHA)


def _at_known_effect(cell: Cell, studies: int, d: float) -> Iterator[Share]:
    """Coverage of the interval, and how often an effect as large as the margin is called equal.

    The interval holds the truth exactly where the test does not reject it, so it need not be
    computed; an interval without ends holds it too.
    """
    truth = cell.scenario.truth(d, paired=cell.paired)
    a, b = cell.studies(studies, d)
    at_truth, opposite = cell.deciding(a, b, truth), cell.deciding(a, b, -truth)
    yield cell.share("coverage", "permutation", d, at_truth.two_sided > ALPHA)
    yield cell.share("coverage", "t", d, cell.t(a, b, truth) > ALPHA)
    above = np.maximum(at_truth.less, opposite.greater)
    below = np.maximum(at_truth.greater, opposite.less)
    equal = above if truth > 0 else below
    check_equality(a[:_CHECKED], b[:_CHECKED], abs(truth), equal, pairs=cell.paired)
    yield cell.share("equal at the edge", "permutation", d, equal <= ALPHA)


def cells() -> list[Cell]:
    """Every scenario, design and size; unequal sizes have no pairs."""
    return [
        Cell(scenario, paired, n)
        for paired in (True, False)
        for scenario in SCENARIOS
        for n in SIZES
        if not (paired and scenario.sizes(n)[0] != scenario.sizes(n)[1])
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its report; 1 where a procedure errs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} studies a cell")
    parser.add_argument("--out", type=Path, default=Path("reports/calibration"))
    chosen = parser.parse_args(arguments)
    studies = QUICK if chosen.quick else STUDIES
    shares = [share for cell in cells() for share in simulate(cell, studies)]
    faults = calibration_report.write(shares, chosen.out, alpha=ALPHA)
    for fault in faults:
        sys.stderr.write(f"more than promised: {fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
