"""What a gate found, in words and as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.analyses.gate import Gate, GatedClaim
from harness.quantities import listed, plural


def gate_lines(gate: Gate) -> Iterator[str]:
    """The gate as a whole, then each claim that keeps it from being passed, and why."""
    n = len(gate.claims)
    if gate.standing == "holds":
        kept = "the gated claim holds" if n == 1 else f"all {plural(n, 'gated claim')} hold"
        yield f"gate passed: {kept}"
        return
    parts = {
        f"{gate.count('does not hold')} not holding": gate.count("does not hold"),
        f"{gate.count('inconclusive')} inconclusive": gate.count("inconclusive"),
    }
    found = listed([words for words, count in parts.items() if count])
    yield f"gate not passed: {found}, of {plural(n, 'gated claim')}"
    if gate.is_early:
        yield "  the trials of the first declared look are not all there, so no verdict counts yet"
        return
    for claim in gate.claims:
        if claim.standing != "holds":
            yield f"  {claim.verdict.claim.id}: {_why(claim)}"


def gate_warnings(gate: Gate) -> Iterator[str]:
    """What a pipeline's owner should know although it changes no exit code."""
    late = [c.verdict.claim.id for c in gate.claims if not c.verdict.confirmatory]
    if late and not gate.is_early:
        one = len(late) == 1
        yield (
            f"warning: the gated {'claim' if one else 'claims'} {listed(late)} "
            f"{'was' if one else 'were'} changed after the first trial was stored (exploratory): a "
            "gate that is set once the data are known proves little"
        )


def gate_document(gate: Gate) -> dict[str, Any]:
    """The gate for other programs."""
    return {
        "standing": gate.standing,
        "or_equal": gate.or_equal,
        "claims": [{"id": c.verdict.claim.id, "standing": c.standing} for c in gate.claims],
    }


def _why(claim: GatedClaim) -> str:
    outcome = claim.verdict.outcome
    if claim.standing == "does not hold" and outcome == "practically equal":
        return (
            "practically equal, but a difference is claimed (--or-equal lets this pass: no worse "
            "is then good enough)"
        )
    return outcome
