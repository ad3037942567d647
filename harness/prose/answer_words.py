"""What the verdicts of a study say together about its question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.language import N_, _, ngettext
from harness.prose.words import (
    OUTCOMES,
    finding,
    names_of,
    outcome_words,
    reached_words,
    sentence,
    stopped,
    verdict_sentence,
)
from harness.quantities import joined, listed
from harness.verdicts import Verdict


def answering(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that answer the study's question: the claims marked so, else all of them."""
    marked = [verdict for verdict in verdicts if verdict.claim.answers_question]
    return marked or list(verdicts)


def answer_lead(verdicts: Sequence[Verdict]) -> str:
    """The first sentence of the answer: what became of the claims that answer the question."""
    chosen = answering(verdicts)
    if not chosen:
        return _("This study makes no claims, so there is nothing to decide.")
    marked, n = chosen[0].claim.answers_question, len(chosen)
    counts = Counter(verdict.outcome for verdict in chosen)
    outcome = chosen[0].outcome
    if n == 1:
        template = N_("The claim of this study is {outcome}: {meaning}.")
        if marked:
            template = N_("The claim that answers the question is {outcome}: {meaning}.")
        return _(template).format(outcome=_(outcome), meaning=outcome_words(outcome))
    if len(counts) == 1:
        both, every = _ALL_MARKED if marked else _ALL
        return _(both if n == 2 else every).format(n=n, outcome=_(outcome))
    parts = [
        ngettext("{n} is {outcome}", "{n} are {outcome}", counts[outcome]).format(
            n=counts[outcome], outcome=_(outcome)
        )
        for outcome in OUTCOMES
        if outcome in counts
    ]
    opposed, others = _MIXED_MARKED if marked else _MIXED
    template = opposed if {"supported", "contradicted"} <= counts.keys() else others
    return _(template).format(n=n, parts=listed(parts))


_ALL = (
    N_("Both claims of this study are {outcome}."),
    N_("All {n} claims of this study are {outcome}."),
)
_ALL_MARKED = (
    N_("Both claims that answer the question are {outcome}."),
    N_("All {n} claims that answer the question are {outcome}."),
)
_MIXED = (
    N_("It depends: of {n} claims of this study, {parts}."),
    N_("Of {n} claims of this study, {parts}."),
)
_MIXED_MARKED = (
    N_("It depends: of {n} claims that answer the question, {parts}."),
    N_("Of {n} claims that answer the question, {parts}."),
)


def answer_point(verdict: Verdict) -> str:
    """One claim's part of the answer: the claim as it was put, then what was found."""
    said = _("“{claim}” {verdict}").format(
        claim=_(verdict.claim.says).strip(), verdict=verdict_sentence(verdict)
    )
    return joined([said, reached_words(verdict)])


def headline(verdict: Verdict) -> str:
    """One claim's finding for a first screen, without statistics."""
    found = stopped(finding(verdict))
    begins_with_a_name = found.startswith(tuple(f"{name} " for name in names_of(verdict)))
    return joined([found if begins_with_a_name else sentence(found), reached_words(verdict)])


def answer(verdicts: Sequence[Verdict]) -> str:
    """The study's headline: what the verdicts say about its question, in plain sentences."""
    return joined([answer_lead(verdicts), *map(answer_point, answering(verdicts))])
