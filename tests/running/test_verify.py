"""Stored trials trained again: the same bits, or where and why not."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import UserError
from harness.plan import ArmJob, Seeds, Trial, digest, plan_trials
from harness.prose.notices import study_notices
from harness.prose.verification_words import verification_lines, verification_sentence
from harness.running.progress import LineView
from harness.running.session import arm_jobs
from harness.running.verify import _changed_verdicts, _compared, _decided_with, verify_study
from harness.store import Store
from harness.study_file import load_study
from harness.training.trial import TrialOutcome
from harness.verification import Difference, Verification, first_difference
from tests.patience import PATIENCE
from tests.running.conftest import Project
from tests.stores import rewrite


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Enough replicates for a verdict, trained once."""
    project = Project(tmp_path_factory.mktemp("six")).write(replicates=6)
    project.run()
    return project


@pytest.fixture
def project(project: Project, six: Project) -> Project:
    return project.take(six)


def verify(project: Project, sample: int = 1, seed: int = 1) -> Verification:
    """Each trial of the sample costs a process of its own."""
    view = LineView(Console(file=io.StringIO()))
    with Store(project.store_file) as store:
        return verify_study(
            load_study(project.file), store, sample=sample, seed=seed, workers=2, view=view
        )


def hang(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """A trial that does not end while anybody waits for it here."""
    time.sleep(PATIENCE)
    raise AssertionError("nobody ended it")


def test_a_trial_that_hangs_is_ended(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker is alive, so nothing but the study's limit ends it."""
    text = project.file.read_text("utf-8")
    project.file.write_text(text.replace("[data]", "trial_timeout = 1\n\n[data]"), "utf-8")
    monkeypatch.setattr("harness.running.verify.train_trial", hang)
    (trial,) = verify(project).trials
    assert trial.outcome == "failed"
    assert str(trial.error).startswith("took longer than trial_timeout allows (1 s)")


def found_elsewhere(project: Project) -> None:
    """The same study is started on a machine with a GPU, which the report goes by from then on."""
    with Store(project.store_file) as store:
        for job in arm_jobs(load_study(project.file)).values():
            identity, description = store.arm(digest(job.settings)) or ({}, {})
            store.describe_arm(digest(job.settings), {**identity, "device": "gpu"}, description)


def planned(project: Project, store: Store) -> list[Trial]:
    """The study's trials, as its arms were described."""
    loaded = load_study(project.file)
    arms = {name: store.arm(digest(job.settings)) for name, job in arm_jobs(loaded).items()}
    return plan_trials(loaded.study, {name: arm[0] for name, arm in arms.items() if arm})


def row(epoch: int, **values: float | None) -> dict[str, Any]:
    numbers = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.1, "val_accuracy": 0.4}
    return {"epoch": epoch, "seconds": 1.0, **numbers, **values}


def test_what_was_trained_comes_out_again_and_the_report_says_so(project: Project) -> None:
    """B1: in fresh processes, with one worker before and two now."""
    found = verify(project, sample=2)
    assert {trial.arm for trial in found.trials} == {"linear", "own"}
    assert (len(found.trials), found.stored, found.is_identical) == (2, 12, True)
    assert verification_sentence(found).startswith("2 of 12 stored trials trained again on 20")
    assert verification_sentence(found).endswith("both came out the same, bit for bit.")
    assert verification_sentence(found) in study_notices(project.results())
    assert project.results().verification == found


def test_another_bit_is_found_with_trial_epoch_and_column(project: Project) -> None:
    rewrite(
        project.store_file,
        "UPDATE curves SET val_loss = val_loss + 1e-12 WHERE epoch = 2 AND fingerprint = "
        "(SELECT fingerprint FROM trials WHERE arm = 'own' AND replicate = 1)",
    )
    found = verify(project, sample=2, seed=2)
    assert [(trial.arm, trial.replicate) for trial in found.trials] == [("own", 0), ("own", 1)]
    changed = [trial for trial in found.trials if trial.outcome == "different"]
    assert [(trial.arm, trial.replicate) for trial in changed] == [("own", 1)]
    assert changed[0].difference is not None
    assert (changed[0].difference.epoch, changed[0].difference.column) == (2, "val_loss")
    assert (found.is_explained, found.is_reproduced) == (False, False)
    told = " ".join(verification_lines(found))
    assert "own, replicate 1: differs from epoch 2 on (val_loss: " in told
    assert "the environment is the same, so this should not be" in told
    assert "every verdict stays the same" in verification_sentence(found)


def test_another_environment_may_explain_it(project: Project) -> None:
    rewrite(project.store_file, "UPDATE curves SET loss = loss * 1.0000001 WHERE epoch = 1")
    older = "UPDATE documents SET body = json_set(body, '$.tensorflow', '2.19.0')"
    rewrite(project.store_file, older)
    found = verify(project)
    assert (found.is_identical, found.is_explained, found.is_reproduced) == (False, True, True)
    told = " ".join(verification_lines(found))
    assert "the environment differs in tensorflow (2.19.0 or 2." in told


def test_an_environment_that_is_not_known_explains_nothing(project: Project) -> None:
    """So `bench store repair` leaves a trial when the page with its environment is lost."""
    rewrite(project.store_file, "UPDATE trials SET environment = NULL")
    with Store(project.store_file) as store:
        trial = planned(project, store)[0]
        outcomes = {trial.fingerprint: TrialOutcome("completed", [row(1), row(2)])}
        trials = tuple(_compared(load_study(project.file), store, [trial], outcomes))
    found = Verification("2026-01-02", stored=1, seed=1, trials=trials, changed_verdicts=())
    assert (found.is_identical, found.is_explained, found.is_reproduced) == (False, False, False)
    assert Verification.from_document(json.loads(json.dumps(found.document()))) == found
    (told,) = verification_lines(found)
    assert told.endswith("what it was first trained on is not known, so nothing explains it")


def test_a_verdict_that_would_change_is_named(project: Project) -> None:
    """Six pairs reach significance only if all of them agree: one trial of the MLP is enough.

    The verdict is that of the trials which are drawn from, whoever came since.
    """
    before = project.results().verdicts[0].outcome
    rewrite(
        project.store_file,
        "UPDATE curves SET val_accuracy = 0.01 * (SELECT replicate FROM trials WHERE "
        "trials.fingerprint = curves.fingerprint) + (SELECT arm = 'linear' FROM trials WHERE "
        "trials.fingerprint = curves.fingerprint) * 0.5",
    )
    forged = project.results().verdicts[0].outcome
    assert (before, forged) == ("supported", "contradicted")
    found_elsewhere(project)
    assert project.results().verdicts[0].n == 0
    found = verify(project)
    assert [trial.arm for trial in found.trials] == ["own"]
    assert found.changed_verdicts == ("better",)
    assert not found.is_reproduced


def test_seconds_change_no_verdict(project: Project) -> None:
    """Times never come out again: verdicts on them keep the stored ones.

    Those of the trial that is drawn would turn one pair of six over.
    """
    text = project.file.read_text().replace(
        'measure = { kind = "final" }', 'measure = { kind = "seconds_per_epoch" }'
    )
    project.file.write_text(text.replace("margin = 0.01", "margin = 0.0"))
    rewrite(
        project.store_file,
        "UPDATE curves SET cpu_seconds = (SELECT 100 * (arm = 'linear') + replicate FROM trials "
        "WHERE trials.fingerprint = curves.fingerprint)",
    )
    assert project.results().verdicts[0].outcome == "contradicted"
    found = verify(project, seed=3)
    assert [(trial.arm, trial.replicate) for trial in found.trials] == [("linear", 5)]
    assert (found.is_identical, found.changed_verdicts) == (True, ())


def test_seconds_that_are_not_known_stay_so(project: Project) -> None:
    """Those of an audit are not what timing alone would find."""
    text = project.file.read_text("utf-8")
    text = text.replace('{ kind = "final" }', '{ kind = "seconds_per_epoch" }')
    text = text.replace("threads = 1", 'threads = 1\ntiming = "exclusive"')
    project.file.write_text(text, "utf-8")
    results = project.results()
    assert results.verdicts[0].n == 0
    took = {"linear": 1.0, "own": 2.0}
    anew = {
        (arm, replicate): [row(epoch, seconds=s, cpu_seconds=s) for epoch in (1, 2)]
        for arm, s in took.items()
        for replicate in range(6)
    }
    assert _decided_with(results, anew) == ["inconclusive"]


def with_a_twin(project: Project) -> None:
    """The MLP once more, under another name: what is stored of the one is of both."""
    text = project.file.read_text("utf-8")
    arm = text[text.index('[[arms]]\nname = "own"') : text.index("[[claims]]")]
    twin = arm.replace('"own"', '"twin"')
    text = text.replace("[[claims]]", f"{twin}[[claims]]")
    project.file.write_text(text.replace('["own", "linear"]', '["twin", "linear"]'), "utf-8")


def test_a_trial_of_arms_alike_in_all_but_name_is_drawn_once(project: Project) -> None:
    with_a_twin(project)
    found = verify(project)
    assert (found.stored, found.is_identical) == (12, True)


def test_a_trial_that_comes_out_otherwise_does_so_for_all_arms_alike(project: Project) -> None:
    with_a_twin(project)
    results = project.results()
    assert results.verdicts[0].outcome == "supported"
    own = results.trials.query("arm == 'own'")["fingerprint"]
    worse = [row(1), row(2, val_accuracy=0.0)]
    outcomes = {key: TrialOutcome("completed", worse) for key in own}
    assert _changed_verdicts(results, outcomes) == ("better",)


def test_nothing_to_verify_is_said(project: Project) -> None:
    project.write(rate=0.5, threads=2)
    with pytest.raises(UserError, match="none of its 12 stored trials was trained with"):
        verify(project)


def test_the_command_writes_json_and_says_by_its_exit_code(project: Project) -> None:
    file = project.folder / "out" / "audit.json"
    arguments = ["verify", str(project.file), "--reports", str(project.reports), "--sample", "1"]
    done = CliRunner().invoke(app, [*arguments, "--seed", "3", "--json", str(file)])
    assert done.exit_code == 0, done.output
    document = json.loads(file.read_text())
    assert (document["identical"], document["seed"], document["stored"]) == (True, 3, 12)
    assert document["trials"][0]["outcome"] == "identical"
    rewrite(project.store_file, "UPDATE curves SET accuracy = accuracy / 2")
    assert CliRunner().invoke(app, arguments).exit_code == 1


@pytest.mark.parametrize(
    ("stored", "again", "expected"),
    [
        ([row(1), row(2)], [row(1), row(2)], None),
        ([row(1, seconds=9.0)], [row(1)], None),
        ([row(1, loss=None)], [row(1, loss=None)], None),
        ([row(1, loss=None)], [row(1)], Difference(1, "loss", None, 1.0)),
        ([row(1), row(2)], [row(1)], Difference(2, "epoch", 2.0, None)),
        ([row(1)], [row(1), row(2)], Difference(2, "epoch", None, 2.0)),
        ([row(1), row(2)], [row(1), row(2, accuracy=0.6)], Difference(2, "accuracy", 0.5, 0.6)),
    ],
)
def test_the_first_difference(
    stored: list[dict[str, Any]], again: list[dict[str, Any]], expected: Difference | None
) -> None:
    assert first_difference(stored, again) == expected
