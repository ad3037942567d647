"""``--gate``: exit codes for pipelines, on a study that was really trained."""

from __future__ import annotations

import json

import pytest

from harness.commands.gating import _gate_spelled_out
from tests.commands.conftest import Trained, run


def test_a_contradicted_claim_makes_the_run_exit_with_3(trained: Trained) -> None:
    assert trained.ran.code == 3, trained.ran.err
    assert "gate not passed: 1 not holding and 1 inconclusive, of 3 gated claims" in trained.ran.err
    assert "linear-better: contradicted" in trained.ran.err
    document = json.loads((trained.file.parent / "run.json").read_text(encoding="utf-8"))
    assert document["gate"]["standing"] == "does not hold"
    assert [c["standing"] for c in document["gate"]["claims"]] == [
        "holds",
        "does not hold",
        "inconclusive",
    ]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        (["mlp-better"], 0),
        (["linear-better"], 3),
        (["never"], 4),
        (["mlp-better", "never"], 4),
        ([], 3),
    ],
)
def test_a_gate_holds_stored_results_to_the_claims_named(
    trained: Trained, claims: list[str], code: int
) -> None:
    assert run("report", *trained.where, "--gate", *claims).code == code


def test_without_a_gate_a_contradicted_claim_is_an_answer_like_any_other(trained: Trained) -> None:
    assert run("report", *trained.where).code == 0


def test_an_unknown_claim_is_refused_with_the_nearest_name(trained: Trained) -> None:
    done = run("report", *trained.where, "--gate", "mlp-beter")
    assert done.code == 2
    assert 'did you mean "mlp-better"?' in done.err


def test_the_study_may_stand_after_the_gate() -> None:
    spelled = _gate_spelled_out(["--gate", "a", "b", "--jobs", "2", "--gate", "x.toml"])
    assert spelled == ["--gate=a", "--gate=b", "--jobs", "2", "--gate=", "x.toml"]


def test_quiet_leaves_the_answer_alone_and_verbose_adds_to_it(trained: Trained) -> None:
    quiet = run("report", *trained.where, "--quiet", "--gate", "mlp-better")
    lead, point = quiet.out.strip().splitlines()
    assert lead.startswith("The claim that answers the question is supported")
    assert point.startswith("✓ “The MLP ends above the linear model.”")
    assert "mlp-better" not in quiet.err
    usual, verbose = run("report", *trained.where), run("report", *trained.where, "-v")
    assert "It would count as practically equal" in verbose.out
    assert "It would count as practically equal" not in usual.out
    assert run("report", *trained.where, "-q", "-v").code == 2


def test_json_on_standard_output_is_all_there_is_on_it(trained: Trained) -> None:
    done = run("report", *trained.where, "--json", "-")
    assert json.loads(done.out)["study"] == "tiny"
    assert "Is the MLP better than a linear model?" in done.err
