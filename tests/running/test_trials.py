"""The same trial gives the same bits, whatever happens around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.running.conftest import Project


def test_curves_do_not_depend_on_jobs_order_or_process(project: Project, tmp_path: Path) -> None:
    """A1, A5, B1: TensorFlow was used in this process before; curves are equal bit for bit."""
    import keras

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).predict(np.ones((4, 3)), verbose=0)
    project.write_model()
    project.write(architecture='"own_models:build"', replicates=4)
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    assert project.run(1, alone)[0].trained == 8
    project.run(2, beside)
    one, two = project.curves(alone), project.curves(beside)
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    first = one[one["epoch"] == 1]
    for _, rows in first.groupby("arm"):
        assert rows["loss"].nunique() == 4


def test_the_thread_count_is_part_of_a_trials_identity(trained: Project) -> None:
    """B2: results of another thread count are never pooled, and that is said."""
    summary, printed = trained.write(threads=2).run()
    assert (summary.trained, summary.reused) == (4, 0)
    assert "threads 1 -> 2" in printed
    assert set(trained.results().trials["threads"]) == {2}


def test_a_changed_model_retrains_its_arm_and_no_other(project: Project) -> None:
    """H4: the dropout inside a user's own function."""
    project.write_model(dropout=0.5)
    project.write(architecture='"own_models:build"')
    project.run()
    before = project.curves()
    project.write_model(dropout=0.3)
    summary, printed = project.run()
    assert (summary.trained, summary.reused) == (2, 2)
    assert 'arm "own" is trained anew' in printed
    assert 'arm "linear"' not in printed
    notices = project.results().notices
    assert any('arm "own" is another than when the first trial was stored' in n for n in notices)
    assert any('the 2 stored trials of arm "own" as it was' in n for n in notices)
    assert not any('"linear"' in n for n in notices)
    after = project.curves()
    same = before["arm"] == "linear"
    pd.testing.assert_frame_equal(before[same], after[same], check_exact=True)
    assert not np.array_equal(before[~same]["loss"], after[~same]["loss"])


def test_a_second_run_trains_nothing_and_more_replicates_train_only_those(
    trained: Project,
) -> None:
    assert trained.run()[0].trained == 0
    summary, _ = trained.write(replicates=3).run()
    assert (summary.trained, summary.reused) == (2, 4)
    results = trained.results()
    assert not results.verdicts[0].confirmatory  # replicates were added after the data were seen
    assert any("replicates changed" in notice for notice in results.notices)


def test_a_diverged_trial_is_kept(project: Project) -> None:
    """D13."""
    project.write(rate="1e30", epochs=4)
    summary, _ = project.run()
    assert summary.failed == []
    results = project.results()
    own = results.trials[results.trials["arm"] == "own"]
    assert set(own["status"]) == {"diverged"}
    assert own["epochs"].max() < 4
    assert results.verdicts[0].n == 2
    last = results.curves[results.curves["arm"] == "own"].groupby("replicate").tail(1)
    assert last["loss"].isna().any() or last["val_loss"].isna().any()


@pytest.mark.slow
def test_memory_stays_flat_over_many_trials(project: Project) -> None:
    """A4: 40 trials in one worker."""
    project.write(replicates=20, epochs=1)
    project.run()
    peaks = project.results().trials.sort_values("position")["peak_memory_mb"].to_numpy()
    assert peaks[-1] - peaks[9] < 100
