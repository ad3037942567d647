"""What a gate makes of verdicts: which hold, which do not, which cannot say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.analyses.gate import gate
from harness.errors import UserError
from harness.prose.gate_words import gate_lines, gate_warnings
from harness.results import Results
from tests.synthetic import Arm, claim_toml, make

FINAL = 'kind = "final"'


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Arm b is 2 points above a in every pair; a2 is a within a hair."""
    rng = np.random.default_rng(4)
    a = 0.9 + rng.normal(0, 0.003, (10, 3))
    arms = {"a": Arm(a), "b": Arm(a + 0.02), "a2": Arm(a + rng.normal(0, 2e-4, (10, 3)))}
    claims = "".join(
        [
            claim_toml("better", ("b", "a"), FINAL, margin=0.005),
            claim_toml("worse", ("a", "b"), FINAL, margin=0.005),
            claim_toml("a2-better", ("a2", "a"), FINAL, margin=0.005),
            claim_toml("alike", ("a2", "a"), FINAL, expect="equivalent", margin=0.005),
            claim_toml("open", ("a2", "a"), FINAL),
        ]
    )
    return make(tmp_path, arms, claims)


def test_each_verdict_stands_as_documented(results: Results) -> None:
    found = gate(results, [])
    assert {c.verdict.claim.id: (c.verdict.outcome, c.standing) for c in found.claims} == {
        "better": ("supported", "holds"),
        "worse": ("contradicted", "does not hold"),
        "a2-better": ("practically equal", "does not hold"),
        "alike": ("practically equal", "holds"),
        "open": ("inconclusive", "inconclusive"),
    }
    assert found.standing == "does not hold"
    assert "a2-better: practically equal, but a difference is claimed" in "\n".join(
        gate_lines(found)
    )


def test_or_equal_lets_no_worse_pass(results: Results) -> None:
    assert gate(results, ["a2-better"], or_equal=True).standing == "holds"
    assert gate(results, ["worse"], or_equal=True).standing == "does not hold"


def test_one_inconclusive_claim_leaves_the_gate_open(results: Results) -> None:
    assert gate(results, ["better", "alike"]).standing == "holds"
    assert gate(results, ["better", "open"]).standing == "inconclusive"


def test_no_verdict_counts_before_the_first_look(results: Results) -> None:
    early = replace(results, trials=results.trials[results.trials["replicate"] < 9])
    found = gate(early, ["better", "worse"])
    assert (found.standing, found.is_early) == ("inconclusive", True)
    assert "not all there" in "\n".join(gate_lines(found))


def test_a_claim_changed_after_the_data_is_pointed_out(results: Results) -> None:
    late = [replace(verdict, confirmatory=False) for verdict in results.verdicts]
    found = gate(replace(results, verdicts=late), ["better"])
    assert found.standing == "holds"
    assert "changed after the first trial was stored" in "".join(gate_warnings(found))


def test_a_study_without_claims_has_nothing_to_gate(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="makes no claims"):
        gate(make(tmp_path, {"a": Arm([[0.5]]), "b": Arm([[0.6]])}), [])
