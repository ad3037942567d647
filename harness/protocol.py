"""What was claimed before the data: bound with the first stored trial, compared with it later.

A claim that stands as it was bound is confirmatory; one that changed, or whose arms changed, is
exploratory, and the report says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from harness.claims import Claim, arms_of
from harness.language import N_, said
from harness.measure_kinds import as_settings
from harness.plan import arm_job, digest
from harness.quantities import plural
from harness.stopping import declared_looks
from harness.study import Arm, Study

_OPEN_IN_A_PILOT = ("replicates", "stopping")
_LOST = N_(
    "what was claimed before the first trial was lost with a damaged store: every claim is "
    "exploratory"
)


@dataclass(frozen=True)
class Standing:
    """How a study stands to the protocol that was bound with its first stored trial.

    Attributes:
        confirmatory: By claim, whether it was claimed in this form, of these arms, beforehand.
        withdrawn: Claims that were bound and are no longer made.
        notices: What changed, in words.
    """

    confirmatory: Mapping[str, bool]
    withdrawn: tuple[str, ...]
    notices: tuple[str, ...]


def protocol(study: Study, identities: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What is claimed and how it will be decided.

    A claim stands with the settings of the arms it compares; what all claims share (alpha, number
    of replicates, declared looks, randomness) stands apart, and so does what each arm was found to
    be (a user's own model and data can change while the study file stays as it is). Words decide
    nothing and are bound as such: what a claim says, and which claims answer the question.

    Args:
        study: The study.
        identities: By arm, all that can change a trial's result but for the seeds.
    """
    arms = {arm.name: arm for arm in study.all_arms}
    sequential = study.stopping.rule != "fixed"  # a fixed study's look is its replicates
    looks = {"stopping": study.stopping.model_dump()} if sequential else {}
    return {
        "shared": {
            "alpha": study.study.alpha,
            "replicates": study.study.replicate_ids,
            "seed": study.study.seed,
            "randomness": sorted(study.randomness.vary),
            **looks,
        },
        "claims": {claim.id: digest(_decisive(study, claim, arms)) for claim in study.claims},
        "words": {claim.id: _words(claim) for claim in study.claims},
        "arms": {name: digest(identity) for name, identity in identities.items()},
    }


def pilot_protocol(study: Study, identities: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a pilot binds: all but how many replicates there will be, and the looks at them.

    These are kept as they were declared: what stays so was not chosen after the pilot.
    """
    whole = protocol(study, identities)
    shared = {key: v for key, v in whole["shared"].items() if key not in _OPEN_IN_A_PILOT}
    return {**whole, "shared": shared, "is_pilot": True, "declared": _left_open(whole)}


def standing(
    study: Study,
    bound: Mapping[str, Any] | None,
    identities: Mapping[str, Mapping[str, Any]],
    stored: Collection[int] = (),
) -> Standing:
    """Compare a study with its bound protocol; without one, everything is still to be claimed.

    Args:
        study: The study.
        bound: What was bound.
        identities: As for `protocol`.
        stored: Replicates that are stored: those of a pilot, while its number is left open.
    """
    now = protocol(study, identities)
    if bound is None:
        return Standing(dict.fromkeys(now["claims"], True), (), ())
    if bound.get("is_lost"):
        return Standing(dict.fromkeys(now["claims"], False), (), (_LOST,))
    bound = _closed(bound, stored)
    is_late = _is_chosen_late(study, bound, now, stored)
    shared = _changed(bound, now)
    other = _other_arms(bound, now)
    names = [arm.name for arm in study.all_arms]
    confirmatory = {
        claim.id: not (shared or is_late)
        and bound["claims"].get(claim.id) == now["claims"][claim.id]
        and other.isdisjoint(arms_of(claim.sides, names))
        for claim in study.claims
    }
    withdrawn = tuple(claim for claim in bound["claims"] if claim not in now["claims"])
    notices = tuple(_notices(bound, now, withdrawn))
    if is_late and not shared:
        notices = (_late_notice(study), *notices)
    return Standing(confirmatory, withdrawn, notices)


def _decisive(study: Study, claim: Claim, arms: Mapping[str, Arm]) -> dict[str, Any]:
    """What of a claim can change its verdict: all but its words."""
    names = sorted(arms_of(claim.sides, list(arms)))
    silent = {"measure", "answers_question", "says", "specifications", "unit"}
    if claim.statistic == "mean":
        silent.add("statistic")  # a claim is about means unless it says otherwise
    is_timed_alone = study.study.timing == "exclusive" and hasattr(claim.measure, "clock")
    timing = {"timing": study.study.timing} if is_timed_alone else {}
    return {
        **timing,
        **claim.model_dump(exclude=silent, exclude_none=True),
        "measure": as_settings(claim.measure),
        "arms": {name: _settings(study, arms[name]) for name in names},
    }


def _settings(study: Study, arm: Arm) -> dict[str, Any]:
    own = {} if arm.vary is None else {"vary": sorted(arm.vary)}
    own |= {} if arm.crossed is None else {"crossed": list(arm.crossed)}
    return {**arm_job(study, arm, Path()).settings, **own}


def _words(claim: Claim) -> dict[str, Any]:
    return {"says": claim.says, "answers_question": claim.answers_question}


def _changed(bound: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What all claims share and is no longer as it was bound."""
    before, after = bound["shared"], now["shared"]
    left_open = _OPEN_IN_A_PILOT if bound.get("is_pilot") else ()
    return [
        key
        for key in {**before, **after}
        if key not in left_open and before.get(key) != after.get(key)
    ]


def _closed(bound: Mapping[str, Any], stored: Collection[int]) -> Mapping[str, Any]:
    """What was bound; where a pilot had all of the decision that was declared, with that, too.

    The study could end there. To go on where its verdict did not please is a second look.
    """
    declared = bound.get("declared")
    if declared is None or not _piloted(bound, stored).issuperset(_first_declared(declared)):
        return bound
    shared = {key: v for key, v in bound["shared"].items() if key not in _OPEN_IN_A_PILOT}
    return {**bound, "shared": {**shared, **declared}, "is_pilot": False}


def _piloted(bound: Mapping[str, Any], stored: Collection[int]) -> set[int]:
    """The replicates that a pilot had trained when the number was chosen, or has so far."""
    return set(stored if bound.get("is_pilot") else bound.get("piloted", ()))


def _first_declared(declared: Mapping[str, Any]) -> list[int]:
    """The replicates of the first decision, as a pilot's protocol keeps them."""
    looks = declared.get("stopping", {}).get("looks") or [None]
    return list(declared["replicates"][: looks[0]])


def _left_open(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """What a pilot leaves open, as a protocol has it."""
    shared = protocol["shared"]
    return {key: shared[key] for key in _OPEN_IN_A_PILOT if key in shared}


def _is_chosen_late(
    study: Study, bound: Mapping[str, Any], now: Mapping[str, Any], stored: Collection[int]
) -> bool:
    """Whether a pilot had all that the first decision uses before its number was chosen."""
    if bound.get("declared", _left_open(now)) == _left_open(now):
        return False
    return _piloted(bound, stored).issuperset(_first_decision(study))


def _first_decision(study: Study) -> list[int]:
    """The replicates of the first declared look."""
    return study.study.replicate_ids[: declared_looks(study)[0].count]


def _late_notice(study: Study) -> str:
    return said(
        "the number of replicates, or the looks, changed after a pilot that had trained all "
        "{replicates} of the first decision: every claim is exploratory",
        replicates=partial(plural, len(_first_decision(study)), "replicate"),
    )


def _other_arms(bound: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Arms that turned out to be something else than when they were bound."""
    before = bound.get("arms", {})
    return {name for name, key in now["arms"].items() if before.get(name, key) != key}


def _notices(
    bound: Mapping[str, Any], now: Mapping[str, Any], withdrawn: tuple[str, ...]
) -> Iterator[str]:
    for key in _changed(bound, now):
        yield said(
            "{key} changed after the first trial was stored: every claim is exploratory", key=key
        )
    for name in sorted(_other_arms(bound, now)):
        yield said(
            'arm "{arm}" is another than when the first trial was stored (its settings, model, '
            "source, data or device changed): claims about it are exploratory",
            arm=name,
        )
    bound_words = bound.get("words", {})
    for claim, words in now["words"].items():
        before = bound_words.get(claim, words)
        if before["says"] != words["says"]:
            yield said(
                "claim {claim} was reworded after the first trial was stored; it was bound as: "
                "{before}",
                claim=claim,
                before=before["says"],
            )
        if before["answers_question"] != words["answers_question"]:
            template = N_(
                "claim {claim} ceased to answer the question after the first trial was stored"
            )
            if words["answers_question"]:
                template = N_(
                    "claim {claim} began to answer the question after the first trial was stored"
                )
            yield said(template, claim=claim)
    if withdrawn:
        yield said(
            "claims withdrawn after the first trial was stored: {claims}; they keep their place in "
            "the family of tests",
            claims=", ".join(withdrawn),
        )
