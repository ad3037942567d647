"""A gate for continuous integration: do the claims that a change must meet hold?

A gate decides nothing anew. It sorts verdicts into those on which a pipeline may go on, those that
must stop it, and those that cannot say:

- a claim *holds* if it is supported, or, where it claims equivalence, practically equal;
- it *does not hold* if it is contradicted, and also if it claims a difference and the sides were
  found practically equal: the difference that was to be there is smaller than what matters.
  Who asks for "no worse" rather than "better" lets practical equality pass (``or_equal``);
- it is *inconclusive* otherwise, and while the first declared look at the data is not reached: a
  verdict on part of a planned sample is no verdict.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UserError
from harness.results import Results
from harness.study import Study
from harness.verdicts import Verdict

Standing = Literal["holds", "does not hold", "inconclusive"]


@dataclass(frozen=True)
class GatedClaim:
    """A gated claim: its verdict and what the gate makes of it."""

    verdict: Verdict
    standing: Standing


@dataclass(frozen=True)
class Gate:
    """What a gate found.

    Attributes:
        claims: The gated claims, in the study's order.
        is_early: Whether the first declared look is not reached, so that no claim counts.
        or_equal: Whether practical equality was good enough.
    """

    claims: tuple[GatedClaim, ...]
    is_early: bool
    or_equal: bool

    def count(self, standing: Standing) -> int:
        """How many claims stand so."""
        return sum(claim.standing == standing for claim in self.claims)

    @property
    def standing(self) -> Standing:
        """The gate as a whole: one claim that does not hold closes it."""
        if self.count("does not hold"):
            return "does not hold"
        return "inconclusive" if self.count("inconclusive") else "holds"


def gated_claims(study: Study, asked: Sequence[str]) -> list[str]:
    """The ids of the claims to gate: those asked for, or all if none is named.

    Raises:
        UserError: The study makes no claims, or not one of those asked for.
    """
    ids = [claim.id for claim in study.claims]
    if not ids:
        raise UserError(
            f'the study "{study.study.name}" makes no claims, so there is nothing to gate; '
            "add [[claims]] to its file or drop --gate"
        )
    for name in asked:
        if name not in ids:
            near = difflib.get_close_matches(name, ids, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise UserError(f'--gate: there is no claim "{name}"; claims: {", ".join(ids)}{hint}')
    return [name for name in ids if name in asked or not asked]


def gate(results: Results, asked: Sequence[str], *, or_equal: bool = False) -> Gate:
    """Hold a study's verdicts against a gate.

    Args:
        results: The study's outcome.
        asked: Ids of the claims to gate; all of them if empty.
        or_equal: Whether practically equal is good enough for a claim of a difference.

    Raises:
        UserError: As for `gated_claims`.
    """
    chosen, early = gated_claims(results.loaded.study, asked), is_early(results)
    return Gate(
        claims=tuple(
            GatedClaim(v, "inconclusive" if early else standing_of(v, or_equal=or_equal))
            for v in results.verdicts
            if v.claim.id in chosen
        ),
        is_early=early,
        or_equal=or_equal,
    )


def is_early(results: Results) -> bool:
    """Whether the first declared look is not reached: until then no verdict counts."""
    if results.loaded.study.is_of_logs:
        return False  # runs of others were there before any look was declared
    return not results.looks


def standing_of(verdict: Verdict, *, or_equal: bool = False) -> Standing:
    """What a gate makes of one verdict."""
    equal_is_fine = or_equal or verdict.claim.expect == "equivalent"
    match verdict.outcome:
        case "supported":
            return "holds"
        case "contradicted":
            return "does not hold"
        case "practically equal":
            return "holds" if equal_is_fine else "does not hold"
        case "inconclusive":
            return "inconclusive"
