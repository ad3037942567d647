"""The plan: seeds, fingerprints, blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.plan import Seeds, arm_job, fingerprint, plan_trials, seeds_of
from harness.study import STREAMS, Study


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


def varying(streams: list[str] | None, **settings: Any) -> Study:
    """The study with one arm of its own choice of streams."""
    arm = {"architecture": "linear", "optimizer": "sgd"}
    own = {} if streams is None else {"vary": streams}
    return study(arms=[{"name": "a", **arm, **own}, {"name": "b", **arm}], **settings)


def test_an_arm_may_vary_other_streams_than_the_study() -> None:
    one = varying(["dropout"])
    first, second = (seeds_of(one, replicate, one.all_arms[0]) for replicate in (0, 1))
    changed = {s for s in STREAMS if getattr(first, s) != getattr(second, s)}
    assert changed == {"dropout"}
    assert first.dropout == seeds_of(study(), 0).dropout  # the same draw as where all vary
    held = study(randomness={"vary": ["dropout"]})
    assert first == seeds_of(held, 0)


def test_arms_without_a_choice_of_their_own_keep_their_seeds_and_keys() -> None:
    """Stored trials are found by these keys: they may never change."""
    for one in (study(), varying(["dropout"])):
        arm = one.all_arms[1]
        assert seeds_of(one, 3, arm) == seeds_of(study(), 3)
    assert seeds_of(study(), 3) == Seeds(2377455350, 1321936645, 361673562, 3440165917)
    first = plan_trials(study(), IDENTITIES)[0]
    assert (first.arm, first.fingerprint[:16]) == ("b", "f5f870785d8289c9")
    keys = {t.fingerprint for t in plan_trials(study(), IDENTITIES) if t.arm == "b"}
    assert keys == {t.fingerprint for t in plan_trials(varying([]), IDENTITIES) if t.arm == "b"}


def test_crossed_streams_meet_each_draw_with_each() -> None:
    arm = {"name": "a", "architecture": "linear", "optimizer": "sgd"}
    for settings in ({"replicates": 11}, {"seeds": [5, 9, 2, 4, 7, 1, 8, 3, 6, 10, 11]}):
        one = Study.model_validate(
            {
                "study": {"name": "t", "question": "?", **settings},
                "data": {"name": "digits"},
                "arms": [{**arm, "crossed": ["init", "dropout"]}, {**arm, "name": "b"}],
            }
        )
        ids = one.study.replicate_ids
        drawn = [seeds_of(one, r, one.all_arms[0]) for r in ids[:9]]
        assert len({(s.init, s.dropout) for s in drawn}) == 9
        assert len({s.init for s in drawn}) == len({s.dropout for s in drawn}) == 3
        assert len({(s.shuffle, s.split) for s in drawn}) == 1
        plain = {seeds_of(one, r).init for r in ids[:3]}
        assert {s.init for s in drawn} == plain
        assert len({t.fingerprint for t in plan_trials(one, IDENTITIES)}) == 22


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"crossed": ["init", "init"]}, "twice"),
        ({"crossed": ["init", "split"], "vary": ["init"]}, "not both"),
        ({"crossed": ["init"]}, "at least 2"),
    ],
)
def test_a_crossing_needs_two_streams_and_nothing_else(own: dict[str, Any], message: str) -> None:
    arm = {"architecture": "linear", "optimizer": "sgd"}
    with pytest.raises(ValueError, match=message):
        study(arms=[{"name": "a", **arm, **own}, {"name": "b", **arm}])


def test_repeats_are_alike_in_all_but_their_number() -> None:
    trials = [t for t in plan_trials(varying([]), IDENTITIES) if t.arm == "a"]
    assert len({trial.seeds for trial in trials}) == 1
    assert len({trial.fingerprint for trial in trials}) == 4
    again = [t for t in plan_trials(varying([]), IDENTITIES) if t.arm == "a"]
    assert [t.fingerprint for t in trials] == [t.fingerprint for t in again]


def test_seeds_depend_on_the_root_seed_and_on_nothing_else() -> None:
    assert seeds_of(study(), 2) == seeds_of(study(study={"replicates": 9}), 2)
    assert seeds_of(study(), 2) != seeds_of(study(study={"seed": 1}), 2)


def test_an_explicit_seed_means_the_same_wherever_it_stands_in_the_list() -> None:
    document = study().model_dump(exclude_unset=True)
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
