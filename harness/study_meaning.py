"""What a well-formed study can still get wrong, and what is worth knowing before it is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from harness import study as models
from harness.claims import Claim, arms_of, matching_arms
from harness.language import N_, pgettext, said
from harness.stats.planning import least_pairs
from harness.stopping import declared_looks, powerless_looks
from harness.study import Study
from harness.study_problems import Path_, Problem, dotted, nearest
from harness.study_translations import Translation


def meaning_problems(study: Study) -> list[Problem]:
    """What only a well-formed study can get wrong: names and epochs that must fit together."""
    problems: list[Problem] = []
    arms = {arm.name: arm for arm in study.all_arms}
    if not arms:
        problems.append(Problem("arms", "there are none; add [[arms]] or a [grid]"))
    if study.grid is not None and len(arms) < len(study.all_arms):
        doubled = [n for n, c in Counter(a.name for a in study.all_arms).items() if c > 1]
        told = (
            f"gives arms that exist already: {', '.join(doubled)}; give its entries labels, such "
            'as { name = "sgd", label = "fast" }'
        )
        problems.append(Problem("grid", told))
    problems += _looks_problems(study)
    for i, claim in enumerate(study.claims):
        problems += _claim_problems(study, ("claims", i), claim, arms)
    return [*problems, *_translation_problems(study)]


def _translation_problems(study: Study) -> Iterator[Problem]:
    """Whether what is translated is there."""
    ids = [claim.id for claim in study.claims]
    for language, words in translations_of(study).items():
        at = ("translations", language)
        for claim in words.claims:
            if claim not in ids:
                message = f'there is no claim "{claim}"; claims: {", ".join(ids)}'
                yield Problem(dotted((*at, "claims", claim)), message + nearest(claim, ids))
        if words.published is not None and study.published is None:
            yield Problem(dotted((*at, "published")), "the study has no [published] runs; drop it")


def translations_of(study: Study) -> dict[str, Translation]:
    """The study's own words in other languages, by language."""
    given = study.translations or ()
    return {language: words for language, words in given if words is not None}


def own_words(study: Study, language: str) -> dict[str, str]:
    """What the study says in a language, by what it says in its file."""
    words = translations_of(study).get(language)
    if words is None:
        return {}
    found = {
        claim.says: words.claims[claim.id] for claim in study.claims if claim.id in words.claims
    }
    if words.question is not None:
        found[study.study.question] = words.question
    if words.published is not None and study.published is not None:
        found[study.published.label] = words.published
    return found


def _claim_problems(
    study: Study, at: Path_, claim: Claim, arms: Mapping[str, models.Arm]
) -> Iterator[Problem]:
    """Whether the arms and epochs that a claim names are there."""
    sides = [matching_arms(pattern, list(arms)) for pattern in claim.sides]
    for side, (pattern, matched) in enumerate(zip(claim.sides, sides, strict=True)):
        key = dotted((*at, ("compare", "beyond")[side // 2], side % 2))
        if not matched:
            message = f'there is no arm "{pattern}"; arms: {", ".join(arms)}'
            yield Problem(key, message + nearest(pattern, list(arms)))
        for name in (name for name in matched if arms[name].crossed is not None):
            message = (
                f'the replicates of "{name}" share their seeds crosswise, so no claim can be '
                "tested on them; compare arms without crossed"
            )
            yield Problem(key, message)
        epoch = getattr(claim.side_measure(side), "epoch", None)
        for name in matched:
            budget = study.epochs_of(arms[name])
            if isinstance(epoch, int) and epoch > budget:
                message = f'epoch {epoch} is beyond the {budget} epochs of "{name}"'
                yield Problem(dotted((*at, "measure")), message)
    if claim.reference is None:
        yield from _overlaps(study, (*at, "compare"), claim, sides[:2], arms)
    if claim.beyond is not None:
        yield from _overlaps(study, (*at, "beyond"), claim, sides[2:], arms)


def _overlaps(
    study: Study,
    at: Path_,
    claim: Claim,
    sides: Sequence[Sequence[str]],
    arms: Mapping[str, models.Arm],
) -> Iterator[Problem]:
    """Whether two sides that are compared have an arm in common, at one epoch."""
    shared = sorted(set(sides[0]) & set(sides[1]))
    if shared and claim.at_epochs is None:
        held = ", ".join(f'"{name}"' for name in shared)
        yield Problem(dotted(at), f"both sides hold {held}: name arms of which each is on one side")
    if shared and claim.at_epochs is not None:
        last = study.epochs_of(arms[shared[0]])
        if len({last if epoch == "last" else epoch for epoch in claim.at_epochs}) == 1:
            message = f'{claim.at_epochs} are one epoch: the last of "{shared[0]}" is {last}'
            yield Problem(dotted((*at[:-1], "at_epochs")), message)


def _looks_problems(study: Study) -> Iterator[Problem]:
    looks, have = study.stopping.looks, len(study.study.replicate_ids)
    if looks is None or looks[-1] == have:
        return
    mend = f"study.replicates = {looks[-1]}"
    if study.study.seeds is not None:
        mend = f"list {looks[-1]} seeds, to whose order looks refers"
    message = f"the last look, {looks[-1]}, must be all {have} replicates: end with {have}, or "
    yield Problem("stopping.looks", message + mend)


def study_warnings(study: Study) -> Iterator[str]:
    """What is allowed, and yet not what most people want."""
    if study.is_of_logs:  # how many runs there are, and how long, shows when they are read
        return
    claims, alpha = len(study.claims), study.study.alpha
    last = declared_looks(study)[-1].level(alpha / max(claims, 1)) * max(claims, 1)
    need, have = least_pairs(max(claims, 1), last), len(study.study.replicate_ids)
    if claims and have < need:
        template = N_(
            "{n} claims at alpha {alpha} need at least {need} paired replicates (this study has "
            "{have}): no difference can be called real, however large"
        )
        if claims == 1:
            template = N_(
                "{n} claim at alpha {alpha} needs at least {need} paired replicates (this study "
                "has {have}): no difference can be called real, however large"
            )
        yield said(template, n=claims, alpha=f"{alpha:g}", need=need, have=have)
    yield from powerless_looks(study)
    if not study.study.deterministic:
        yield N_("deterministic = false: repeated trials may differ, and so may their curves")
    arms = {arm.name: arm for arm in study.all_arms}
    for claim in study.claims:
        for told in _claim_warnings(study, claim, arms):
            yield said("claim {claim}: {what}", claim=claim.id, what=told)


def _all_of(counts: Sequence[int]) -> str:
    return pgettext("between numbers of epochs", " and ").join(map(str, counts))


def _claim_warnings(study: Study, claim: Claim, arms: Mapping[str, models.Arm]) -> Iterator[str]:
    """What keeps a claim from ever being decided, or makes it another claim than it seems."""
    names = sorted(arms_of(claim.sides, list(arms)))
    budgets = {study.epochs_of(arms[name]) for name in names}
    shortest, measure = min(budgets), claim.measure
    sustain, window = getattr(measure, "sustain", 1), getattr(measure, "window", None)
    if sustain > shortest:
        yield said(
            "nothing is held for {sustain} epochs within {n}; lower sustain, or raise epochs",
            sustain=sustain,
            n=shortest,
        )
    if window is not None and 2 * window > shortest:
        yield said(
            "two windows of {window} epochs do not fit into {n}, so no curve is ever seen to "
            "settle; lower window, or raise epochs",
            window=window,
            n=shortest,
        )
    if measure.unit == "epochs" and claim.margin >= shortest:
        yield said(
            "a margin of {margin} epochs is no less than the {n} there are: every difference is "
            "within it",
            margin=f"{claim.margin:g}",
            n=shortest,
        )
    if measure.can_be_censored and len(budgets) > 1:
        yield said(
            "its arms have {budgets} epochs; if a run does not get there, all are compared up to "
            "epoch {n} at most",
            budgets=partial(_all_of, sorted(budgets)),
            n=shortest,
        )
    if getattr(measure, "clock", None) == "wall" and study.study.timing == "shared":
        yield N_(
            'elapsed seconds are taken while other trials run beside: add timing = "exclusive" to '
            '[study], or use clock = "cpu"'
        )
    still = [name for name in names if not study.streams_of(arms[name])]
    if still:
        yield said(
            'nothing is random in "{arm}" (vary = []): its replicates repeat one trial, and the '
            "claim is about that single draw",
            arm=still[0],
        )
