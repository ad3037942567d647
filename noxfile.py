"""Sessions: what CI runs, each also by itself, e.g. ``nox -s tests``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2025.2.9"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "study", "report", "docs", "speed"]

REQUIREMENTS = ["-c", "constraints.txt"]
LEAST_COVERED = {"statements": 95.0, "branches": 90.0}
# One process more than cores, since many tests wait for others; the cap spares memory.
SIDE_BY_SIDE = ["-n", str(min(os.cpu_count() or 1, 4) + 1), "--dist", "worksteal"]
SMOKE = ["studies/convergence.toml", "--profile", "smoke"]


class Environment:
    """Packages that several sessions share: in each, TensorFlow would take 2 GB and minutes."""

    def __init__(self, session: nox.Session, name: str) -> None:
        self.session = session
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.folder = Path(".nox", f"{name}-{version}").absolute()

    def install(self, *what: str) -> None:
        """Install what is not there yet; the environment is made if need be."""
        self.session.run(sys.executable, "-m", "venv", str(self.folder), silent=True)
        self.run("python", "-m", "pip", "install", *REQUIREMENTS, *what, silent=True)

    def run(self, program: str, *arguments: str, **options: Any) -> None:
        """Run a program of the environment."""
        self.session.run(str(self.folder / "bin" / program), *arguments, **options)


def sources(session: nox.Session, *extras: str) -> Environment:
    """Where these sources themselves run, with what some extras of pyproject.toml ask for."""
    environment = Environment(session, "sources")
    environment.install("-e", f".[{','.join(extras)}]" if extras else ".")
    return environment


def installed(session: nox.Session) -> Environment:
    """The package as users have it: built, and with nothing beside it."""
    environment = Environment(session, "installed")
    environment.install(".")
    return environment


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the import contract, and code that nothing uses."""
    tools = nox.project.dependency_groups(nox.project.load_toml(), "lint")
    session.install(*REQUIREMENTS, *tools)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("vulture")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Static types, strict."""
    environment = sources(session, "types", "dask", "docs", "parquet", "test")
    environment.run("mypy")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """All tests but the slow ones; real training and a real browser included."""
    environment = sources(session, "test")
    environment.run("pytest", *SIDE_BY_SIDE, "-m", "not slow", *session.posargs)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """The tests that take longer than a CI run should."""
    environment = sources(session, "test")
    environment.run("pytest", "-m", "slow", *session.posargs)


@nox.session(venv_backend="none")
def coverage(session: nox.Session) -> None:
    """Lines and branches of harness/ that the tests reach, in the processes they start, too."""
    environment = sources(session, "test", "quality")
    environment.run("coverage", "erase")
    quick = ["-m", "pytest", *SIDE_BY_SIDE, "-m", "not slow"]
    environment.run("coverage", "run", *quick, *session.posargs)
    environment.run("coverage", "combine")
    environment.run("coverage", "report", "--skip-covered")
    environment.run("coverage", "json", "-q")
    totals = json.loads(Path("coverage.json").read_text(encoding="utf-8"))["totals"]
    for what, least in LEAST_COVERED.items():
        reached = totals[f"percent_{what}_covered"]
        if reached < least:
            session.error(f"{reached:.1f} % of all {what} are covered, less than {least} %")


@nox.session(venv_backend="none")
def mutation(session: nox.Session) -> None:
    """Do the tests notice a wrong sign in stats/ or verdicts.py? A sample; or: -- --sample 12000.

    mutmut makes all mutants at its first call, whatever it is to test; then a sample is drawn.
    """
    environment = sources(session, "test", "quality")
    environment.run("mutmut", "run", "harness.stats.results.*")
    environment.run("python", "-m", "tests.mutants", *session.posargs)


@nox.session(venv_backend="none")
def calibration(session: nox.Session) -> None:
    """Error rates of the statistics on data of known truth, into reports/calibration."""
    environment = sources(session)
    environment.run("python", "-m", "benchmarks.calibration", *session.posargs)


@nox.session(venv_backend="none")
def benchmarks(session: nox.Session) -> None:
    """The speed of the harness, as ratios; on a quiet machine (see benchmarks/README.md)."""
    environment = sources(session, "test")
    environment.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def speed(session: nox.Session) -> None:
    """A quick check that a small study is no slower than a loop written by hand."""
    environment = sources(session)
    environment.run("python", "-m", "benchmarks", "--quick", "--fail-below", "1", "small study")


@nox.session(venv_backend="none")
def messages(session: nox.Session) -> None:
    """The catalogs of translations, brought up to date with the code."""
    environment = sources(session)
    environment.run("python", "-m", "tests.messages")


@nox.session(venv_backend="none")
def study(session: nox.Session) -> None:
    """The smoke profile of the main study, end to end, on the installed package."""
    environment = installed(session)
    environment.run("bench", "study", *SMOKE, "--reports", session.create_tmp())


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """A report from a store: trained once, then rebuilt without training."""
    environment = installed(session)
    reports = session.create_tmp()
    environment.run("bench", "study", *SMOKE, "--reports", reports)
    environment.run("bench", "report", *SMOKE, "--reports", reports)


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """The documentation, into site/: strict, and with nothing loaded from other hosts."""
    environment = sources(session, "docs")
    environment.run(
        "mkdocs", "build", "--strict", *session.posargs, env={"NO_MKDOCS_2_WARNING": "1"}
    )


# What reports/ is to hold: study, profile, and the minutes that two cores with AVX-512 need for it;
# without, the two at full scale take twice as long.
PUBLISHED = {
    "convergence": ("convergence", None, 10),
    "convergence-full": ("convergence", "full", 140),
    "randomness": ("randomness", None, 30),
    "randomness-full": ("randomness", "full", 60),
    "optimizers": ("optimizers", None, 20),
    "precision": ("precision", None, 20),
    "overfitting": ("overfitting", None, 20),
    "fashion": ("fashion", None, 20),
    "cifar10": ("cifar10", None, 25),
}


@nox.session(venv_backend="none")
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
    environment = installed(session)
    for data in ("mnist", "fashion-mnist", "cifar10"):
        environment.run("bench", "data", "fetch", data)
    for name in chosen:
        study, profile, minutes = PUBLISHED[name]
        session.log(f"{name}: about {minutes} minutes")
        options = [] if profile is None else ["--profile", profile]
        environment.run("bench", "study", f"studies/{study}.toml", *options)
