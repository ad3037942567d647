"""Arms that vary one stream or none, really trained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from harness.analyses.randomness import experiments_of
from tests.running.conftest import Project

METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"]
ARM = """
[[arms]]
name = "{name}"
vary = {vary}
architecture = {{ name = "mlp", hidden = [16], dropout = 0.2 }}
optimizer = {{ name = "adam", learning_rate = 0.01 }}
"""


def with_sources(project: Project) -> Project:
    """The small study with an arm for some of the sources, and one that repeats itself."""
    arms = {"init": ["init"], "split": ["split"], "repeat": []}
    tables = "".join(
        ARM.format(name=name, vary=str(streams).replace("'", '"')) for name, streams in arms.items()
    )
    project.file.write_text(project.file.read_text(encoding="utf-8") + tables, encoding="utf-8")
    return project


def rows(curves: pd.DataFrame, arm: str) -> list[np.ndarray]:
    """The metrics of each replicate of an arm."""
    own = curves[curves["arm"] == arm]
    return [trial[METRICS].to_numpy() for _, trial in own.groupby("replicate")]


def test_a_repeat_is_trained_anew_and_gives_the_same_bits(project: Project) -> None:
    """B1: two worker processes, one and the same trial."""
    with_sources(project)
    summary, _ = project.run(workers=2)
    assert summary.trained == summary.planned
    curves = project.curves()
    first, *others = rows(curves, "repeat")
    assert others
    assert all(np.array_equal(first, other) for other in others)
    for arm in ("init", "split"):
        first, *others = rows(curves, arm)
        assert not any(np.array_equal(first, other) for other in others)
    results = project.results()
    (found,) = experiments_of(results)
    assert found.repeats is not None
    assert found.repeats.identical
    assert results.trials["fingerprint"].is_unique
