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
import sys
import time

import keras
import numpy as np
import tensorflow as tf


called = []


class Noise(keras.layers.Layer):
    def __init__(self, draw):
        super().__init__()
        self.draw = draw

    def get_config(self):
        return {}

    def call(self, x, training=False):
        called.append(time.perf_counter())
        return x + self.draw() if training else x


def around(middle, input_shape, classes, seeds):
    images = keras.Input(input_shape)
    init = keras.initializers.GlorotUniform(seed=seeds.init)
    dense = keras.layers.Dense(classes, "softmax", kernel_initializer=init)
    return keras.Model(images, dense(middle(keras.layers.Flatten()(images))))


def seeded(input_shape, classes, seeds):
    return around(keras.layers.Dropout(0.5, seed=seeds.dropout), input_shape, classes, seeds)


def unseeded(input_shape, classes, seeds):
    return around(keras.layers.Dropout(0.5), input_shape, classes, seeds)


def idle(input_shape, classes, seeds):
    rows = keras.layers.Reshape((8, 8))
    return around(lambda x: keras.layers.GRU(4)(rows(x)), input_shape, classes, seeds)


def by_keras(input_shape, classes, seeds):
    return around(Noise(lambda: keras.random.normal((64,))), input_shape, classes, seeds)


def by_tensorflow(input_shape, classes, seeds):
    return around(Noise(lambda: tf.random.normal((64,))), input_shape, classes, seeds)


def by_numpy(input_shape, classes, seeds):
    noise = Noise(lambda: np.random.normal(size=64).astype("float32"))
    return around(noise, input_shape, classes, seeds)


def by_number(input_shape, classes, seeds):
    noise = Noise(lambda: keras.random.normal((64,), seed=seeds.dropout))
    return around(noise, input_shape, classes, seeds)


def build(input_shape, classes, seeds):
    layers = [keras.Input(input_shape), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, "softmax")])


def broken(input_shape, classes, seeds):
    raise RuntimeError("no luck")


class Ends(Noise):
    def get_config(self):
        sys.exit(3)


def ends(input_shape, classes, seeds):
    return around(Ends(lambda: 0.0), input_shape, classes, seeds)


def ends_when_called(input_shape, classes, seeds):
    return around(Noise(lambda: sys.exit(3)), input_shape, classes, seeds)


def eager(input_shape, classes, seeds):
    return around(Noise(lambda: tf.random.normal((64,)).numpy()), input_shape, classes, seeds)
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


def test_what_an_own_model_draws_follows_its_streams_whatever_was_traced_before(
    tmp_path: Path,
) -> None:
    """No seed, seeds that became constants of a graph: the same trial gives the same curve."""
    found = told_by(
        tmp_path,
        """
        from harness.training import trial

        found = {}
        for name in ("seeded", "unseeded", "by_keras", "by_tensorflow", "by_numpy", "by_number"):
            own = replace(job, architecture=(f"own:{name}", {}))
            kept = len(trial._compiled)
            trials = [train_trial(own, s) for s in (seeds, replace(seeds, dropout=9), seeds)]
            found[name] = {
                "unseeded": describe_arm(own).identity.get("unseeded"),
                "losses": [[row["loss"] for row in t.rows] for t in trials],
                "kept": len(trial._compiled) - kept,
            }
        print(json.dumps(found))
        """,
    )
    for name, one in found.items():
        first, other, again = one["losses"]
        assert first == again != other, name
        assert len(first) == 2, name
    kept = {name: one["kept"] for name, one in found.items()}
    assert kept == {
        "seeded": 1,
        "unseeded": 1,
        "by_keras": 0,
        "by_tensorflow": 0,
        "by_numpy": 2,
        "by_number": 2,
    }
    marked = {name: one["unseeded"] for name, one in found.items()}
    assert marked == dict.fromkeys(found, "dropout") | {"seeded": None, "by_number": None}


def test_a_seed_generator_that_draws_nothing_is_no_reason_to_train_anew(tmp_path: Path) -> None:
    """Keras' recurrent layers have one also where nothing is dropped."""
    script = "print(json.dumps(describe_arm(job).identity))"
    assert "unseeded" not in told_by(tmp_path, script, architecture="own:idle")


def test_a_model_that_cannot_be_compiled_is_found_before_it_is_trained(tmp_path: Path) -> None:
    script = """
        try:
            describe_arm(job)
        except Exception as error:
            print(json.dumps([type(error).__name__, str(error)]))
        """
    kind, told = told_by(tmp_path, script, architecture="own:eager")
    assert kind == "CatalogError"
    assert told.startswith("the model cannot be compiled by TensorFlow: ")


@pytest.mark.parametrize("architecture", ["own:ends", "own:ends_when_called"])
def test_a_model_that_ends_its_process_is_a_failed_trial(tmp_path: Path, architecture: str) -> None:
    script = """
        outcome = train_trial(job, seeds)
        print(json.dumps([outcome.status, outcome.error]))
        """
    status, told = told_by(tmp_path, script, architecture=architecture)
    assert status == "failed"
    assert "SystemExit: 3" in told


def test_tracing_is_over_before_the_first_epoch_is_timed(tmp_path: Path) -> None:
    """Only the first trial of an arm in each process pays for it, so no epoch's seconds may."""
    script = """
        import time

        describe_arm(job)
        start = time.perf_counter()
        outcome = train_trial(job, seeds)
        print(json.dumps([outcome.setup_seconds, sys.modules["own"].called[-1] - start]))
        """
    setup, traced = told_by(tmp_path, script, architecture="own:by_keras")
    assert 0 < traced < setup


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


def test_a_trial_is_not_computed_elsewhere_than_its_arm_was_built(tmp_path: Path) -> None:
    """A cluster may have machines with a GPU and others without."""
    error = told_by(
        tmp_path,
        """
        job = replace(job, found=describe_arm(job).digests | {"device": "gpu"})
        outcome = train_trial(job, seeds)
        assert outcome.status == "failed"
        print(json.dumps(outcome.error))
        """,
    )
    assert "this worker computes on its cpu, but the arm was built on a gpu" in error
