"""A single run against an arm: typical, not typical, or more than the replicates can tell."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analyses.judge import Judgement, judge_metric, judge_run, known_arm, study_and_arm
from harness.analyses.single_run import SingleRun, read_run
from harness.errors import UserError
from harness.measures import Curve, FloatArray
from harness.plan import arm_job, digest, plan_trials
from harness.prose.curve_words import judgement_sentence
from harness.protocol import protocol
from harness.results import Results
from harness.store import Store, TrialRecord
from tests.patience import PATIENCE
from tests.stats.curve_noise import monte_carlo_error, null_curves
from tests.synthetic import Arm, load, make

EPOCHS = 20


def noise(seed: int, n: int) -> FloatArray:
    return null_curves(np.random.default_rng(seed), n, EPOCHS)


def study(folder: Path, n: int, **arm: object) -> Results:
    return make(folder, {"a": Arm(noise(1, n), **arm), "b": Arm(noise(2, n))})  # type: ignore[arg-type]


def run_of(accuracy: FloatArray, first: int = 1) -> SingleRun:
    epochs = np.arange(first, first + len(accuracy))
    return SingleRun(epochs, {"val_accuracy": np.asarray(accuracy, dtype=float)})


def judged(results: Results, accuracy: FloatArray, first: int = 1) -> Judgement:
    (judgement,) = judge_run(results, "a", run_of(accuracy, first))
    return judgement


def test_a_run_like_the_others_is_typical(tmp_path: Path) -> None:
    found = judged(study(tmp_path, 19), noise(3, 1)[0])
    assert found.outcome == "typical"
    assert judgement_sentence(found, "run.csv").startswith(
        "run.csv: typical of a in validation accuracy, inside the band at all 20 epochs (rank p = "
    )


def test_a_run_above_the_band_is_not_typical(tmp_path: Path) -> None:
    found = judged(study(tmp_path, 19), noise(1, 19).mean(axis=0) + 0.08)
    assert (found.outcome, found.test.p) == ("not typical", 1 / 20)
    assert judgement_sentence(found, "run.csv") == (
        "run.csv: not typical of a in validation accuracy: above the band from epoch 1 to 20 "
        "(rank p = 0.050)."
    )


def test_few_replicates_need_the_band_as_well(tmp_path: Path) -> None:
    """Ten replicates cannot reach 0.05: the run must also leave the band."""
    results = study(tmp_path, 10)
    mean = noise(1, 10).mean(axis=0)
    far = judged(results, mean - 0.08 * (np.arange(EPOCHS) < 3))
    assert far.outcome == "not typical"
    assert judgement_sentence(far, "run.csv") == (
        "run.csv: not typical of a in validation accuracy: below the band from epoch 1 to 3 "
        "(rank p = 0.091, the smallest that 10 replicates can give)."
    )


def test_what_few_replicates_cannot_tell(tmp_path: Path) -> None:
    """Band and rank must agree before a run is called untypical of few replicates."""
    three = study(tmp_path / "three", 3)
    first = noise(1, 3)[:, :1]  # one epoch, at which the band reaches to 5 standard deviations
    inside = judged(three, first.mean(axis=0) + 4 * first.std(ddof=1))
    assert (inside.is_furthest, inside.leaves_band) == (True, False)
    assert judgement_sentence(inside, "run.csv") == (
        "run.csv: whether it is typical of a in validation accuracy cannot be told with "
        "3 replicates: it is further out than all of them, but inside the band (smallest p 1/4). "
        "In validation accuracy, only the epochs that both have are judged, 1 of 20."
    )
    ten = study(tmp_path / "ten", 10)
    outside = judged(ten, noise(15, 1)[0])
    assert (outside.is_furthest, outside.leaves_band) == (False, True)
    assert outside.outcome == "cannot be told"
    assert "it leaves the band, but no further out than some of them (rank p = 0." in (
        judgement_sentence(outside, "run.csv")
    )


def test_fewer_epochs_are_judged_on_those_they_share(tmp_path: Path) -> None:
    found = judged(study(tmp_path, 19), noise(3, 1)[0, :12])
    assert found.epochs.tolist() == list(range(1, 13))
    assert judgement_sentence(found, "run.csv").endswith(
        " In validation accuracy, only the epochs that both have are judged, 12 of 20."
    )
    later = judged(study(tmp_path, 19), noise(3, 1)[0], first=11)
    assert later.epochs.tolist() == list(range(11, 21))


def test_validation_metrics_come_before_training_metrics(tmp_path: Path) -> None:
    values = noise(3, 1)[0]
    epochs = np.arange(1, EPOCHS + 1)
    everything = SingleRun(
        epochs,
        {"val_accuracy": values, "val_loss": 1 - values, "accuracy": values, "loss": 1 - values},
    )
    results = study(tmp_path, 4)
    assert [j.metric for j in judge_run(results, "a", everything)] == ["val_accuracy", "val_loss"]
    training = SingleRun(epochs, {"accuracy": values})
    assert [j.metric for j in judge_run(results, "a", training)] == ["accuracy"]


def test_a_diverged_replicate_shortens_the_losses_that_are_judged(tmp_path: Path) -> None:
    """D13: the band holds for all replicates or is not drawn."""
    loss = 3 * (1 - noise(1, 6))
    loss[2, 8:] = math.nan
    results = study(tmp_path, 6, loss=loss, diverged=[2])
    run = SingleRun(np.arange(1, EPOCHS + 1), {"val_loss": 3 * (1 - noise(3, 1)[0])})
    (found,) = judge_run(results, "a", run)
    assert (found.n, found.epochs.tolist()) == (6, list(range(1, 9)))


def test_a_copy_of_replicates_without_spread_is_typical(tmp_path: Path) -> None:
    """D7: no spread, no warning; any other run is not typical of them."""
    results = make(tmp_path, {"a": Arm(np.full((19, 3), 0.98)), "b": Arm(np.full((19, 3), 0.9))})
    assert judged(results, np.full(3, 0.98)).outcome == "typical"
    assert judged(results, np.full(3, 0.97)).outcome == "not typical"


@pytest.mark.parametrize(
    ("n", "first", "message"),
    [
        (1, 1, 'arm "a" has 1 finished trial; it takes 2 to see any spread'),
        (4, 31, 'the run has numbers for epochs 31 to 50, of which arm "a" has none'),
    ],
)
def test_what_cannot_be_judged_says_why(tmp_path: Path, n: int, first: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        judge_run(study(tmp_path, n), "a", run_of(noise(3, 1)[0], first))


@settings(max_examples=20)
@given(st.integers(0, 1_000), st.integers(2, 12))
def test_shifting_everything_changes_no_judgement(seed: int, n: int) -> None:
    rows, one = noise(seed, n), noise(seed + 1_001, 1)[0]
    epochs = np.arange(1, EPOCHS + 1)

    def judge(shift: float) -> Judgement:
        curves = [Curve(epochs, {"val_accuracy": row + shift}, EPOCHS) for row in rows]
        found = judge_metric("a", "val_accuracy", curves, run_of(one + shift), 0.05)
        assert found is not None
        return found

    assert judge(0.25).outcome == judge(0.0).outcome
    assert judge(0.25).test.p == judge(0.0).test.p


@pytest.mark.parametrize("n", [5, 19])
def test_a_run_of_the_arms_own_is_rarely_called_untypical(n: int) -> None:
    rng, epochs, studies, wrong = np.random.default_rng(n), np.arange(1, EPOCHS + 1), 400, 0
    for _ in range(studies):
        one, *rows = null_curves(rng, n + 1, EPOCHS)
        curves = [Curve(epochs, {"val_accuracy": row}, EPOCHS) for row in rows]
        found = judge_metric("a", "val_accuracy", curves, run_of(one), 0.05)
        wrong += found is not None and found.outcome == "not typical"
    assert wrong / studies <= 0.05 + monte_carlo_error(0.05, studies)


def test_a_hair_above_one_is_no_percent(tmp_path: Path) -> None:
    """Logs hold float32: an accuracy of 1 may come as 1.0000001."""
    run = read_run(csv(tmp_path, "epoch,val_acc\n1,.5\n2,1.0000001\n"))
    assert run.columns["val_accuracy"].tolist() == [0.5, 1.0000001]
    assert run.notices == ()


def csv(folder: Path, text: str) -> Path:
    file = folder / "run.csv"
    file.write_bytes(text.encode())
    return file


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("epoch,val_acc\n1,.5\n2,.7\n3,.9\n", False),
        ("epoch,val_accuracy\n0,.5\n1,.7\n2,.9\n", True),
        ("val_accuracy\n.5\n.7\n.9\n", True),
        ('\ufeff"epoch","val_accuracy"\r\n1,.5\r\n2,.7\r\n3,.9', False),
        ("   epoch,  val_accuracy\n   1,  .5\n   2,  .7\n   3,  .9\n", False),
        ("epoch,val_accuracy\n3,.9\n1,.5\n2,.7\n", True),
        ("epoch,val_acc\n1,50\n2,70.0\n3,90\n", True),
    ],
    ids=["C3", "E2-zero", "E2-absent", "E4", "E13", "order", "E5"],
)
def test_a_run_is_read_however_it_was_written(tmp_path: Path, text: str, is_told: bool) -> None:
    run = read_run(csv(tmp_path, text))
    assert run.epoch.tolist() == [1, 2, 3]
    np.testing.assert_allclose(run.columns["val_accuracy"], [0.5, 0.7, 0.9])
    assert bool(run.notices) == is_told


ARMS = "arm,epoch,acc\nx,1,.5\nx,2,.6\ny,1,.7\n"


def test_one_of_several_runs_is_chosen_by_its_arm(tmp_path: Path) -> None:
    run = read_run(csv(tmp_path, ARMS), "x")
    assert run.columns["accuracy"].tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("text", "arm", "message"),
    [
        (ARMS, None, "holds several runs; choose one with --arm: x, y"),
        (ARMS, "z", 'has no run "z"; it has x, y'),
        ("epoch,acc\n1,.5\n", "x", "names no arms; leave --arm out"),
        (
            "epoch,precision\n1,.5\n",
            None,
            "there is no header with a name that is known|has no column of a metric",
        ),
        ("epoch,acc\n", None, "has a header and no rows"),
        ("epoch,acc\n0,.5\n0,.6\n", None, "line 3: epoch 0 begins again"),
        ("epoch,acc\n1.5,.5\n", None, "line 2: epoch 1.5 is no whole number"),
        ("epoch,acc\n1,high\n", None, "line 2: acc holds .high., which is no number"),
        ("epoch,acc\n1,150\n", None, "line 2: accuracy is 150, which is no accuracy"),
        ("", None, "is empty"),
    ],
)
def test_what_is_no_single_run_is_refused(
    tmp_path: Path, text: str, arm: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_run(csv(tmp_path, text), arm)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        read_run(tmp_path / "no.csv")


def test_the_study_and_its_arm_are_taken_apart_at_the_last_colon(tmp_path: Path) -> None:
    assert study_and_arm("c:/studies/x.toml:cnn") == (Path("c:/studies/x.toml"), "cnn")
    for bad in ("studies/x.toml", ":cnn", "studies/x.toml:"):
        with pytest.raises(UserError, match="must name a study and an arm"):
            study_and_arm(bad)
    results = study(tmp_path, 2)
    assert known_arm(results, "a") == "a"
    with pytest.raises(UserError, match='there is no arm "c"; arms: a, b'):
        known_arm(results, "c")


def stored(folder: Path, n: int) -> Path:
    """A study file whose trials are in a real store, trained by nobody."""
    arms = {"a": Arm(noise(1, n)), "b": Arm(noise(2, n))}
    loaded = load(folder, arms, "")
    identities = {name: {"arm": name} for name in arms}
    with Store(folder / "reports" / loaded.folder_name / "results.db") as store:
        for arm in loaded.study.all_arms:
            settings = digest(arm_job(loaded.study, arm, folder.resolve()).settings)
            description = {"parameters": 1, "layers": [], "optimizer": {}, "notes": []}
            store.describe_arm(settings, identities[arm.name], description)
        for trial in plan_trials(loaded.study, identities):
            rows = arms[trial.arm].rows(trial.arm)
            own = rows[rows["replicate"] == trial.replicate]
            record = TrialRecord(
                fingerprint=trial.fingerprint,
                arm=trial.arm,
                replicate=trial.replicate,
                identity="i",
                status="completed",
                rows=own.drop(columns=["arm", "replicate"]).to_dict("records"),
                attempts=1,
                error=None,
                resources={"seconds": 1.0},
                environment=store.keep_document({"python": "3"}),
            )
            store.record_all([record], protocol(loaded.study, {}))
    return loaded.file


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_the_command_judges_a_file_and_writes_the_numbers(tmp_path: Path) -> None:
    file = stored(tmp_path, 19)
    mean = noise(1, 19).mean(axis=0)
    lines = [f"{epoch},{value - 0.08}" for epoch, value in enumerate(mean, start=1)]
    run = csv(tmp_path, "\n".join(["epoch,val_acc", *lines]))
    numbers = tmp_path / "out" / "judged.json"
    reports = ("--reports", tmp_path / "reports")
    done = bench("judge", run, "--against", f"{file}:a", *reports, "--json", numbers)
    assert done.returncode == 0, done.stderr
    assert "not typical of a in validation accuracy: below the band from epoch 1 to 20" in (
        done.stdout
    )
    document = json.loads(numbers.read_text(encoding="utf-8"))
    assert (document["arm"], document["data"]) == ("a", "mnist-5k")
    (one,) = document["judgements"]
    assert (one["outcome"], one["p"], one["replicates"]) == ("not typical", 0.05, 19)
    assert one["below"] == list(range(1, 21))
    assert len(one["band_low"]) == len(one["run"]) == 20
    wrong = bench("judge", run, "--against", f"{file}:c", *reports)
    assert wrong.returncode == 2
    assert 'there is no arm "c"; arms: a, b' in wrong.stderr
    nothing = bench("judge", run, "--against", f"{file}:a", "--reports", tmp_path / "nowhere")
    assert nothing.returncode == 2
    assert "holds no results yet" in nothing.stderr
