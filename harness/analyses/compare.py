"""Two results of one study side by side: before and after an upgrade, on two machines, say.

The decision rule is the studies' own (`harness.verdicts.decide`): each arm and measure becomes a
claim that the two results differ, with the margin that the study gives the measure. Trials are
compared pair by pair where their seeds agree, else as two samples; Holm's method covers all
comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.analyses.compare_claims import comparison_claims, side_name
from harness.claims import Claim
from harness.environment import differences
from harness.errors import UserError
from harness.language import N_, said
from harness.plan import seeds_of
from harness.results import study_curves
from harness.samples import Curves, SideValue, claim_values
from harness.study import Arm, Spec, Stopping, Study
from harness.verdicts import Verdict, decide
from harness.verification import RESULT_COLUMNS, Difference, first_difference

Standing = Literal["same", "changed", "unclear"]


@dataclass(frozen=True)
class Recorded:
    """Results that lie somewhere, with the study that they belong to.

    Attributes:
        label: What they are called, such as "before".
        place: Where they lie.
        study: The study, its profile applied.
        trials: As in `harness.results.Results`, with at least arm, replicate and status.
        curves: As in `harness.results.Results`.
        environments: The machines and versions that trained the trials.
    """

    label: str
    place: str
    study: Study
    trials: pd.DataFrame
    curves: pd.DataFrame
    environments: Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class ArmSameness:
    """How far an arm's curves are the same, bit for bit.

    Attributes:
        arm: The arm.
        compared: Trials of equal seeds.
        identical: How many of them have the same curves.
        replicate: The first replicate that differs; None if none does.
        difference: Where its curve first differs.
    """

    arm: str
    compared: int
    identical: int
    replicate: int | None
    difference: Difference | None

    @property
    def is_identical(self) -> bool:
        """Whether there are trials of equal seeds, and all their curves are the same."""
        return 0 < self.compared == self.identical


@dataclass(frozen=True)
class Compared:
    """One arm on one measure: whether what differs matters.

    Attributes:
        arm: The arm.
        verdict: The verdict on the claim that the two results differ.
        is_identical: Whether the arm's curves are the same, bit for bit.
        has_same_values: Whether each pair of trials has the same value, or got there in neither.
    """

    arm: str
    verdict: Verdict
    is_identical: bool
    has_same_values: bool

    @property
    def standing(self) -> Standing:
        """What the comparison says: values that are the same need no test."""
        if self.has_same_values or self.verdict.outcome == "practically equal":
            return "same"
        return "unclear" if self.verdict.outcome == "inconclusive" else "changed"


@dataclass(frozen=True)
class ResultsCompared:
    """Two results of a study, compared.

    Attributes:
        before: The first results.
        after: The second; an effect is the second minus the first.
        is_paired: Whether trials of equal seeds were compared pair by pair.
        comparisons: One an arm and measure.
        sameness: One an arm.
        environment: By key, what the environments differ in.
        notices: What the reader must know.
    """

    before: Recorded
    after: Recorded
    is_paired: bool
    comparisons: tuple[Compared, ...]
    sameness: tuple[ArmSameness, ...]
    environment: Mapping[str, Sequence[str]]
    notices: tuple[str, ...]

    @property
    def standing(self) -> Standing:
        """All comparisons together: one that changed is a change."""
        found = {comparison.standing for comparison in self.comparisons}
        return "changed" if "changed" in found else "unclear" if "unclear" in found else "same"


def compare_results(
    before: Recorded,
    after: Recorded,
    *,
    margins: Mapping[str, float] | None = None,
    times: bool = False,
) -> ResultsCompared:
    """Compare two results arm by arm, measure by measure.

    Args:
        before: The first results.
        after: The second.
        margins: Margins by kind of measure, in place of the study's.
        times: Whether measures in seconds are compared, too.

    Raises:
        UserError: The results have no arm with finished trials in common, or a margin is given
            for something that is not measured.
    """
    arms = _common_arms(before, after)
    paired = all(_shared_replicates(before, after, arm) for arm in arms)
    claims = list(
        comparison_claims(
            before.study, arms, (after.label, before.label), margins or {}, times=times
        )
    )
    curves = {**_curves(before, arms), **_curves(after, arms)}
    names = [side_name(arm, one.label) for arm in arms for one in (after, before)]
    study = _joint_study(before.study, names, [claim for _, claim in claims])
    values = [v for _, claim in claims for v in claim_values(claim, names, curves)]
    verdicts = decide(study, values, confirmatory={c.id: True for _, c in claims}, is_paired=paired)
    sameness = tuple(_sameness(before, after, arm, curves) for arm in arms)
    identical = {one.arm for one in sameness if one.is_identical}
    return ResultsCompared(
        before=before,
        after=after,
        is_paired=paired,
        comparisons=tuple(
            Compared(
                arm,
                verdict,
                is_identical=arm in identical,
                has_same_values=arm in identical or (paired and _same_values(claim.id, values)),
            )
            for (arm, claim), verdict in zip(claims, verdicts, strict=True)
        ),
        sameness=sameness,
        environment=_environment(before, after),
        notices=tuple(_notices(before, after, arms, is_paired=paired)),
    )


def _arm(study: Study, name: str) -> Arm:
    return next(arm for arm in study.all_arms if arm.name == name)


def _common_arms(before: Recorded, after: Recorded) -> list[str]:
    """The arms, by name, of which both results have curves."""
    has = [set(one.curves["arm"]) for one in (before, after)]
    names = [[arm.name for arm in one.study.all_arms] for one in (before, after)]
    common = [n for n in names[0] if n in names[1] and n in has[0] and n in has[1]]
    if not common:
        found = "; ".join(
            f"{one.place} is of the study {one.study.study.name} "
            f"({', '.join(sorted(trained)) or 'nothing trained'})"
            for one, trained in zip((before, after), has, strict=True)
        )
        raise UserError(f"the two results have no arm in common: {found}")
    return common


def _shared_replicates(before: Recorded, after: Recorded, arm: str) -> list[int]:
    """The replicates of an arm whose seeds are the same in both results; logs tell no seeds."""
    if before.study.is_of_logs or after.study.is_of_logs:
        return []
    ids = [one.study.study.replicate_ids for one in (before, after)]
    arms = [_arm(one.study, arm) for one in (before, after)]
    return [
        r
        for r in ids[0]
        if r in ids[1] and seeds_of(before.study, r, arms[0]) == seeds_of(after.study, r, arms[1])
    ]


def _joint_study(study: Study, names: Sequence[str], claims: Sequence[Claim]) -> Study:
    """A study of the two results' arms, whose claims are the comparisons."""
    unused = Spec(name="any")  # what the arms are was decided when they were trained
    arms = [Arm(name=name, architecture=unused, optimizer=unused) for name in names]
    return study.model_copy(
        update={"arms": arms, "grid": None, "claims": list(claims), "stopping": Stopping()}
    )


def _curves(recorded: Recorded, arms: Sequence[str]) -> Curves:
    """The curves of some arms, by the names that they have in the comparison."""
    own = recorded.curves[recorded.curves["arm"].isin(arms)]
    curves = study_curves(recorded.study, recorded.trials, own)
    return {
        (side_name(arm, recorded.label), replicate): c for (arm, replicate), c in curves.items()
    }


def _same_values(claim: str, values: Sequence[SideValue]) -> bool:
    """Whether every trial of one side has a partner with the same value, or none got there."""
    sides = [
        {v.replicate: v.measured for v in values if v.claim == claim and v.side == side}
        for side in (0, 1)
    ]
    return bool(sides[0]) and sides[0] == sides[1]


def _sameness(before: Recorded, after: Recorded, arm: str, curves: Curves) -> ArmSameness:
    compared, found = 0, []
    for replicate in _shared_replicates(before, after, arm):
        pair = [curves.get((side_name(arm, one.label), replicate)) for one in (before, after)]
        if pair[0] is None or pair[1] is None:
            continue
        compared += 1
        rows = [_rows(curve.epoch.tolist(), curve.columns) for curve in pair if curve is not None]
        difference = first_difference(rows[0], rows[1])
        if difference is not None:
            found.append((replicate, difference))
    first = found[0] if found else (None, None)
    return ArmSameness(arm, compared, compared - len(found), *first)


def _rows(epochs: Sequence[int], columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A curve's results row by row; None where a number is not finite."""
    values = {name: columns[name].tolist() for name in RESULT_COLUMNS}
    return [
        {"epoch": epoch}
        | {name: None if own[i] != own[i] else own[i] for name, own in values.items()}
        for i, epoch in enumerate(epochs)
    ]


def _environment(before: Recorded, after: Recorded) -> dict[str, list[str]]:
    """By key, the values of each side where the two sides differ."""
    keys = differences([*before.environments, *after.environments])
    found = {}
    for key in keys:
        sides = [
            " or ".join(sorted({str(e.get(key)) for e in one.environments})) or "not known"
            for one in (before, after)
        ]
        if sides[0] != sides[1]:
            found[key] = sides
    return found


def _notices(
    before: Recorded, after: Recorded, arms: Sequence[str], *, is_paired: bool
) -> Iterator[str]:
    names = [one.study.study.name for one in (before, after)]
    if names[0] != names[1]:
        yield said(
            "these are results of two studies, {before} and {after}",
            before=names[0],
            after=names[1],
        )
    for one, other in ((before, after), (after, before)):
        alone = [a.name for a in one.study.all_arms if a.name not in arms]
        missing = [name for name in alone if name not in {a.name for a in other.study.all_arms}]
        if missing:
            yield said(
                "only {which} has the arms {arms}: they are not compared",
                which=one.label,
                arms=", ".join(missing),
            )
        untrained = [name for name in alone if name not in missing]
        if untrained:
            yield said(
                "not trained on both sides, and not compared: {arms}", arms=", ".join(untrained)
            )
        failed = int((one.trials["status"] == "failed").sum())
        if failed:
            yield said(
                "{n} trials failed in {which} and are not compared", n=failed, which=one.label
            )
    if not is_paired:
        yield N_("the seeds differ: trials are compared as two samples, not in pairs")
    for arm in arms:
        changed = _changed_settings(before.study, after.study, arm)
        if changed:
            yield said(
                "{arm} has other settings in {which}: {settings}",
                arm=arm,
                which=after.label,
                settings=", ".join(changed),
            )


def _changed_settings(before: Study, after: Study, name: str) -> list[str]:
    """What of an arm's settings is not the same, but for its name."""
    sides = []
    for study in (before, after):
        arm = _arm(study, name)
        sides.append(
            {
                "architecture": arm.architecture,
                "optimizer": arm.optimizer,
                "epochs": study.epochs_of(arm),
                "batch_size": study.batch_size_of(arm),
                "precision": study.precision_of(arm),
                "data": study.data_of(arm),
                "threads": study.study.threads,
            }
        )
    return [key for key in sides[0] if sides[0][key] != sides[1][key]]
