"""`trial_timeout`: a trial that hangs is ended and told of; the others are not touched."""

from __future__ import annotations

import time

import pytest

from harness.protocol import protocol
from harness.study_file import load_study
from harness.study_problems import StudyError
from tests.patience import PATIENCE
from tests.running.conftest import Project, seed_of

HANGS = {
    "sleeps": "seeds.init == {seed} and __import__('time').sleep(10_000)",
    "spins": "exec('while seeds.init == {seed}: pass')",
    "is stopped": "seeds.init == {seed} and os.kill(os.getpid(), signal.SIGSTOP)",
}
LIMIT = "25s"  # a worker that was ended starts TensorFlow anew within it, on a busy machine too


def hanging(project: Project, trouble: str) -> Project:
    """A study of two arms and two replicates, whose own model hangs in replicate 1."""
    project.write_model()
    project.write(architecture='"own_models:build"')
    project.write_model(trouble=trouble.format(seed=seed_of(project, 1)))
    with_limit(project, f'"{LIMIT}"')
    return project


def with_limit(project: Project, limit: str) -> None:
    text = project.file.read_text("utf-8")
    project.file.write_text(text.replace("[data]", f"trial_timeout = {limit}\n\n[data]"), "utf-8")


@pytest.mark.parametrize("way", HANGS)
def test_a_trial_that_hangs_is_ended_and_the_rest_goes_on(project: Project, way: str) -> None:
    process = hanging(project, HANGS[way]).start("--jobs", "2", "--allow-code")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, printed
    assert "own, replicate 1: failed (took longer than trial_timeout allows (25 s)" in printed
    trials = project.results().trials.set_index(["arm", "replicate"])
    assert set(trials["status"]) == {"completed", "failed"}
    failed = trials[trials["status"] == "failed"]
    assert list(failed.index) == [("own", 1)]
    assert failed["attempts"].iloc[0] == 2
    assert failed["error"].iloc[0].startswith("took longer than trial_timeout allows")
    assert failed["seconds"].iloc[0] >= 25


def test_a_limit_that_is_kept_changes_nothing(trained: Project) -> None:
    """It is part of no fingerprint and of no protocol: the stored trials are those of before."""
    bound = protocol(load_study(trained.file).study, {})
    with_limit(trained, "3600.0")
    summary, _ = trained.run()
    assert (summary.trained, summary.reused) == (0, 4)
    assert protocol(load_study(trained.file).study, {}) == bound
    assert trained.results().verdicts[0].confirmatory


@pytest.mark.parametrize(
    ("written", "seconds"), [('"90s"', 90), ('"1h30m"', 5400), ("45", 45), ("0.5", 0.5)]
)
def test_a_limit_is_written_in_words_or_seconds(
    project: Project, written: str, seconds: float
) -> None:
    with_limit(project, written)
    assert load_study(project.file).study.study.trial_timeout == seconds


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"soon"', r'study\.trial_timeout: "soon" is no time: write "90s", "10m"'),
        ('"0s"', r'study\.trial_timeout: "0s" is no time'),
        ("0", r"study\.trial_timeout: 0 must be above 0"),
        ("true", r"study\.trial_timeout: true is not a number"),
        ("1e12", r"study\.trial_timeout: 1000000000000\.0 must be at most"),
    ],
)
def test_other_limits_are_refused(project: Project, written: str, told: str) -> None:
    with_limit(project, written)
    with pytest.raises(StudyError, match=told):
        load_study(project.file)


def test_an_arm_that_cannot_be_built_in_time_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.running.session.LEAST_BUILDING_SECONDS", 20.0)
    hanging(project, "__import__('time').sleep(10_000)")
    began = time.monotonic()
    with pytest.raises(StudyError, match=r'arm "own": cannot be built: it is not done after 25 s'):
        project.run()
    assert time.monotonic() - began < PATIENCE
    assert project.finished() == 0
