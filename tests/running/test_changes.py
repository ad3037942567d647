"""Data and models that change under a study's feet are never mixed into what was trained before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.patience import PATIENCE
from tests.running.conftest import Project, seed_of


def write_data(file: Path, seed: int) -> None:
    """Random pictures of ten classes: another seed, other data of the same shape."""
    rng = np.random.default_rng(seed)
    fresh = file.with_name("fresh.npz")
    np.savez(
        fresh,
        x_train=rng.integers(0, 256, (300, 8, 8), dtype=np.uint8),
        y_train=np.arange(300) % 10,
        x_val=rng.integers(0, 256, (100, 8, 8), dtype=np.uint8),
        y_val=np.arange(100) % 10,
    )
    fresh.replace(file)


@pytest.fixture
def on_file(project: Project) -> Project:
    """The study on an .npz file beside it."""
    write_data(project.folder / "own.npz", 1)
    return project


def write(project: Project, **changes: object) -> None:
    project.write(**changes)
    text = project.file.read_text("utf-8")
    text = text.replace('name = "digits"\ntrain = 400\nvalidation = 200', 'npz = "own.npz"')
    project.file.write_text(text, "utf-8")


def test_data_changed_between_two_runs_train_everything_anew(
    on_file: Project, tmp_path: Path
) -> None:
    write(on_file)
    on_file.run()
    before = on_file.curves()
    write_data(on_file.folder / "own.npz", 2)
    summary, printed = on_file.run()
    assert (summary.trained, summary.reused) == (4, 0)
    assert 'arm "own" is trained anew: data.sha256 changed (2 stored trials are kept' in printed
    after = on_file.curves()
    fresh = tmp_path / "fresh"
    on_file.run(reports=fresh)
    pd.testing.assert_frame_equal(after, on_file.curves(fresh), check_exact=True)
    assert not np.array_equal(before["loss"], after["loss"])
    assert not on_file.results().verdicts[0].confirmatory
    write_data(on_file.folder / "own.npz", 1)
    summary, _ = on_file.run()
    assert (summary.trained, summary.reused) == (0, 4)
    pd.testing.assert_frame_equal(before, on_file.curves(), check_exact=True)


def test_data_changed_while_a_study_runs_fail_what_would_mix_them(on_file: Project) -> None:
    """The model of replicate 1 replaces the data and kills its worker; a new one reads them."""
    on_file.write_model()
    write(on_file, architecture='"own_models:build"', replicates=3)
    other = on_file.folder / "other" / "own.npz"
    other.parent.mkdir()
    write_data(other, 2)
    swap = f"os.path.exists({str(other)!r}) and os.replace({str(other)!r}, 'DATA')"
    swap = swap.replace("'DATA'", repr(str(on_file.folder / "own.npz")))
    doomed = seed_of(on_file, 1)
    on_file.write_model(
        trouble=f"seeds.init == {doomed} and ({swap}, os.kill(os.getpid(), signal.SIGKILL))"
    )
    summary, printed = on_file.run()
    trials = on_file.results().trials
    kept = trials[trials["status"] == "completed"]
    lost = trials[trials["status"] == "failed"]
    assert set(kept["replicate"]) <= {0, 1}
    assert len(kept) >= 2
    assert len(summary.failed) == len(lost) == 6 - len(kept)
    changed = lost[lost["error"].str.contains("data of the arm changed while the study ran")]
    assert set(changed["replicate"]) >= {2}
    assert "run the command again" in printed
    on_file.write_model()
    assert on_file.run()[0].failed == []


def test_a_model_changed_while_a_study_runs_fails_what_would_mix_them(project: Project) -> None:
    """The module is written anew in replicate 1: nothing of it is stored under the old key."""
    project.write_model()
    project.write(architecture='"own_models:build"', replicates=3)
    module, other = project.folder / "own_models.py", project.folder / "other.py"
    swap = f"os.path.exists({str(other)!r}) and os.replace({str(other)!r}, {str(module)!r})"
    swap = f"seeds.init == {seed_of(project, 1)} and {swap}"
    project.write_model(trouble=swap, dropout=0.3)
    module.rename(other)
    project.write_model(trouble=swap, dropout=0.5)
    summary, _ = project.run()
    assert [(trial.arm, trial.replicate) for trial in summary.failed] == [("own", 1), ("own", 2)]
    trials = project.results().trials
    assert set(trials.loc[trials["arm"] == "linear", "status"]) == {"completed"}
    own = trials[trials["arm"] == "own"]
    assert own["error"].dropna().str.contains("source of the arm changed while").all()
    assert len(own["error"].dropna()) == 2
    kept = project.curves()
    kept = kept[kept["arm"] == "own"]
    assert set(kept["replicate"]) == {0}
    project.write_model(trouble=swap, dropout=0.5)
    assert project.run()[0].trained == 2
    whole = project.curves().merge(kept[["arm", "replicate", "epoch"]])
    pd.testing.assert_frame_equal(whole, kept.reset_index(drop=True), check_exact=True)


def test_settings_of_ones_own_model_make_other_trials(project: Project) -> None:
    """Even one that the model's own config does not show."""
    project.write_model()
    module = project.folder / "own_models.py"
    module.write_text(module.read_text().replace("seeds):", "seeds, width=16, plan='a'):"))
    module.write_text(module.read_text().replace("Dense(16,", "Dense(width,"))

    def run(settings: str) -> tuple[int, int]:
        summary, _ = project.write(
            architecture=f'{{ name = "own_models:build", {settings} }}'
        ).run()
        return summary.trained, summary.reused

    assert run("width = 8") == (4, 0)
    assert run("width = 9") == (2, 2)
    assert run('width = 8, plan = "b"') == (2, 2)
    assert run("width = 8") == (0, 4)
    project.write(architecture='{ name = "own_models:build", widht = 8 }')
    process = project.start("--allow-code")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 2, printed
    assert (
        'arm "own": cannot be built: widht = 8 is not a setting of own_models:build; allowed: '
        "width, plan (did you mean width?)"
    ) in " ".join(printed.split())
