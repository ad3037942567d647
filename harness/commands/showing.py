"""``bench show``: a study's plan, its state and its verdicts in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from harness.commands import terminal
from harness.commands.options import REPORTS, Json, Profile, Reports, StoreAddress, StudyFile
from harness.commands.results import load, watched, write_json

if TYPE_CHECKING:
    from harness.analyses.overview import Overview

app = typer.Typer()


@app.command()
def show(
    file: StudyFile,
    *,
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    json: Json = None,
) -> None:
    """Show a study's arms, their state, and the verdicts so far."""
    from harness.analyses.overview import overview, overview_document
    from harness.results_folder import results_so_far

    with terminal.plain_errors():
        loaded = load(file, profile)
        with watched() as watch:
            results = results_so_far(loaded, reports, store, watch)
        # of logs, only the results know how many replicates there are
        found = overview(loaded if results is None else results.loaded, results)
        for part in _shown(found):
            terminal.console.print(part, markup=False, soft_wrap=isinstance(part, str))
        write_json(json, overview_document(found))


def _shown(found: Overview) -> Iterator[str | Table]:
    from harness.analyses.overview import STATES
    from harness.prose.words import sentence
    from harness.quantities import plural

    loaded, section = found.loaded, found.loaded.study.study
    profile = f", profile {loaded.profile}" if loaded.profile else ""
    yield f"{section.name}{profile}: {section.question}"
    finished, trials = found.count("completed", "diverged"), found.count(*STATES)
    data = "runs of others" if loaded.study.is_of_logs else loaded.study.data_label
    yield (
        f"{data}: {plural(len(found.arms), 'arm')} x "
        f"{plural(len(section.replicate_ids), 'replicate')}; "
        f"{finished} of {plural(trials, 'trial')} finished"
    )
    yield ""
    yield _arms(found)
    yield ""
    if found.verdicts:
        yield _claims(found)
    elif loaded.study.claims:
        yield from (f"{claim.id}: {claim.says}" for claim in loaded.study.claims)
        yield ""
    yield _standing(found)
    for notice in found.notices:
        if notice not in loaded.warnings:  # those were printed when the file was read
            yield f"- {sentence(notice)}"


def _standing(found: Overview) -> str:
    if not found.has_trials:
        return "Nothing is trained yet: `bench study` trains it, `bench plan` says how long."
    if not found.verdicts:
        return "The study claims nothing, so there are no verdicts: its report shows the curves."
    if found.is_early:
        return (
            "NOT VALID YET: the design decides when all its replicates are trained. A verdict seen "
            "earlier is no reason to stop."
        )
    return "Effects are the first side minus the second; p is adjusted over all claims (Holm)."


def _arms(found: Overview) -> Table:
    from harness.analyses.overview import STATES, arm_words

    states = [state for state in STATES if found.count(state)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("arm", overflow="fold", min_width=12)
    table.add_column("what it is", overflow="fold")
    for title in ("epochs", *states):
        table.add_column(title, justify="right")
    for one in found.arms:
        table.add_row(
            Text(one.arm.name),
            Text(arm_words(one.arm)),
            "" if one.arm.logs is not None else str(one.epochs),
            *(str(one.trials[state] or "") for state in states),
        )
    return table


def _claims(found: Overview) -> Table:
    from harness.prose.words import MARKS, decimals_of, effect_words
    from harness.quantities import p_value, span

    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    longest = max(len(name) for name in found.verdicts)
    table.add_column("", no_wrap=True)
    # on a narrow terminal words are broken, and no number is
    table.add_column("verdict", overflow="fold", min_width=13)
    table.add_column("claim", overflow="fold", no_wrap=longest <= 22, min_width=10)
    for title in ("effect", "interval"):
        table.add_column(title, no_wrap=True)
    for title in ("adjusted p", "n"):
        table.add_column(title, justify="right", no_wrap=True)
    for verdict in found.verdicts.values():
        style = terminal.OUTCOME_STYLES[verdict.outcome]
        exploratory = "" if verdict.confirmatory or found.is_early else " (exploratory)"
        table.add_row(
            Text(MARKS[verdict.outcome], style=style),
            Text(verdict.outcome + exploratory, style=style),
            Text(verdict.claim.id),
            effect_words(verdict),
            span(verdict.interval, verdict.claim.measure.unit, decimals_of(verdict)),
            p_value(verdict.deciding[1], verdict.alpha),
            str(verdict.n),
        )
    return table
