"""The command line: the families of commands, put together.

A further family is a module of `harness.commands` with an ``app``, and a line here.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from harness.commands import (
    analyzing,
    comparing,
    data,
    doctoring,
    exporting,
    judging,
    reading,
    showing,
    storing,
    studying,
    terminal,
    verifying,
    writing,
)

app = typer.Typer(
    help="Statistical benchmarking of training runs: what is real, what is noise, and what the "
    "data cannot tell.",
    epilog=terminal.EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(wanted: bool) -> None:
    """Print which version this is and end."""
    if wanted:
        typer.echo(f"bench {version('training-bench')}")
        raise typer.Exit


@app.callback()
def _begin(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    terminal.reset()


for family in (
    studying,
    showing,
    reading,
    exporting,
    judging,
    analyzing,
    comparing,
    verifying,
    writing,
    doctoring,
    storing,
    data,
):
    app.add_typer(family.app)


if __name__ == "__main__":
    sys.exit(app())
