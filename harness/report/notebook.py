"""How studies and results show in a notebook: a piece of HTML without outside resources."""

from __future__ import annotations

from harness.analyses.overview import Overview, spec_words
from harness.prose import answer_words, words
from harness.prose.notices import study_notices
from harness.report.frame import templates
from harness.report.tables import verdict_details
from harness.results import Results


def study_html(found: Overview, scale: str) -> str:
    """A study before its results: question, arms, claims.

    Args:
        found: The study at a glance.
        scale: How large it is, in words.
    """
    study = found.loaded.study
    arms = [
        [one.arm.name, spec_words(one.arm.architecture), spec_words(one.arm.optimizer)]
        for one in found.arms
    ]
    page = templates().get_template("notebook_study.html.j2")
    return page.render(question=study.study.question, scale=scale, arms=arms, claims=study.claims)


def results_html(results: Results, state: str) -> str:
    """The answer, the verdicts, and what a reader must know.

    Args:
        results: A study's outcome.
        state: How far the study is trained, in words.
    """
    page = templates().get_template("notebook_results.html.j2")
    return page.render(
        question=results.loaded.study.study.question,
        lead=answer_words.answer_lead(results.verdicts),
        state=state,
        verdicts=[verdict_details(verdict) for verdict in results.verdicts],
        marks=words.MARKS,
        notices=study_notices(results),
    )
