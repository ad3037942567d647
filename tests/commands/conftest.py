"""A small study that is really trained once, and a way to run commands in this process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from tests.patience import PATIENCE

ROOT = Path(__file__).parent.parent.parent
MAIN_STUDY = ROOT / "studies" / "convergence.toml"

STUDY = """
[study]
name = "tiny"
question = "Is the MLP better than a linear model?"
replicates = 8
epochs = 2

[data]
name = "digits"
train = 400
validation = 200

[[arms]]
name = "linear"
architecture = "linear"
optimizer = { name = "sgd", learning_rate = 0.01 }

[[arms]]
name = "mlp"
architecture = { name = "mlp", hidden = [64], dropout = 0.0 }
optimizer = { name = "adam", learning_rate = 0.01 }

[[claims]]
id = "mlp-better"
says = "The MLP ends above the linear model."
compare = ["mlp", "linear"]
measure = { kind = "final" }
expect = "greater"
margin = 0.01
answers_question = true

[[claims]]
id = "linear-better"
says = "The linear model ends above the MLP."
compare = ["linear", "mlp"]
measure = { kind = "final" }
expect = "greater"
margin = 0.01

[[claims]]
id = "never"
says = "The MLP gets to 99.9 % later."
compare = ["mlp", "linear"]
measure = { kind = "epochs_to", target = 0.999 }
expect = "greater"
margin = 1
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Ran:
    """Run a command in this process; what it raises is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def bench(*arguments: object, cwd: Path | None = None) -> Ran:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE, cwd=cwd
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Trained:
    """A trained study: its file, its reports folder, and how the run ended."""

    file: Path
    reports: Path
    ran: Ran

    @property
    def folder(self) -> Path:
        """The results folder."""
        return self.reports / "tiny"

    @property
    def where(self) -> list[object]:
        """The arguments that name the study and its results."""
        return [self.file, "--reports", self.reports]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The study above, trained for real by ``bench study --gate``."""
    folder = tmp_path_factory.mktemp("tiny")
    file = folder / "tiny.toml"
    file.write_text(STUDY, encoding="utf-8")
    reports = folder / "reports"
    ran = bench("study", file, "--reports", reports, "--gate", "--json", folder / "run.json")
    return Trained(file, reports, ran)
