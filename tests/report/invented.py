"""Studies that were never trained: seeded curves, decided and reported by the real code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.measures import CURVE_COLUMNS
from harness.results import ArmDescription, Results, curves_by_trial
from harness.samples import side_values
from harness.study_file import load_study
from harness.verdicts import decide


@dataclass(frozen=True)
class Shape:
    """How an arm learns: accuracy = level - gap * exp(-epoch / pace), with noise per seed."""

    level: float = 0.97
    pace: float = 2.0
    overfits: float = 0.0
    seconds: float = 2.0
    diverges: Mapping[int, int] | None = None


SHAPES = (
    Shape(0.955, 1.6, overfits=0.02, seconds=1.2),
    Shape(0.955, 1.8, seconds=1.3),
    Shape(0.968, 4.2, seconds=6.1),
    Shape(0.969, 1.5, overfits=0.006, seconds=6.4),
)


def curve(shape: Shape, epochs: int, rng: np.random.Generator) -> pd.DataFrame:
    """One trial's rows without its names."""
    epoch = np.arange(1, epochs + 1)
    pace = shape.pace * rng.uniform(0.8, 1.25)
    miss = (1 - shape.level) * rng.uniform(0.85, 1.15) + 0.35 * np.exp(-epoch / pace)
    jitter = rng.normal(0, 0.0025, (2, epochs))
    val_loss = 3 * miss + shape.overfits * np.maximum(epoch - 4, 0)
    seconds = shape.seconds * rng.uniform(0.95, 1.1, epochs)
    seconds[0] += 3.0
    return pd.DataFrame(
        {
            "epoch": epoch,
            "seconds": seconds,
            "cpu_seconds": seconds * 0.98,
            "loss": np.maximum(2.4 * miss - 0.06 + jitter[0], 1e-3),
            "accuracy": np.clip(1 - 0.7 * miss + 0.01 + jitter[0], 0, 1),
            "val_loss": np.maximum(val_loss + 3 * np.abs(jitter[1]), 1e-3),
            "val_accuracy": np.clip(1 - miss + jitter[1], 0, 1),
        }
    )


def diverge(rows: pd.DataFrame, at: int) -> pd.DataFrame:
    """The losses are NaN from an epoch on; the accuracy sits at one class's share (case D13)."""
    rows = rows.copy()
    rows.loc[rows["epoch"] >= at, ["loss", "val_loss"]] = math.nan
    rows.loc[rows["epoch"] >= at, ["accuracy", "val_accuracy"]] = 0.098
    return rows


def study_toml(
    arms: Sequence[str], claims: str, *, replicates: int, epochs: int, extra: str = ""
) -> str:
    """A study file with these arms; names are written as TOML strings."""
    quoted = [name.replace("\\", "\\\\").replace('"', '\\"') for name in arms]
    tables = "\n".join(
        f'[[arms]]\nname = "{name}"\narchitecture = "mlp"\n'
        'optimizer = { name = "adadelta", learning_rate = 1.0 }\n'
        for name in quoted
    )
    return f"""
[study]
name = "convergence"
question = "Does the CNN converge more slowly than the MLP, or is the difference seed noise?"
replicates = {replicates}
epochs = {epochs}
{extra}
[data]
name = "mnist-5k"

{tables}
{claims}
"""


CLAIMS = """
[[claims]]
id = "slower-to-plateau"
says = "The CNN needs more epochs than the MLP to settle at its own level."
compare = ["cnn-adadelta", "mlp-adadelta"]
measure = { kind = "epochs_to_plateau", metric = "val_accuracy", within = 0.005 }
expect = "greater"
margin = 1.0
answers_question = true

[[claims]]
id = "slower-to-target"
says = "The CNN needs more epochs than the MLP to reach 94.5 %."
compare = ["cnn-adadelta", "mlp-adadelta"]
measure = { kind = "epochs_to", target = 0.945 }
expect = "greater"
margin = 1.0
answers_question = true

[[claims]]
id = "better-in-the-end"
says = "The CNN ends with a higher validation accuracy than the MLP."
compare = ["cnn-*", "mlp-*"]
measure = { kind = "final", metric = "val_accuracy" }
expect = "greater"
margin = 0.002

[[claims]]
id = "rmsprop-overfits"
says = "With RMSprop the MLP's validation loss rises after its minimum more than with Adadelta."
compare = ["mlp-rmsprop", "mlp-adadelta"]
measure = { kind = "rise", metric = "val_loss" }
expect = "greater"
margin = 0.02

[[claims]]
id = "same-optimum"
says = "The two CNNs end practically equal."
compare = ["cnn-adadelta", "cnn-rmsprop"]
measure = { kind = "final", metric = "val_accuracy" }
expect = "equivalent"
margin = 0.005

[[claims]]
id = "out-of-reach"
says = "The CNN needs fewer epochs to 99.9 %."
compare = ["cnn-adadelta", "mlp-adadelta"]
measure = { kind = "epochs_to", target = 0.999 }
expect = "less"
margin = 1.0

[[claims]]
id = "still-rising"
says = "The MLP's validation loss is higher at the end than at epoch 5."
compare = ["mlp-rmsprop", "mlp-rmsprop"]
at_epochs = ["last", 5]
measure = { kind = "at_epoch", metric = "val_loss" }
expect = "greater"
margin = 0.0

[[claims]]
id = "slower-epochs"
says = "An epoch of the CNN takes longer."
compare = ["cnn-adadelta", "mlp-adadelta"]
measure = { kind = "seconds_per_epoch" }
expect = "greater"
margin = 0.5
"""
PAIR = """
[[claims]]
id = "{id}"
says = "{says}"
compare = ["{a}", "{b}"]
measure = {{ kind = "epochs_to", target = 0.93 }}
expect = "greater"
margin = 1.0
"""
ARMS = ("mlp-rmsprop", "mlp-adadelta", "cnn-adadelta", "cnn-rmsprop")


def make_results(
    folder: Path,
    *,
    arms: Sequence[str] = ARMS,
    shapes: Sequence[Shape] = SHAPES,
    claims: str = CLAIMS,
    replicates: int = 10,
    epochs: int = 20,
    extra: str = "",
    failed: Mapping[tuple[str, int], str] | None = None,
    exploratory: Sequence[str] = (),
    notices: Sequence[str] = (),
    is_paired: bool = True,
) -> Results:
    """Write a study file, invent its curves, and decide its claims with the real rule."""
    file = folder / "study.toml"
    file.write_text(
        study_toml(arms, claims, replicates=replicates, epochs=epochs, extra=extra),
        encoding="utf-8",
    )
    loaded = load_study(file)
    failed = failed or {}
    rng = np.random.default_rng(7)
    parts, trials = [], []
    for i, arm in enumerate(arms):
        shape = shapes[i % len(shapes)]
        for replicate in loaded.study.study.replicate_ids:
            rows = curve(shape, epochs, rng)
            lost = (shape.diverges or {}).get(replicate)
            rows = diverge(rows, lost) if lost else rows
            error = failed.get((arm, replicate))
            status = "failed" if error else "diverged" if lost else "completed"
            trials.append(
                trial_row(arm, replicate, rows, status=status, error=error, position=len(trials))
            )
            if not error:
                parts.append(rows.assign(arm=arm, replicate=replicate))
    columns = ["arm", "replicate", "epoch", *CURVE_COLUMNS]
    curves = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    table = pd.DataFrame(trials)
    diverged = table[table["status"] == "diverged"]
    by_trial = curves_by_trial(
        curves,
        dict.fromkeys(arms, epochs),
        set(zip(diverged["arm"], diverged["replicate"], strict=True)),
    )
    values = side_values(loaded.study, by_trial)
    verdicts = decide(
        loaded.study,
        values,
        confirmatory={c.id: c.id not in exploratory for c in loaded.study.claims},
        is_paired=is_paired,
    )
    return Results(
        loaded=loaded,
        curves=curves.reset_index(drop=True),
        trials=table,
        values=values,
        verdicts=verdicts,
        arms=dict.fromkeys(arms, DESCRIPTION),
        environments=[{"python": "3.11.9", "tensorflow": "2.20.0", "processor": "a <fast> one"}],
        notices=tuple(notices),
    )


DESCRIPTION = ArmDescription(
    parameters=669_706,
    layers=("Flatten", "Dense 512 relu", "Dropout 0.2", "Dense 10 softmax"),
    optimizer={"learning_rate": 1.0, "rho": 0.95, "epsilon": 1e-8},
    notes=("Adadelta's learning rate was 1.0 in its paper; Keras 3 has 0.001 as default.",),
)


def trial_row(
    arm: str, replicate: int, rows: pd.DataFrame, *, status: str, error: str | None, position: int
) -> dict[str, object]:
    """One row of the trial table, as the store gives it."""
    return {
        "arm": arm,
        "replicate": replicate,
        "status": status,
        "fingerprint": f"{position:016x}",
        "epochs": 0 if error else len(rows),
        "seconds": math.nan if error else float(rows["seconds"].sum()),
        "cpu_seconds": math.nan if error else float(rows["cpu_seconds"].sum()),
        "peak_memory_mb": 512.0,
        "threads": 1,
        "jobs": 2,
        "position": position,
        "attempts": 1,
        "error": error,
        "environment": 0,
    }
