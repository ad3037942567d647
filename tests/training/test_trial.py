"""One trial from end to end, in a process that TensorFlow has to itself."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

JOB = """
import json
import sys
from dataclasses import replace
from pathlib import Path

from harness.plan import ArmJob, Seeds
from harness.training.trial import describe_arm, train_trial

job = ArmJob(
    architecture=("{architecture}", {{}}),
    optimizer=("sgd", {{"learning_rate": {rate}}}),
    data={{"name": "digits", "train": 200, "validation": 100}},
    folder=Path(sys.argv[1]),
    epochs=2,
    batch_size=32,
    precision="float32",
    threads=1,
    deterministic=True,
    device="cpu",
)
seeds = Seeds(1, 2, 3, 4)
"""

OWN = """
import keras


def build(input_shape, classes, seeds):
    layers = [keras.Input(input_shape), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, "softmax")])


def broken(input_shape, classes, seeds):
    raise RuntimeError("no luck")
"""


def told_by(folder: Path, script: str, **settings: Any) -> Any:
    """What a script prints as JSON in its last line."""
    (folder / "own.py").write_text(OWN, "utf-8")
    head = JOB.format(**{"architecture": "linear", "rate": 0.1} | settings)
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_trial_is_described_trained_and_repeated_bit_for_bit(tmp_path: Path) -> None:
    """The second and third trial reuse what was compiled for the first; other seeds, other bits."""
    found = told_by(
        tmp_path,
        """
        described = describe_arm(job)
        job = replace(job, found=described.digests)
        outcomes = [train_trial(job, s) for s in (seeds, Seeds(5, 2, 3, 4), seeds)]
        print(json.dumps({
            "identity": described.identity,
            "description": described.description,
            "statuses": [o.status for o in outcomes],
            "losses": [[row["val_loss"] for row in o.rows] for o in outcomes],
            "seconds": [[o.setup_seconds, o.seconds, o.cpu_seconds] for o in outcomes],
            "memory": outcomes[-1].peak_memory_mb,
        }))
        """,
    )
    assert found["statuses"] == ["completed"] * 3
    first, other, again = found["losses"]
    assert first == again != other
    assert len(first) == 2
    assert found["description"]["parameters"] == 650
    assert found["identity"]["device"] == "cpu"
    assert "source" not in found["identity"]
    assert all(0 <= setup < whole for setup, whole, _ in found["seconds"])
    assert found["memory"] > 50


def test_a_trial_that_diverges_ends_with_the_epoch_in_which_it_does(tmp_path: Path) -> None:
    script = """
        outcome = train_trial(job, seeds)
        print(json.dumps([outcome.status, outcome.rows[-1]["loss"], len(outcome.rows)]))
        """
    assert told_by(tmp_path, script, architecture="mlp", rate=1e30) == ["diverged", None, 1]


@pytest.mark.parametrize(
    ("architecture", "changed", "told"),
    [
        ("own:broken", "{}", "RuntimeError: no luck"),
        ("own:build", '{"data": "other"}', "data of the arm changed while the study ran"),
        ("own:build", '{"source": "other"}', "source of the arm changed while the study ran"),
    ],
)
def test_a_trial_that_fails_brings_its_traceback(
    tmp_path: Path, architecture: str, changed: str, told: str
) -> None:
    script = f"""
        outcome = train_trial(replace(job, found={changed}), seeds)
        print(json.dumps([outcome.status, outcome.error, outcome.rows]))
        """
    status, error, rows = told_by(tmp_path, script, architecture=architecture)
    assert (status, rows) == ("failed", [])
    assert "Traceback" in error
    assert told in error


def test_loading_tensorflow_leaves_out_what_no_trial_needs(tmp_path: Path) -> None:
    """Keras would import them; a user's model still can."""
    script = """
        from harness.training.trial import start

        start(job)
        names = ["matplotlib", "sklearn"]
        loaded = [name in sys.modules for name in names]
        print(json.dumps([loaded, [__import__(name).__name__ for name in names]]))
        """
    assert told_by(tmp_path, script) == [[False, False], ["matplotlib", "sklearn"]]


def test_the_graphs_of_an_arm_that_is_no_longer_kept_are_freed(tmp_path: Path) -> None:
    """They are left out of collections while they are kept."""
    script = """
        import gc
        import weakref

        from harness.training import trial

        trial.MOST_COMPILED = 1
        outcomes = [train_trial(job, seeds) for _ in range(2)]
        kept = weakref.ref(next(iter(trial._compiled.values())))
        frozen = not any(found is kept() for found in gc.get_objects())
        other = replace(job, batch_size=64)
        outcomes += [train_trial(other, seeds) for _ in range(2)]
        print(json.dumps([frozen, kept() is None, [o.status for o in outcomes]]))
        """
    frozen, freed, statuses = told_by(tmp_path, script)
    assert frozen
    assert freed
    assert statuses == ["completed"] * 4
