"""The Python API: the same studies, stores and reports as on the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

import harness
from harness.plan import seeds_of
from harness.study_file import load_study
from harness.verdicts import Verdict
from tests.patience import PATIENCE

ROOT = Path(__file__).parent.parent
STUDY = """
[study]
name = "api"
question = "Does the wider layer learn <faster>?"
replicates = 6
epochs = 2
alpha = 0.05

[data]
name = "digits"
train = 200
validation = 100

[[arms]]
name = "wide"
architecture = { name = "mlp", hidden = [32], dropout = 0.0 }
optimizer = { name = "adam", learning_rate = 0.003 }

[[arms]]
name = "narrow"
architecture = { name = "mlp", hidden = [2], dropout = 0.0 }
optimizer = { name = "adam", learning_rate = 0.003 }

[[claims]]
id = "better"
says = "The wider layer ends more accurate."
compare = ["wide", "narrow"]
measure = { kind = "final" }
expect = "greater"
margin = 0.0
answers_question = true

[profiles.few]
study.replicates = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api")
    (path / "api.toml").write_text(STUDY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def study(folder: Path) -> harness.Study:
    return harness.load(folder / "api.toml", reports=folder / "reports")


@pytest.fixture(scope="module")
def results(study: harness.Study) -> harness.StudyResults:
    """Trained for real, in two worker processes."""
    return study.run(jobs=2, progress=False)


def test_importing_the_package_is_light() -> None:
    script = "import sys, harness; harness.__doc__; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
    heavy = {"numpy", "pandas", "pydantic", "rich", "sqlalchemy", "tensorflow", "harness.api"}
    assert not heavy & set(done.stdout.split())


def test_public_names_are_there_and_no_others() -> None:
    assert {"Study", "StudyPlan", "StudyResults", "UserError", "load"} <= set(dir(harness))
    assert all(getattr(harness, name).__doc__ for name in harness.__all__)
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = harness.laod


def test_a_study_says_what_it_is_before_anything_is_trained(study: harness.Study) -> None:
    assert study.name == "api"
    assert study.profile is None
    assert study.arms == ["wide", "narrow"]
    assert study.claims == {"better": "The wider layer ends more accurate."}
    assert study.replicates == [0, 1, 2, 3, 4, 5]
    assert repr(study) == "<Study api: 2 arms x 6 replicates on digits, 1 claim>"


def test_results_come_as_tidy_tables(results: harness.StudyResults) -> None:
    curves = results.curves()
    assert list(curves.columns[:3]) == ["arm", "replicate", "epoch"]
    assert len(curves) == 2 * 6 * 2
    assert curves["val_accuracy"].between(0, 1).all()
    assert len(results.measures()) == 2 * 6
    assert set(results.trials()["status"]) == {"completed"}


def test_verdicts_come_as_a_table_and_one_by_one(results: harness.StudyResults) -> None:
    table = results.verdicts()
    verdict = results.verdict("better")
    assert isinstance(verdict, Verdict)
    row = table.loc["better"]
    assert (row["verdict"], row["effect"], row["n"]) == (verdict.outcome, verdict.effect, 6)
    means = results.measures().groupby("arm")["value"].mean()
    assert verdict.effect == pytest.approx(means["wide"] - means["narrow"])
    assert row["sentence"] in results.answer()
    with pytest.raises(harness.UserError, match='no claim "worse"; claims: better'):
        results.verdict("worse")


def test_a_returned_table_can_be_changed_without_harm(results: harness.StudyResults) -> None:
    changed = results.curves()
    changed["val_accuracy"] = 0.0
    assert results.curves()["val_accuracy"].gt(0).any()


def test_the_report_is_the_one_that_the_command_writes(
    results: harness.StudyResults, study: harness.Study, tmp_path: Path
) -> None:
    page = results.report()
    assert page == study.folder / "report.html"
    by_api = {file.name: file.read_bytes() for file in study.folder.glob("*.csv")}
    document = json.loads((study.folder / "verdicts.json").read_text(encoding="utf-8"))
    reports = study.folder.parent
    command = [sys.executable, "-m", "harness.cli", "report", str(reports.parent / "api.toml")]
    subprocess.run([*command, "--reports", str(reports)], check=True, capture_output=True)
    assert by_api == {file.name: file.read_bytes() for file in study.folder.glob("*.csv")}
    assert document == json.loads((study.folder / "verdicts.json").read_text(encoding="utf-8"))
    assert document["answer"] == results.answer() == results.document()["answer"]
    assert results.report(tmp_path / "elsewhere") == tmp_path / "elsewhere" / "report.html"


def test_a_second_run_trains_nothing(
    results: harness.StudyResults, study: harness.Study, capsys: pytest.CaptureFixture[str]
) -> None:
    again = study.run(jobs=1)
    assert "12 of 12 trials are stored already" in capsys.readouterr().err
    pd.testing.assert_frame_equal(again.curves(), results.curves())
    pd.testing.assert_frame_equal(study.results().curves(), results.curves())


def test_the_plan_tells_time_and_need(results: harness.StudyResults, study: harness.Study) -> None:
    plan = study.plan(jobs=1)
    assert (plan.trials, plan.stored, plan.seconds_to_go) == (12, 12, 0)
    assert list(plan.claims().index) == ["better"]
    assert plan.document()["trials"] == 12
    assert repr(plan).startswith("2 arms x 6 replicates: 12 trials")


def test_topping_up_trains_what_claims_ask_for(folder: Path) -> None:
    with pytest.warns(UserWarning, match="at least 6 paired replicates"):
        few = harness.load(folder / "api.toml", "few", reports=folder / "topped")
    assert repr(few).startswith("<Study api, profile few: 2 arms x 2 replicates")
    first = few.run(jobs=1, progress=False)
    more = few.run(jobs=1, top_up=True, max_replicates=3, progress=False)
    assert (len(first.trials()), len(more.trials())) == (4, 6)
    with pytest.raises(harness.UserError, match="max_replicates goes with top_up"):
        few.run(max_replicates=3)


def test_a_run_from_elsewhere_is_judged(results: harness.StudyResults, tmp_path: Path) -> None:
    run = pd.DataFrame({"epoch": [1, 2], "val_accuracy": [0.0, 0.0]})
    run.to_csv(tmp_path / "zero.csv", index=False)
    judged = results.judge(run, "wide")
    assert list(judged["metric"]) == ["val_accuracy"]
    assert judged["outcome"].item() != "typical"
    from_file = results.judge(tmp_path / "zero.csv", "wide")
    assert from_file["p"].equals(judged["p"])
    assert "zero.csv" in from_file["sentence"].item()
    with pytest.raises(harness.UserError, match=r'no arm "wode".*did you mean "wide"'):
        results.judge(run, "wode")


def test_it_shows_in_a_notebook_without_outside_resources(
    results: harness.StudyResults, study: harness.Study
) -> None:
    """Cases F2 and H5: names from the file are escaped, nothing is loaded."""
    for html in (results._repr_html_(), study._repr_html_()):
        assert "learn &lt;faster&gt;?" in html
        assert not re.search(r"<script|<link|<img|\bsrc=|https?:", html)
    assert results.verdict("better").outcome in results._repr_html_()
    assert "12 of 12 trials finished" in results._repr_html_()
    assert results.verdicts()["sentence"].item() in repr(results)


def test_a_study_without_claims_has_empty_tables(folder: Path, results: object) -> None:
    (folder / "curves.toml").write_text(STUDY[: STUDY.index("[[claims]]")], encoding="utf-8")
    study = harness.load(folder / "curves.toml", reports=folder / "reports")
    assert study.results().verdicts().empty
    assert study.plan().claims().empty
    assert "12 of 12 trials finished" in repr(study.results())


def test_two_results_are_compared(
    results: harness.StudyResults, study: harness.Study, tmp_path: Path
) -> None:
    same = harness.compare(study.folder, study.folder / "results.db")
    assert same.standing == "same"
    assert repr(same).startswith("Nothing changed: all 12 trials")
    assert set(same.table()["arm"]) == {"wide", "narrow"}
    assert same.report(tmp_path) == tmp_path / "compare.html"
    with pytest.raises(harness.UserError, match="is not there; give a results folder"):
        harness.compare(tmp_path / "nothing", study.folder)


def test_logs_of_others_are_analysed(results: harness.StudyResults, tmp_path: Path) -> None:
    """The study's own curves, written as logs, give its own effect; unpaired, as logs are."""
    for (arm, replicate), rows in results.curves().groupby(["arm", "replicate"]):
        rows.drop(columns=["arm", "replicate"]).to_csv(tmp_path / f"{arm}-s{replicate}.csv")
    found = harness.analyze(
        tmp_path / "*.csv", arm_from="{arm}-s{replicate}.csv", metric="val_accuracy"
    )
    finals = [v for v in found.document()["claims"] if v["measure"]["kind"] == "final"]
    assert abs(finals[0]["effect"]) == pytest.approx(abs(results.verdict("better").effect))
    assert not finals[0]["paired"]
    assert len(found.curves()) == len(results.curves())


def test_a_plain_script_needs_no_main_guard(folder: Path) -> None:
    """Worker processes must not run the caller's script again."""
    script = folder / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import harness
            print("once")
            study = harness.load(r"{folder / "api.toml"}", "few", reports="here")
            print(len(study.run(jobs=1, budget="5m").curves()))
            """
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["once", "8"]
    assert (folder / "here" / "api-few" / "results.db").is_file()


def test_mistakes_are_told_as_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(harness.UserError, match='no profile "fw"; profiles here: few'):
        harness.load(folder / "api.toml", "fw")
    untrained = harness.load(folder / "api.toml", reports=tmp_path)
    with pytest.raises(harness.UserError, match="holds no results yet; run `bench study"):
        untrained.results()
    with pytest.raises(harness.UserError, match="jobs = 0: give at least 1"):
        untrained.run(jobs=0)


def test_a_failed_trial_is_a_warning_and_stays_in_the_table(folder: Path, tmp_path: Path) -> None:
    model = """
import keras

def build(input_shape, classes, seeds):
    assert seeds.init != {doomed}, "no luck"
    layers = [keras.Input(input_shape), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(classes, "softmax")])
"""
    text = STUDY.replace('{ name = "mlp", hidden = [2], dropout = 0.0 }', '"fussy:build"')
    (folder / "fussy.toml").write_text(text, encoding="utf-8")
    (folder / "fussy.py").write_text(model.format(doomed=-1), encoding="utf-8")
    doomed = seeds_of(load_study(folder / "fussy.toml").study, 0).init
    (folder / "fussy.py").write_text(model.format(doomed=doomed), encoding="utf-8")
    with pytest.warns(UserWarning, match="at least 6"):
        fussy = harness.load(folder / "fussy.toml", "few", reports=tmp_path, allow_code=True)
    with pytest.warns(UserWarning, match="narrow, replicate 0 failed"):
        results = fussy.run(jobs=1, progress=False)
    trials = results.trials().set_index(["arm", "replicate"])
    assert trials.loc[("narrow", 0), "status"] == "failed"
    assert "no luck" in trials.loc[("narrow", 0), "error"]
    assert "1 failed" in results._repr_html_()
