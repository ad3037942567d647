"""Sessions: what CI runs, each also by itself, e.g. ``nox -s tests``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nox

nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "study", "report", "docs", "speed"]

LEAST_COVERED = {"statements": 95.0, "branches": 90.0}
# One process more than cores, since many tests wait for others; the cap spares memory.
SIDE_BY_SIDE = ["-n", str(min(os.cpu_count() or 1, 4) + 1), "--dist", "worksteal"]
SMOKE = ["studies/convergence.toml", "--profile", "smoke"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the import contract, and code that nothing uses."""
    session.install("-c", "constraints.txt", "-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("vulture")


@nox.session
def types(session: nox.Session) -> None:
    """Static types, strict."""
    session.install("-c", "constraints.txt", "-e", ".[types,dask,docs,parquet,test]")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but the slow ones; real training and a real browser included."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", *SIDE_BY_SIDE, "-m", "not slow", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that take longer than a CI run should."""
    session.install("-c", "constraints.txt", "-e", ".[test]")
    session.run("pytest", "-m", "slow", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Lines and branches of harness/ that the tests reach, in the processes they start, too."""
    session.install("-c", "constraints.txt", "-e", ".[test,quality]")
    session.run("coverage", "erase")
    quick = ["-m", "pytest", *SIDE_BY_SIDE, "-m", "not slow"]
    session.run("coverage", "run", *quick, *session.posargs)
    session.run("coverage", "combine")
    session.run("coverage", "report", "--skip-covered")
    session.run("coverage", "json", "-q")
    totals = json.loads(Path("coverage.json").read_text(encoding="utf-8"))["totals"]
    for what, least in LEAST_COVERED.items():
        reached = totals[f"percent_{what}_covered"]
        if reached < least:
            session.error(f"{reached:.1f} % of all {what} are covered, less than {least} %")


@nox.session
def mutation(session: nox.Session) -> None:
    """Do the tests notice a wrong sign in stats/ or verdicts.py? Hours; then `mutmut results`."""
    session.install("-c", "constraints.txt", "-e", ".[test,quality]")
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "export-cicd-stats")


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
def messages(session: nox.Session) -> None:
    """The catalogs of translations, brought up to date with the code."""
    session.install("-c", "constraints.txt", "-e", ".")
    session.run("python", "-m", "tests.messages")


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


# What reports/ holds: study, profile, and the minutes that two cores need for it.
PUBLISHED = {
    "convergence": ("convergence", None, 15),
    "convergence-full": ("convergence", "full", 330),
    "randomness": ("randomness", None, 30),
    "randomness-full": ("randomness", "full", 60),
    "optimizers": ("optimizers", None, 20),
    "precision": ("precision", None, 20),
    "overfitting": ("overfitting", None, 20),
    "fashion": ("fashion", None, 20),
    "cifar10": ("cifar10", None, 25),
}


@nox.session
def reproduce(session: nox.Session) -> None:
    """The published studies, all or by name: nox -s reproduce -- overfitting fashion.

    What is trained already is kept: a session that was stopped goes on where it was. Data are
    fetched first, so that hours of training do not end for want of a file.
    """
    chosen = session.posargs or list(PUBLISHED)
    unknown = sorted(set(chosen) - PUBLISHED.keys())
    if unknown:
        session.error(f"no published study: {', '.join(unknown)}; there are {', '.join(PUBLISHED)}")
    minutes = sum(PUBLISHED[name][2] for name in chosen)
    session.log(f"{', '.join(chosen)}: about {minutes} minutes on two cores")
    session.install("-c", "constraints.txt", ".")
    for data in ("mnist", "fashion-mnist", "cifar10"):
        session.run("bench", "data", "fetch", data)
    for name in chosen:
        study, profile, minutes = PUBLISHED[name]
        session.log(f"{name}: about {minutes} minutes")
        options = [] if profile is None else ["--profile", profile]
        session.run("bench", "study", f"studies/{study}.toml", *options)
