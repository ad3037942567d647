"""Sessions: what CI runs, each also by itself, e.g. ``nox -s tests``."""

from __future__ import annotations

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "study", "report", "docs", "speed"]

SMOKE = ["studies/convergence.toml", "--profile", "smoke"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style and the import contract."""
    session.install("-c", "constraints.txt", "-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strict."""
    session.install("-c", "constraints.txt", "-e", ".[types,dask,docs,parquet,test]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones; real training and a real browser included."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that take longer than a CI run should."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def calibration(session: nox.Session) -> None:
    """Error rates of the statistics on data of known truth, into reports/calibration."""
    session.install("-c", "constraints.txt", "-e", ".")
    session.run("python", "-m", "benchmarks.calibration", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """The speed of the harness, as ratios; on a quiet machine (see benchmarks/README.md)."""
    session.install("-c", "constraints.txt", "-e", ".")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def speed(session: nox.Session) -> None:
    """A quick check that a small study is no slower than a loop written by hand."""
    session.install("-c", "constraints.txt", "-e", ".")
    session.run("python", "-m", "benchmarks", "--quick", "--fail-below", "1", "small study")


@nox.session
def study(session: nox.Session) -> None:
    """The smoke profile of the main study, end to end, on the installed package."""
    session.install("-c", "constraints.txt", ".")
    session.run("bench", "study", *SMOKE, "--reports", session.create_tmp())


@nox.session
def report(session: nox.Session) -> None:
    """A report from a store: trained once, then rebuilt without training."""
    session.install("-c", "constraints.txt", ".")
    reports = session.create_tmp()
    session.run("bench", "study", *SMOKE, "--reports", reports)
    session.run("bench", "report", *SMOKE, "--reports", reports)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, into site/: strict, and with nothing loaded from other hosts."""
    session.install("-c", "constraints.txt", "-e", ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"})
