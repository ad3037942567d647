"""``bench doctor``: is this machine fit for a study, and if not, what would mend it?"""

from __future__ import annotations

import typer

from harness.commands import terminal
from harness.commands.options import REPORTS, Json, Reports
from harness.commands.results import write_json

app = typer.Typer()

_MARKS = {"fine": ("✓", "green"), "notice": ("!", "yellow"), "broken": ("✗", "red")}


@app.command()
def doctor(*, reports: Reports = REPORTS, json: Json = None) -> None:
    """Look at this machine and say what to fix.

    Exit codes: 0 studies can run, 1 something prevents it.
    """
    from dataclasses import asdict

    from rich.text import Text

    from harness.running.doctor import examine

    with terminal.plain_errors():
        checks = []
        for check in examine(reports, terminal.cores()):
            checks.append(check)
            mark, style = _MARKS[check.state]
            line = Text.assemble((mark, style), f" {check.name}: {check.found}")
            terminal.console.print(line, soft_wrap=True)
            if check.fix:
                terminal.answer(f"    {check.fix}")
        broken = [check.name for check in checks if check.state == "broken"]
        write_json(json, {"fit": not broken, "checks": [asdict(check) for check in checks]})
        if broken:
            terminal.fail_with(terminal.TRIALS_FAILED, f"studies cannot run: {', '.join(broken)}")
        terminal.answer("Studies can run here.")
