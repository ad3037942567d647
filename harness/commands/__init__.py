"""The commands, a module a family: parse, call, print. No logic lives here.

A family is a `typer.Typer` named ``app``; `harness.cli` lists them. Heavy modules are imported
inside the commands, so that ``bench --help`` answers at once.
"""
