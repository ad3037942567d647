"""Two thousand trials in one run: nothing grows with their number."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from harness.plan import Trial
from harness.running.progress import QuietView
from harness.running.session import run_study
from harness.store import Store
from harness.study_file import load_study
from tests.running.conftest import Project

MIB = 2**20


class Scales(QuietView):
    """A view that weighs the coordinator at every trial that ends."""

    def __init__(self) -> None:
        self.sizes: list[float] = []
        self._process = psutil.Process()

    def update(self, done: int, trial: Trial, status: str, eta: float | None) -> None:
        del done, trial, status, eta
        self.sizes.append(self._process.memory_info().rss / MIB)


@pytest.mark.slow
def test_two_thousand_trials_leave_memory_flat(project: Project) -> None:
    """A4: real trials of a second model each; a worker is renewed after a thousand."""
    project.write(replicates=1000, epochs=1, architecture='{ name = "mlp", hidden = [8] }')
    text = project.file.read_text("utf-8").replace("train = 400", "train = 100")
    project.file.write_text(text.replace("validation = 200", "validation = 50"), "utf-8")
    scales = Scales()
    with Store(project.store_file) as store:
        summary = run_study(load_study(project.file), store, workers=2, view=scales)
        trials = store.trials().sort_values("finished_at")
    assert (summary.trained, summary.failed) == (2000, [])
    assert set(trials["status"]) == {"completed"}
    assert max(scales.sizes[1500:]) - max(scales.sizes[:500]) < 64
    peaks = trials["peak_memory_mb"].to_numpy()
    assert np.max(peaks) - np.max(peaks[:200]) < 256
