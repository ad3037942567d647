"""The options that several commands share: one name, one meaning, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.commands.terminal import leave_output_to_machines
from harness.language import Language


def _json_file(file: Path | None) -> Path | None:
    if file == Path("-"):
        leave_output_to_machines()
    return file


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's TOML file.")]
Profile = Annotated[
    str | None, typer.Option("--profile", help="A profile of the study, e.g. smoke or full.")
]
Reports = Annotated[
    Path, typer.Option("--reports", help="Folder that holds one results folder a study.")
]
REPORTS = Path("reports")
StoreAddress = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="A team's database that holds the results, instead of a file below --reports: "
        "postgresql+psycopg://USER@HOST/DATABASE; BENCH_STORE of the environment if not given.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Worker processes; as many as cores if not given."),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code",
        help="Run code that the study names though it, or the study file, lies outside the project "
        "you work in.",
    ),
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=_json_file,
        help="Write the result as JSON to a file, too; - is standard output.",
    ),
]
Lang = Annotated[
    Language,
    typer.Option(
        "--lang",
        help="Language of the page; one other than English stands beside it, as in report.ja.html.",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but the answer and errors.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more on the way.")]
