"""What was claimed before the data, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from harness.protocol import pilot_protocol, protocol, standing
from harness.study import Study
from tests.test_plan import study, varying


def confirmatory(now: Study, bound: Mapping[str, Any] | None = None) -> Mapping[str, bool]:
    return standing(now, protocol(study(), {}) if bound is None else bound, {}).confirmatory


def test_what_was_claimed_before_the_data_is_confirmatory() -> None:
    assert standing(study(), None, {}).confirmatory == {"c": True}
    assert confirmatory(study()) == {"c": True}
    assert standing(study(), protocol(study(), {}), {}).notices == ()


def test_what_an_arm_varies_and_what_a_claim_is_about_are_bound() -> None:
    assert confirmatory(varying(None)) == {"c": True}
    assert confirmatory(study(claim={"statistic": "mean"})) == {"c": True}
    assert confirmatory(varying(["init"])) == {"c": False}
    assert confirmatory(study(claim={"statistic": "spread"})) == {"c": False}


def test_naming_the_unit_of_a_claim_decides_nothing() -> None:
    assert confirmatory(study(claim={"unit": "accuracy"})) == {"c": True}


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
    assert confirmatory(study(**change)) == {"c": False}


def test_a_withdrawn_claim_is_told() -> None:
    later = standing(study(claim={"id": "new"}), protocol(study(), {}), {})
    assert later.withdrawn == ("c",)
    assert "claims withdrawn after the first trial was stored: c" in later.notices[0]


LOOKS = {"rule": "group-sequential", "looks": [2, 3, 6]}


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(
    ("change", "is_confirmatory"),
    [
        ({}, True),
        ({"study": {"replicates": 2}}, False),
        ({"study": {"replicates": 3}}, False),
        ({"study": {"replicates": 5}}, True),
        ({"study": {"replicates": 6}, "stopping": LOOKS}, False),
        ({"study": {"replicates": 6}, "stopping": {**LOOKS, "looks": [4, 5, 6]}}, True),
    ],
)
def test_a_decision_that_a_pilot_had_seen_is_not_chosen_after_it(
    change: dict[str, Any], is_open: bool, is_confirmatory: bool
) -> None:
    """Four replicates were declared; three, or all of them, are a pilot's."""
    now = study(**change)
    piloted = [0, 1, 2, 3] if not change else [0, 1, 2]
    bound = json.loads(json.dumps(pilot_protocol(study(), {})))
    if not is_open:
        bound = {**bound, "shared": protocol(now, {})["shared"], "piloted": piloted}
        del bound["is_pilot"]
    found = standing(now, bound, {}, stored=piloted if is_open else range(6))
    assert found.confirmatory == {"c": is_confirmatory}
    assert len(found.notices) == (not is_confirmatory)
    assert all("changed after a pilot that had trained all" in told for told in found.notices)


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize(
    ("declared", "change", "is_confirmatory"),
    [
        ({}, {}, True),
        ({}, {"study": {"replicates": 9}}, False),
        ({}, {"study": {"replicates": 3}}, False),
        ({"study": {"replicates": 6}, "stopping": LOOKS}, {"study": {"replicates": 9}}, False),
        (
            {"study": {"replicates": 6}, "stopping": {**LOOKS, "looks": [5, 6]}},
            {"study": {"replicates": 9}},
            True,
        ),
    ],
)
def test_a_study_that_its_pilot_could_have_ended_is_not_made_longer(
    declared: dict[str, Any], change: dict[str, Any], is_open: bool, is_confirmatory: bool
) -> None:
    """A pilot of four had all of the first decision: what does not please is not asked again."""
    before, now = study(**declared), study(**(change or declared))
    piloted = [0, 1, 2, 3]
    bound = json.loads(json.dumps(pilot_protocol(before, {})))
    if not is_open:  # the run that went on bound its own number
        bound = {**bound, "shared": protocol(now, {})["shared"], "piloted": piloted}
        del bound["is_pilot"]
    found = standing(now, bound, {}, stored=piloted if is_open else range(9))
    assert found.confirmatory == {"c": is_confirmatory}
    assert bool(found.notices) == (not is_confirmatory)
    if not is_confirmatory:  # what was declared stands
        assert standing(before, bound, {}, stored=range(9)).confirmatory == {"c": True}


def test_a_pilot_of_a_version_that_kept_no_declaration_stays_open() -> None:
    bound = pilot_protocol(study(), {})
    del bound["declared"]
    fewer = study(study={"replicates": 2})
    assert standing(fewer, bound, {}, stored=[0, 1, 2]).confirmatory == {"c": True}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"says": "in other words"}, "claim c was reworded after the first trial was stored"),
        ({"answers_question": True}, "claim c began to answer the question"),
    ],
)
def test_other_words_decide_nothing_and_are_told(change: dict[str, Any], told: str) -> None:
    later = standing(study(claim=change), protocol(study(), {}), {})
    assert later.confirmatory == {"c": True}
    assert len(later.notices) == 1
    assert told in later.notices[0]


def test_a_protocol_from_before_words_were_bound_is_still_understood() -> None:
    bound = protocol(study(), {})
    del bound["words"]
    assert standing(study(claim={"says": "in other words"}), bound, {}).notices == ()


def test_a_model_that_changed_behind_the_study_file_is_exploratory() -> None:
    """The file is as it was, but what the arm stands for is not."""
    bound = protocol(study(), {"a": {"source": "1"}, "b": {"source": "2"}})
    same = standing(study(), bound, {"a": {"source": "1"}, "b": {"source": "2"}})
    other = standing(study(), bound, {"a": {"source": "1"}, "b": {"source": "3"}})
    assert (same.confirmatory, same.notices) == ({"c": True}, ())
    assert other.confirmatory == {"c": False}
    assert [notice[:28] for notice in other.notices] == ['arm "b" is another than when']
