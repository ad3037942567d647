"""``bench compare``: two results of a study, before and after an upgrade, say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal
from harness.commands.options import Json, Lang, Profile, Quiet, Verbose
from harness.commands.results import load, marked, write_json
from harness.language import Language

if TYPE_CHECKING:
    from harness.analyses.compare import ResultsCompared

app = typer.Typer()


@app.command()
def compare(
    a: Annotated[
        Path, typer.Argument(metavar="A", help="Results: a folder, or its results.db. The first …")
    ],
    b: Annotated[Path, typer.Argument(metavar="B", help="… and the second, held against it.")],
    *,
    margin: Annotated[
        list[str] | None,
        typer.Option(
            "--margin",
            metavar="KIND=NUMBER",
            help="A difference of a measure that does not matter, e.g. final=0.01; several if you "
            "like; those of the study's claims if none.",
        ),
    ] = None,
    times: Annotated[
        bool, typer.Option("--times", help="Compare measures in seconds, too.")
    ] = False,
    study: Annotated[
        Path | None,
        typer.Option("--study", help="The study's file, for results that do not tell it."),
    ] = None,
    profile: Profile = None,
    output: Annotated[
        Path, typer.Option("--output", help="Folder for compare.html and compare.json.")
    ] = Path("reports/compare"),
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="For CI: exit with 3 if anything changed, with 4 if a change that matters is not "
            "ruled out.",
        ),
    ] = False,
    lang: Lang = Language.EN,
    json: Json = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare two results of a study: did anything change?"""
    from harness.analyses.compare import compare_results
    from harness.analyses.compare_claims import parse_margins
    from harness.language import using
    from harness.prose.compare_words import compare_document
    from harness.recorded import labels, read_recorded
    from harness.report.compare_page import write_comparison

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=verbose)
        if profile is not None and study is None:
            terminal.fail("--profile goes with --study")
        loaded = None if study is None else load(study, profile)
        first, second = labels([a, b])
        before, after = read_recorded(a, first, loaded), read_recorded(b, second, loaded)
        found = compare_results(before, after, margins=parse_margins(margin or []), times=times)
        with using(lang):
            page = write_comparison(found, output)
        _print(found)
        terminal.say(f"report: {page}")
        write_json(json, compare_document(found))
        codes = {
            "same": terminal.FINE,
            "changed": terminal.CONTRADICTED,
            "unclear": terminal.INCONCLUSIVE,
        }
        raise typer.Exit(codes[found.standing] if gate else terminal.FINE)


def _print(found: ResultsCompared) -> None:
    from harness.prose.compare_words import (
        STANDINGS,
        compare_answer,
        comparison_line,
        environment_lines,
        sameness_line,
    )

    for notice in found.notices:
        terminal.complain(f"note: {notice}")
    for one in found.sameness:
        terminal.say(f"- {sameness_line(one)}")
    for line in environment_lines(found):
        terminal.say(f"- {line}")
    terminal.say("")
    told = [compared for compared in found.comparisons if not compared.is_identical]
    for compared in told:
        terminal.say(marked(STANDINGS[compared.standing], comparison_line(compared)))
    if told:
        terminal.say("")
    terminal.answer(compare_answer(found))
