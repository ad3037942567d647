"""``bench analyze``: the whole analysis of runs that others trained, without a study file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.commands import log_options as of_logs
from harness.commands import terminal
from harness.commands.options import Json, Lang, Quiet
from harness.commands.results import print_answer, watched, write_json
from harness.errors import UserError
from harness.language import Language

if TYPE_CHECKING:
    from harness.results import Results

app = typer.Typer()


@app.command()
def analyze(
    files: of_logs.LogFiles,
    *,
    arm_from: of_logs.ArmFrom = None,
    target: of_logs.Target = None,
    metric: of_logs.MetricName = None,
    time: of_logs.TimeName = None,
    budget: of_logs.Budget = None,
    margin: of_logs.Margin = 0.0,
    time_margin: of_logs.TimeMargin = 0.0,
    alpha: of_logs.Alpha = 0.05,
    paired: of_logs.Paired = False,
    kind: of_logs.KindName = None,
    scale: of_logs.ScaleName = None,
    restarts: of_logs.RestartsName = None,
    pauses: of_logs.PausesName = None,
    json: Json = None,
    html: of_logs.Html = None,
    lang: Lang = Language.EN,
    quiet: Quiet = False,
) -> None:
    """Compare runs that others trained, from their logs alone.

    Every pair of arms is compared on the time to the target, the final value and the time to the
    plateau; Holm's method covers all of it.
    """
    from harness.log_claims import asked_for
    from harness.logged import analyze as run
    from harness.report.log_document import analysis_document

    with terminal.plain_errors():
        terminal.set_volume(quiet=quiet, verbose=False)
        asked, reading = asked_for(
            metric=metric,
            target=target,
            time=None if time is None else time.value,
            budget=budget,
            margin=margin,
            time_margin=time_margin,
            alpha=alpha,
            paired=paired,
            kind=None if kind is None else kind.value,
            scale=None if scale is None else scale.value,
            restarts=None if restarts is None else restarts.value,
            pauses=None if pauses is None else pauses.value,
        )
        if html is not None and html.is_dir():
            raise UserError(
                f"--html {html}: is a folder; name a file in it, such as {html / 'report.html'}"
            )
        with watched() as watch:
            results = run(files, reading, asked, pattern=arm_from, watch=watch)
        _tell(results)
        write_json(json, analysis_document(results))
        if html is not None:
            _write_html(html, results, lang)


def _tell(results: Results) -> None:
    """Say what was read and what was found, or why nothing could be."""
    from harness.prose.notices import study_notices
    from harness.prose.words import sentence
    from harness.report.log_document import analysis_lines

    for notice in study_notices(results):
        terminal.say(f"note: {notice}")
    for line in analysis_lines(results):
        terminal.answer(line)
    if any(verdict.reason is None for verdict in results.verdicts):
        print_answer(results)
    elif results.verdicts:
        reason = sentence(str(results.verdicts[0].reason))
        terminal.answer(f"No claim can be tested. {reason}")


def _write_html(file: Path, results: Results, lang: Language) -> None:
    from harness.results_folder import write_page

    write_page(results, file.parent, lang).replace(file)
    terminal.say(f"report: {file}")
