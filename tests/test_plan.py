"""The plan: seeds, fingerprints, blocks, and what the protocol binds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.plan import (
    arm_job,
    confirmatory_claims,
    fingerprint,
    plan_trials,
    protocol,
    protocol_notices,
    seeds_of,
)
from harness.study import STREAMS, Study, least_replicates


def study(**changes: Any) -> Study:
    arm = {"architecture": "linear", "optimizer": "sgd"}
    claim = {
        "id": "c",
        "says": "…",
        "compare": ["a", "b"],
        "measure": {"kind": "final"},
        "expect": "greater",
        "margin": 0.01,
    }
    document: dict[str, Any] = {
        "study": {"name": "t", "question": "?", "replicates": 4, **changes.pop("study", {})},
        "data": {"name": "digits"},
        "arms": [{"name": "a", **arm}, {"name": "b", **arm}],
        "claims": [{**claim, **changes.pop("claim", {})}],
    }
    return Study.model_validate(document | changes)


IDENTITIES = {"a": {"rate": 1}, "b": {"rate": 2}}


def test_every_stream_of_every_replicate_has_a_seed_of_its_own() -> None:
    seeds = [seeds_of(study(), replicate) for replicate in range(50)]
    drawn = {getattr(s, stream) for s in seeds for stream in STREAMS}
    assert len(drawn) == 200


def test_streams_that_are_not_varied_stay_fixed() -> None:
    one = study(randomness={"vary": ["init"]})
    first, second = seeds_of(one, 0), seeds_of(one, 1)
    assert first.init != second.init
    assert (first.shuffle, first.dropout, first.split) == (
        second.shuffle,
        second.dropout,
        second.split,
    )


def test_seeds_depend_on_the_root_seed_and_on_nothing_else() -> None:
    assert seeds_of(study(), 2) == seeds_of(study(study={"replicates": 9}), 2)
    assert seeds_of(study(), 2) != seeds_of(study(study={"seed": 1}), 2)


def test_an_explicit_seed_means_the_same_wherever_it_stands_in_the_list() -> None:
    document = study().model_dump(exclude_none=True)
    one, two = (
        Study.model_validate({**document, "study": {"name": "t", "question": "?", "seeds": seeds}})
        for seeds in ([7, 9], [9, 3, 7])
    )
    assert seeds_of(one, 7) == seeds_of(two, 7)
    assert {t.replicate for t in plan_trials(two, IDENTITIES)} == {9, 3, 7}


def test_trials_come_in_blocks_of_all_arms_in_shuffled_order() -> None:
    trials = plan_trials(study(study={"replicates": 30}), IDENTITIES)
    blocks = [trials[i : i + 2] for i in range(0, 60, 2)]
    assert all({t.arm for t in block} == {"a", "b"} for block in blocks)
    assert [block[0].replicate for block in blocks] == list(range(30))
    assert {block[0].arm for block in blocks} == {"a", "b"}
    assert [t.position for t in trials] == list(range(60))


def test_a_fingerprint_hears_of_every_setting_and_not_of_names_or_order() -> None:
    seeds = seeds_of(study(), 0)
    assert fingerprint({"x": 1, "y": 2}, seeds) == fingerprint({"y": 2, "x": 1}, seeds)
    assert fingerprint({"x": 1}, seeds) != fingerprint({"x": 2}, seeds)
    assert fingerprint({"x": 1}, seeds) != fingerprint({"x": 1}, seeds_of(study(), 1))
    swapped = plan_trials(study(), {"b": IDENTITIES["a"], "a": IDENTITIES["b"]})
    assert {t.fingerprint for t in swapped} == {
        t.fingerprint for t in plan_trials(study(), IDENTITIES)
    }


def test_the_thread_count_is_part_of_a_trials_identity() -> None:
    """B2."""
    jobs = [arm_job(s, s.all_arms[0], Path()) for s in (study(), study(study={"threads": 2}))]
    assert jobs[0].settings != jobs[1].settings
    assert jobs[0].settings == arm_job(study(), study().all_arms[0], Path("elsewhere")).settings


def test_what_was_claimed_before_the_data_is_confirmatory() -> None:
    registered = protocol(study())
    assert confirmatory_claims(study(), None) == {"c": True}
    assert confirmatory_claims(study(), registered) == {"c": True}
    assert confirmatory_claims(study(claim={"says": "in other words"}), registered) == {"c": True}


@pytest.mark.parametrize(
    "change",
    [
        {"claim": {"margin": 0.02}},
        {"claim": {"expect": "less"}},
        {"claim": {"measure": {"kind": "best"}}},
        {"study": {"alpha": 0.1}},
        {"study": {"replicates": 9}},
        {"study": {"epochs": 7}},
    ],
)
def test_what_was_changed_after_the_data_is_exploratory(change: dict[str, Any]) -> None:
    assert confirmatory_claims(study(**change), protocol(study())) == {"c": False}


def test_a_withdrawn_claim_is_told() -> None:
    later = study(claim={"id": "new"})
    assert (
        "claims withdrawn after the first trial was stored: c"
        in (protocol_notices(later, protocol(study()))[0])
    )


@pytest.mark.parametrize(
    ("claims", "alpha", "pairs"), [(1, 0.05, 6), (3, 0.05, 7), (7, 0.05, 9), (1, 0.25, 3)]
)
def test_least_replicates(claims: int, alpha: float, pairs: int) -> None:
    """D3."""
    assert least_replicates(claims, alpha) == pairs
    assert 2 * claims / 2**pairs <= alpha < 2 * claims / 2 ** (pairs - 1)
