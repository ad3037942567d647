"""``bench verify``: are the stored curves those that training gives again?"""

from __future__ import annotations

from typing import Annotated

import typer

from harness.commands import terminal
from harness.commands.options import (
    REPORTS,
    AllowCode,
    Jobs,
    Json,
    Profile,
    Reports,
    StoreAddress,
    StudyFile,
)
from harness.commands.results import load, write_json

app = typer.Typer()


@app.command()
def verify(
    file: StudyFile,
    *,
    profile: Profile = None,
    jobs: Jobs = None,
    reports: Reports = REPORTS,
    store: StoreAddress = None,
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="Stored trials to train again.")
    ] = 5,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Which trials are drawn; at random if not given."),
    ] = None,
    allow_code: AllowCode = False,
    json: Json = None,
) -> None:
    """Train some stored trials again and compare bit for bit.

    Exit codes: 0 all came out the same, or differ on another machine or version without changing a
    verdict; 1 otherwise.
    """
    import secrets

    from harness.prose.verification_words import verification_lines, verification_sentence
    from harness.results_folder import open_results, refuse_logs
    from harness.running.progress import progress_view
    from harness.running.verify import verify_study

    with terminal.plain_errors():
        loaded = load(file, profile, allow_code=allow_code)
        refuse_logs(loaded, "they cannot be trained again")
        terminal.heed_interrupts()
        with open_results(loaded, reports, store) as opened:
            found = verify_study(
                loaded,
                opened,
                sample=sample,
                seed=secrets.randbelow(2**32) if seed is None else seed,
                workers=jobs or terminal.cores(),
                view=progress_view(terminal.console),
            )
        for line in verification_lines(found):
            terminal.answer(line)
        terminal.answer(verification_sentence(found))
        write_json(json, found.document())
        raise typer.Exit(terminal.FINE if found.is_reproduced else terminal.TRIALS_FAILED)
