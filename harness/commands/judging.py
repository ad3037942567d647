"""``bench judge``: one run from elsewhere beside the runs of an arm."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands import terminal
from harness.commands.options import REPORTS, Json, Profile, Reports, StoreAddress
from harness.commands.results import load, stored, write_json

app = typer.Typer()


@app.command()
def judge(
    run: Annotated[
        Path, typer.Argument(metavar="RUN.csv", help="One run: a row an epoch, with its metrics.")
    ],
    *,
    against: Annotated[
        str, typer.Option("--against", metavar="STUDY:ARM", help="The study's file and its arm.")
    ],
    profile: Profile = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    arm: Annotated[
        str | None,
        typer.Option("--arm", help="Which run, if the file has several named in a column arm."),
    ] = None,
    json: Json = None,
) -> None:
    """Say whether a single run is a typical run of an arm."""
    from harness.analyses.judge import judge_run, judgement_document, known_arm, study_and_arm
    from harness.analyses.single_run import read_run
    from harness.prose.curve_words import judgement_sentence

    with terminal.plain_errors():
        file, name = study_and_arm(against)
        loaded, single = load(file, profile), read_run(run, arm)
        results = stored(loaded, reports, store)
        judged = judge_run(results, known_arm(results, name), single)
        for notice in single.notices:
            terminal.complain(f"{run}: {notice}")
        for judgement in judged:
            terminal.answer(judgement_sentence(judgement, run.name))
        document = {
            "run": str(run),
            "study": loaded.study.study.name,
            "profile": loaded.profile,
            "data": loaded.study.data_label,
            "arm": name,
            "judgements": [judgement_document(judgement) for judgement in judged],
        }
        write_json(json, document)
