"""The command line: the families of commands, put together.

A further family is a module of `harness.commands` with an ``app``, and a line here.
"""

from __future__ import annotations

import sys

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
app.callback()(terminal.reset)
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
