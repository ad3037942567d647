"""Small real studies: a file, a model of the user's own, and ways to run them."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from harness.gather import gather
from harness.plan import seeds_of
from harness.results import Results
from harness.running.progress import LineView
from harness.running.session import RunSummary, run_study
from harness.store import Store
from harness.study_file import load_study
from tests.patience import wait_for

STUDY = """
[study]
name = "tiny"
question = "Is the MLP better than a linear model?"
replicates = {replicates}
epochs = {epochs}
threads = {threads}

[data]
name = "digits"
train = 400
validation = 200

[[arms]]
name = "linear"
architecture = "linear"
optimizer = {{ name = "sgd", learning_rate = 0.1 }}

[[arms]]
name = "own"
architecture = {architecture}
optimizer = {{ name = "adam", learning_rate = {rate} }}

[[claims]]
id = "better"
says = "The MLP ends above the linear model."
compare = ["own", "linear"]
measure = {{ kind = "final" }}
expect = "greater"
margin = 0.01
"""

MODEL = '''
import os, signal
import keras
import numpy as np

def build(input_shape, classes, seeds):
    """A small MLP; where asked to, it fails for one seed."""
    {trouble}
    noise = np.random.random()  # a draw from numpy's global state, without a seed of its own
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Flatten(),
        keras.layers.Dense(16, "relu", kernel_initializer=keras.initializers.RandomUniform(
            -0.1 - noise / 100, 0.1, seed=seeds.init)),
        keras.layers.Dropout({dropout}, seed=seeds.dropout),
        keras.layers.Dense(classes, "softmax", kernel_initializer="glorot_uniform"),
    ])
'''


class Project:
    """A folder with a study file, the user's model, and the results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "tiny.toml"
        self.reports = folder / "reports"
        self.scratch = folder / "scratch"  # where the command keeps its temporary files
        self.scratch.mkdir()
        self.settings = {
            "replicates": 2,
            "epochs": 2,
            "threads": 1,
            "architecture": '"mlp"',
            "rate": 0.001,
        }

    def write(self, **changes: object) -> Project:
        """Write the study file."""
        self.settings |= changes
        self.file.write_text(STUDY.format(**self.settings), encoding="utf-8")
        return self

    def take(self, other: Project) -> Project:
        """Begin with the study and the results of another project."""
        shutil.copytree(other.reports, self.reports)
        shutil.copy(other.file, self.file)
        self.settings = dict(other.settings)
        return self

    def write_model(self, trouble: str = "pass", dropout: float = 0.5) -> None:
        """Write the module of the user's own model."""
        text = MODEL.format(trouble=trouble, dropout=dropout)
        (self.folder / "own_models.py").write_text(text, encoding="utf-8")

    @property
    def store_file(self) -> Path:
        return self.reports / "tiny" / "results.db"

    def run(self, workers: int = 1, reports: Path | None = None) -> tuple[RunSummary, str]:
        """Train in this process; returns the summary and what was printed."""
        loaded = load_study(self.file, allow_code=True)
        file = (reports or self.reports) / "tiny" / "results.db"
        console = Console(file=io.StringIO(), record=True, width=200)
        with Store(file) as store:
            summary = run_study(loaded, store, workers=workers, view=LineView(console))
        return summary, console.export_text()

    def results(self, reports: Path | None = None) -> Results:
        """What is stored, measured and decided."""
        with Store((reports or self.reports) / "tiny" / "results.db") as store:
            return gather(load_study(self.file), store)

    def curves(self, reports: Path | None = None) -> pd.DataFrame:
        """The stored curves without what a clock measured."""
        return self.results(reports).curves.drop(columns=["seconds", "cpu_seconds"])

    def command(self, *arguments: str, name: str = "study") -> list[str]:
        """The command line of ``bench study``, or of another command on it."""
        bench = [sys.executable, "-m", "harness.cli", name, str(self.file)]
        return [*bench, "--reports", str(self.reports), *arguments]

    def start(
        self, *arguments: str, name: str = "study", **variables: str
    ) -> subprocess.Popen[str]:
        """Start ``bench study``, or another command on it, in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments, name=name),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(self.scratch), **variables},
        )

    def finished(self) -> int:
        """How many trials are stored."""
        if not self.store_file.is_file():
            return 0
        with Store(self.store_file) as store:
            return len(store.trials())

    def check_that_it_goes_on(self, trials: int, elsewhere: Path) -> None:
        """Train what is missing: no more than that, and to the bits of a run undisturbed."""
        kept = self.finished()
        summary, _ = self.run(2)
        assert (summary.trained, summary.reused) == (trials - kept, kept)
        self.check_that_it_is_as_undisturbed(elsewhere)

    def check_that_it_is_as_undisturbed(self, elsewhere: Path) -> None:
        """Hold the stored curves against those of a run that nobody disturbs."""
        whole = elsewhere / "uninterrupted"
        self.run(2, whole)
        pd.testing.assert_frame_equal(self.curves(), self.curves(whole), check_exact=True)

    def wait_for(self, trials: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many trials are stored."""

        def are_stored() -> bool:
            if self.finished() >= trials:
                return True
            assert process.poll() is None, process.communicate()[0]
            return False

        wait_for(are_stored)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).write()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small study, trained once for all tests that begin where it has ended; left as it is."""
    project = Project(tmp_path_factory.mktemp("tiny")).write()
    project.run()
    return project


@pytest.fixture
def trained(project: Project, tiny: Project) -> Project:
    return project.take(tiny)


def seed_of(project: Project, replicate: int) -> int:
    """The seed from which a replicate's weights are drawn."""
    return seeds_of(load_study(project.file).study, replicate).init


def living(group: int) -> bool:
    """Whether any process of a group is alive."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


__all__ = ["Project", "living", "seed_of"]
