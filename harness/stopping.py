"""When a study looks at its data: the looks that it declares, and what each of them may decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.claims import arms_of
from harness.language import said
from harness.quantities import plural
from harness.stats.paired import DRAWS
from harness.stats.planning import smallest_p
from harness.stats.repeated import nominal_level, repeated_p, spent_by
from harness.stats.sequential import Boundary
from harness.study import Spending, Study

_BOUNDARIES: Mapping[Spending, Boundary] = {
    "obrien-fleming": "lan-demets-obf",
    "pocock": "lan-demets-pocock",
}


@dataclass(frozen=True)
class Look:
    """One declared look at the data, after a number of replicates.

    Attributes:
        counts: Replicates at each declared look, ascending.
        place: This look's place among them, from 0.
        boundary: How alpha is spent over the looks; of no effect where there is one look.
    """

    counts: tuple[int, ...]
    place: int
    boundary: Boundary = "lan-demets-obf"

    @property
    def count(self) -> int:
        """Replicates at this look."""
        return self.counts[self.place]

    @property
    def is_last(self) -> bool:
        """Whether no look follows."""
        return self.place == len(self.counts) - 1

    @property
    def last(self) -> Look:
        """The last of the declared looks."""
        return Look(self.counts, len(self.counts) - 1, self.boundary)

    @property
    def information(self) -> tuple[float, ...]:
        """Share of all replicates at each look up to this one."""
        return tuple(count / self.counts[-1] for count in self.counts[: self.place + 1])

    def level(self, alpha: float) -> float:
        """The two-sided level that this look has of an overall alpha."""
        return nominal_level(self.information, self.boundary, alpha)

    def spent(self, alpha: float) -> float:
        """How much of an overall alpha is spent once this look is taken."""
        return spent_by(self.information, self.boundary, alpha)

    def repeated_p(self, p: float) -> float:
        """The smallest overall level at which a p value of this look rejects."""
        return repeated_p(p, self.information, self.boundary)

    @property
    def smallest_p(self) -> float:
        """The smallest two-sided p that the deciding test of so many pairs can reach."""
        return smallest_p(self.count, DRAWS)

    def can_find_a_difference(self, claims: int, alpha: float) -> bool:
        """Whether any paired data could reject at this look, with Holm over so many claims."""
        return self.smallest_p <= self.level(alpha / max(claims, 1)) * (1 + 1e-12)


def declared_looks(study: Study) -> list[Look]:
    """The looks that a study declares; one, at all replicates, under the fixed rule."""
    counts = tuple(study.stopping.looks or [len(study.study.replicate_ids)])
    boundary = _BOUNDARIES[study.stopping.spending]
    return [Look(counts, place, boundary) for place in range(len(counts))]


def looks_reached(study: Study, attempted: Collection[tuple[str, int]]) -> list[Look]:
    """The declared looks whose trials have all been attempted.

    Args:
        study: The study.
        attempted: Trials (arm, replicate) that ended, however they ended. Only arms that claims
            compare matter.
    """
    whole = set(_blocks_of(_compared(study), study, attempted))
    ids = study.study.replicate_ids
    return [look for look in declared_looks(study) if whole.issuperset(ids[: look.count])]


def sequential_looks(study: Study, reached: Sequence[Look]) -> Sequence[Look]:
    """The looks reached that share alpha; none under the fixed rule, which takes all at once."""
    return reached if study.stopping.rule == "group-sequential" else ()


def whole_blocks(study: Study, attempted: Collection[tuple[str, int]]) -> list[int]:
    """The replicates whose trials have all been attempted: those that verdicts are made of.

    Args:
        study: The study.
        attempted: Trials (arm, replicate) that ended, however they ended. Only arms that claims
            compare matter, and of these only such as have any trial.
    """
    begun = {arm for arm, _ in attempted}
    return _blocks_of(_compared(study) & begun, study, attempted) if begun else []


def _compared(study: Study) -> set[str]:
    """The arms that claims compare; all of them where there is no claim."""
    names = [arm.name for arm in study.all_arms]
    sides = [side for claim in study.claims for side in claim.sides]
    return set(arms_of(sides, names) or names)


def _blocks_of(
    arms: Collection[str], study: Study, attempted: Collection[tuple[str, int]]
) -> list[int]:
    return [
        replicate
        for replicate in study.study.replicate_ids
        if all((arm, replicate) in attempted for arm in arms)
    ]


def powerless_looks(study: Study) -> Iterator[str]:
    """Warnings about early looks that can call no difference real, however large."""
    claims, alpha = len(study.claims), study.study.alpha
    for look in declared_looks(study)[:-1] if claims else []:
        if look.can_find_a_difference(claims, alpha):
            continue
        allowed = look.level(alpha / claims)
        yield said(
            "stopping.looks: at the look at {count} replicates no difference can be called real: "
            "the smallest p of {count} pairs is {p}, and this look allows {allowed} ({spending} "
            "spending, {claims}); {mend}",
            count=look.count,
            p=f"{look.smallest_p:.2g}",
            allowed=f"{allowed:.2g}",
            spending=study.stopping.spending,
            claims=partial(plural, claims, "claim"),
            mend=_mend(study, look),
        )


def _mend(study: Study, look: Look) -> str:
    """How the look could be made of use."""
    claims, alpha = len(study.claims), study.study.alpha
    for count in range(look.count + 1, look.counts[look.place + 1]):
        counts = (*look.counts[: look.place], count, *look.counts[look.place + 1 :])
        if Look(counts, look.place, look.boundary).can_find_a_difference(claims, alpha):
            return said("one at {count} could", count=count)
    pocock = Look(look.counts, look.place, _BOUNDARIES["pocock"])
    if pocock.can_find_a_difference(claims, alpha):
        return said('with spending = "pocock" it could')
    return said("leave it out, unless practical equality is all it is to find")
