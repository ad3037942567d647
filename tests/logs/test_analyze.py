"""``bench analyze`` and studies of logs: from files to verdicts, on cases whose answer is known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app

ROOT = Path(__file__).parents[2]
PATTERN = "{arm}-s{replicate}.csv"


def run_log(file: Path, reached: int | None, epochs: int, name: str = "val_accuracy") -> None:
    """A run that is at 0.5 until the epoch at which it reaches 0.99, if ever."""
    values = [0.99 if reached is not None and e >= reached else 0.5 for e in range(1, epochs + 1)]
    rows = [f"{i},{value}" for i, value in enumerate(values)]
    file.write_text("\n".join([f"epoch,{name}", *rows]) + "\n")


def finals(folder: Path, arm: str, values: dict[int, float]) -> None:
    """Runs of two epochs that end at the values given by seed."""
    for seed, value in values.items():
        (folder / f"{arm}-s{seed}.csv").write_text(f"epoch,val_accuracy\n1,.5\n2,{value}\n")


def analyze(folder: Path, *arguments: object, code: int = 0) -> dict[str, Any]:
    """Run the command on all CSV files of a folder; returns its JSON, or what it complained of."""
    out = folder / "out.json"
    files = sorted(str(file) for file in folder.iterdir() if file.suffix in {".csv", ".txt"})
    given = [*files, *map(str, arguments), "--json", str(out)]
    done = CliRunner().invoke(app, ["analyze", *given])
    assert done.exit_code == code, done.output
    if code:
        return {"error": done.output}

    def no_constant(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    document: dict[str, Any] = json.loads(out.read_text(), parse_constant=no_constant)
    return document


def steps_log(file: Path, by: int) -> None:
    """A run that is recorded every so many steps and reaches 0.9 at the sixth record."""
    rows = [f"{by * i},{0.4 + 0.1 * i}" for i in range(1, 7)]
    file.write_text("\n".join(["step,val_accuracy", *rows]) + "\n")


def arm(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (one for one in document["arms"] if one["name"] == name)
    return dict(found)


def claim(document: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (one for one in document["claims"] if one["measure"]["kind"] == kind)
    return dict(found)


def time_to(tmp_path: Path, a: Sequence[int | None], b: Sequence[int | None]) -> dict[str, Any]:
    for name, reached in (("A", a), ("B", b)):
        for i, epoch in enumerate(reached):
            run_log(tmp_path / f"{name}-s{i}.csv", epoch, 20)
    return analyze(tmp_path, "--arm-from", PATTERN, "--target", "0.98")


def test_runs_that_never_reach_the_target_count(tmp_path: Path) -> None:
    """D9."""
    document = time_to(tmp_path, [5, 6, 7, None, None], [8, 9, 10, 11, 12])
    (a,), (b,) = arm(document, "A")["times"], arm(document, "B")["times"]
    assert (a["reached"], a["n"], a["median"]) == (3, 5, 7)
    assert (b["reached"], b["n"], b["median"]) == (5, 5, 10)
    assert a["restricted_mean"] == pytest.approx(11.6)
    assert b["restricted_mean"] == pytest.approx(10.0)
    (test,) = document["log_rank"]
    assert test["asymptotic"]["statistic"] == pytest.approx(0.1365, abs=5e-5)
    assert test["asymptotic"]["p"] == pytest.approx(0.7118, abs=5e-5)
    assert test["permutation"]["p"] == pytest.approx(176 / 252)
    decided = claim(document, "epochs_to")
    assert (decided["outcome"], decided["paired"]) == ("inconclusive", False)
    assert decided["effect"] == pytest.approx(1.6)
    assert [side["reached"] for side in decided["sides"]] == [3, 5]


def test_nobody_reaches_the_target(tmp_path: Path) -> None:
    """D10, and D14: the untestable claim keeps its place in Holm's family."""
    document = time_to(tmp_path, [None] * 5, [None] * 5)
    decided = claim(document, "epochs_to")
    assert (decided["outcome"], decided["p"], decided["p_adjusted"]) == ("not testable", None, None)
    assert "0/10 reached the target" in decided["reason"]
    for name in "AB":
        (times,) = arm(document, name)["times"]
        assert (times["reached"], times["median"]) == (0, None)
        assert "not reached: 0 of 5" in times["median_reason"]
    assert any("equal in every number" in notice for notice in document["notices"])


A_FINALS = dict(enumerate((0.90, 0.91, 0.92, 0.93, 0.94, 0.95)))
B_FINALS = dict(zip(range(5, -1, -1), (0.945, 0.935, 0.925, 0.915, 0.905, 0.895), strict=True))


@pytest.mark.parametrize(("without", "pairs", "p"), [(None, 6, 0.03125), (3, 5, 0.0625)])
def test_pairs_are_made_by_seed(tmp_path: Path, without: int | None, pairs: int, p: float) -> None:
    """D12: never by position."""
    finals(tmp_path, "A", A_FINALS)
    finals(tmp_path, "B", {seed: v for seed, v in B_FINALS.items() if seed != without})
    decided = claim(analyze(tmp_path, "--arm-from", PATTERN, "--paired"), "final")
    assert decided["effect"] == pytest.approx(0.005)
    assert (decided["n"], decided["p"]) == (pairs, p)
    assert (without is not None) == ("1 replicate unpaired: 3" in decided["notices"])


def test_rows_of_a_tidy_table_are_paired_by_seed_as_well(tmp_path: Path) -> None:
    """D12: B's rows stand in another order."""
    rows = [
        f"{a},{s},{e},{v if e == 2 else 0.5}"
        for a, of in (("A", A_FINALS), ("B", B_FINALS))
        for s, v in of.items()
        for e in (1, 2)
    ]
    (tmp_path / "all.csv").write_text("\n".join(["arm,seed,epoch,val_accuracy", *rows]) + "\n")
    decided = claim(analyze(tmp_path, "--paired"), "final")
    assert (decided["n"], decided["p"]) == (6, 0.03125)
    unpaired = claim(analyze(tmp_path), "final")
    assert unpaired["paired"] is False
    assert unpaired["p"] > 0.5


def test_a_budget_below_what_was_run_is_refused(tmp_path: Path) -> None:
    """It cuts no run short: whoever gives it must not believe that it did."""
    for i in range(2):
        run_log(tmp_path / f"A-s{i}.csv", 9, 12)
    refused = analyze(tmp_path, "--target", 0.9, "--budget", 5, code=2)["error"]
    assert "A-s0.csv: goes on to epoch 12, and the budget is 5" in refused
    assert analyze(tmp_path, "--target", 0.9, "--budget", 12)["arms"]


def test_steps_are_counted_as_epochs_only_where_they_go_up_by_one(tmp_path: Path) -> None:
    steps_log(tmp_path / "A-s0.csv", 1)
    (run,) = arm(analyze(tmp_path, "--target", 0.9, "--time", "epochs"), "A")["runs"]
    assert "there are no epochs: steps, which go up by 1 from 1, count as such" in run["notices"]
    steps_log(tmp_path / "A-s0.csv", 50)
    refused = analyze(tmp_path, "--target", 0.9, "--time", "epochs", code=2)["error"]
    assert "A-s0.csv: tells no whole epochs; count by steps" in refused
    assert analyze(tmp_path, "--target", 0.9, "--time", "steps")["arms"]


def test_a_claim_that_cannot_be_tested_is_told_with_its_name(tmp_path: Path) -> None:
    """It stands beside others, and its reason alone does not say what was not reached."""
    for name, late in (("A", 0), ("B", 6)):
        for i in range(5):
            run_log(tmp_path / f"{name}-s{i}.csv", 3 + late + i % 2, 10)
    files = sorted(map(str, tmp_path.iterdir()))
    done = CliRunner().invoke(app, ["analyze", *files, "--target", "0.98"])
    (told,) = (line for line in done.output.splitlines() if "Not testable" in line)
    assert told.startswith("? “A and B settle after different numbers of epochs.” Inconclusive")


def test_a_diverged_run_stays_at_risk_to_the_full_budget(tmp_path: Path) -> None:
    """D13."""
    rows = ["0,2.1,.35", "1,1.4,.55", "2,nan,.098", "3,nan,.098"]
    text = "\n".join(["epoch,loss,val_accuracy", *rows]) + "\n"
    (tmp_path / "cnn-s0.csv").write_text(text)
    found = {}
    for target in ("0.5", "0.6"):
        document = analyze(tmp_path, "--target", target, "--budget", "20")
        (found[target],) = arm(document, "cnn")["runs"]
    assert found["0.5"]["times"][0] == {
        "unit": "epochs",
        "reached": True,
        "value": 2,
        "earliest": None,
    }
    assert found["0.6"]["times"][0] == {
        "unit": "epochs",
        "reached": False,
        "value": 20,
        "earliest": None,
    }
    assert (found["0.6"]["status"], found["0.6"]["diverged_at"]) == ("diverged", 3)
    assert found["0.6"]["final"] == 0.098
    assert any("diverged at epoch 3" in notice for notice in found["0.6"]["notices"])


def test_a_run_watched_in_part_gives_an_interval_that_both_ends_are_tried_of(
    tmp_path: Path,
) -> None:
    """Evaluated every five epochs: the later end decides."""
    for name, late in (("A", 0), ("B", 5)):
        for i in range(5):
            rows = [f"{e},{0.9 if e >= 10 + late + 5 * (i > 3) else 0.5}" for e in range(5, 31, 5)]
            (tmp_path / f"{name}-s{i}.csv").write_text("\n".join(["epoch,val_acc", *rows]) + "\n")
    document = analyze(tmp_path, "--arm-from", PATTERN, "--target", "0.8")
    first = arm(document, "A")["runs"][0]["times"][0]
    assert (first["earliest"], first["value"]) == (6, 10)
    (times,) = arm(document, "A")["times"]
    assert (times["median_earliest"], times["median"]) == (6, 10)
    decided = claim(document, "epochs_to")
    assert any("known to an interval only, such as 6 to 10" in n for n in decided["notices"])
    assert decided["effect"] == pytest.approx(-5)
    assert "the deciding test, at the earliest times" in decided["sensitivity"]


def test_one_run_gets_a_judgement_and_no_verdict(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for name, count in (("many", 8), ("single", 1)):
        for i in range(count):
            values = np.linspace(0.5, 0.9, 12) + rng.normal(0, 0.01, 12)
            rows = [f"{e},{v:.4f}" for e, v in enumerate(values, start=1)]
            (tmp_path / f"{name}-s{i}.csv").write_text("\n".join(["epoch,val_acc", *rows]) + "\n")
    document = analyze(tmp_path, "--arm-from", PATTERN, "--target", "0.8")
    assert {one["outcome"] for one in document["claims"]} == {"not testable"}
    assert all("one run of single" in one["reason"] for one in document["claims"])
    (judged,) = document["judgements"]
    assert (judged["of"], judged["against"], judged["replicates"]) == ("single", "many", 8)


def test_final_values_alone_have_no_times(tmp_path: Path) -> None:
    """E7: times to a target are refused, finals are there."""
    text = "val_accuracy,name,id\n96.8,n3404,aaa\n97.5,n3404,bbb\n"
    (tmp_path / "runs.csv").write_text(text)
    found = arm(analyze(tmp_path, "--target", "0.9"), "n3404")
    assert (found["n"], found["times"]) == (2, [])
    assert found["final"]["mean"] == pytest.approx(0.9715)


def test_wall_time_with_a_pause_is_no_training_time(tmp_path: Path) -> None:
    """E8: refused until the user says what the pause is."""
    for name, pace in (("a", 1.0), ("b", 2.0)):
        for s in range(4):
            since = np.cumsum([0, 17.5, 18.7, 6667.6 if (name, s) == ("a", 0) else 18, 18.1]) * pace
            rows = [f"{1700000000 + t},{i},{0.5 + i / 10}" for i, t in enumerate(since)]
            text = "\n".join(["Wall time,Step,Value", *rows]) + "\n"
            (tmp_path / f"{name}-s{s}.csv").write_text(text)
    asked = ("--arm-from", PATTERN, "--target", "0.9", "--time", "seconds")
    refused = analyze(tmp_path, *asked, code=2)["error"]
    assert "6,667.6 seconds passed after epoch 3" in refused.replace("\n", " ")
    out = arm(analyze(tmp_path, *asked, "--pauses", "out"), "a")["runs"][0]
    assert out["times"][0]["value"] == pytest.approx(54.3)
    counted = arm(analyze(tmp_path, *asked, "--pauses", "in"), "a")["runs"][0]
    assert counted["times"][0]["value"] == pytest.approx(6721.9)
    in_epochs = arm(analyze(tmp_path, *asked[:4]), "a")["runs"][0]
    assert in_epochs["seconds"]["pauses"] == [{"after": 3, "seconds": pytest.approx(6667.6)}]
    assert in_epochs["seconds"]["active"] == pytest.approx(54.3)
    assert in_epochs["seconds"]["first_known"] is False


@pytest.mark.parametrize("kind", ["seconds_to", "seconds_per_epoch"])
def test_a_pause_that_one_arm_declares_is_not_declared_for_the_other(
    tmp_path: Path, kind: str
) -> None:
    """E8: also where the first arm's runs have pauses of their own."""
    for name in "AB":
        for s in range(4):
            since = np.cumsum([10, 10, 10, 5000 if s == 1 else 10, 10])
            rows = [f"{i},{0.5 + i / 10},{t}" for i, t in enumerate(since, start=1)]
            text = "\n".join(["epoch,val_accuracy,elapsed_seconds", *rows]) + "\n"
            (tmp_path / f"{name}-s{s}.csv").write_text(text)
    file = study(tmp_path, arm_toml("A", "A-*.csv") + arm_toml("B", "B-*.csv"))
    text = file.read_text().replace("target = 0.98", "target = 0.9")
    in_epochs = report_of(file, text, tmp_path)
    assert "wall" not in set(in_epochs["clock"])
    target = "target = 0.9, " if kind == "seconds_to" else ""
    timed = text.replace(
        'kind = "epochs_to", target = 0.9', f'kind = "{kind}", {target}clock = "wall"'
    )
    declared = '{ pauses = "in", path = "'
    a_alone = timed.replace('{ path = "A', f"{declared}A")
    file.write_text(a_alone)
    done = CliRunner().invoke(app, ["study", str(file), "--reports", str(tmp_path / "r")])
    assert done.exit_code == 2
    assert "5,000.0 seconds passed after epoch 3" in done.output.replace("\n", " ")
    assert 'logs.pauses = "out"' in done.output.replace("\n", " ")
    both = a_alone.replace('{ path = "B', f"{declared}B")
    report_of(file, both, tmp_path)


def report_of(file: Path, text: str, folder: Path) -> pd.DataFrame:
    """The specifications of a study of logs."""
    file.write_text(text)
    done = CliRunner().invoke(app, ["study", str(file), "--reports", str(folder / "r")])
    assert done.exit_code == 0, done.output
    return pd.read_csv(folder / "r" / "f" / "specifications.csv")


def test_an_aborted_benchmark_did_not_arrive(tmp_path: Path) -> None:
    """E10: 300 seconds, not reached, best 0.70."""
    lines = [
        '0: :::MLLOG {"time_ms":1000000,"key":"run_start"}',
        ':::MLLOG {"time_ms":1060000,"key":"eval_accuracy","value":0.5}',
        ':::MLLOG {"time_ms":1180000,"key":"eval_accuracy","value":0.7}',
        ':::MLLOG {"key": "eval_acc',
        ':::MLLOG {"time_ms":1300000,"key":"run_stop","metadata":{"status":"aborted"}}',
    ]
    (tmp_path / "result-0.txt").write_text("\n".join(lines) + "\n")
    (run,) = analyze(tmp_path, "--target", "0.759", "--time", "seconds")["arms"][0]["runs"]
    reached = {"unit": "seconds", "reached": False, "value": 300, "earliest": None}
    assert (run["times"], run["best"], run["status"]) == ([reached], 0.7, "aborted")


def test_arms_logged_on_different_scales_are_compared_on_one(tmp_path: Path) -> None:
    """E5: two tools."""
    finals(tmp_path, "a", dict.fromkeys(range(3), 0.9))
    finals(tmp_path, "b", dict.fromkeys(range(3), 90.0))
    document = analyze(tmp_path, "--arm-from", PATTERN)
    assert claim(document, "final")["effect"] == pytest.approx(0, abs=1e-12)
    assert any("0 to 100 and some from 0 to 1" in notice for notice in document["notices"])


def test_every_pair_of_arms_is_compared_and_all_claims_are_one_family(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("a", 0.80), ("b/c", 0.85), ("卷积", 0.90)):
        folder = tmp_path / "runs"
        folder.mkdir(exist_ok=True)
        rows = [
            f"{name},{s},{e},{level - 0.2 / e + rng.normal(0, 0.01):.4f}"
            for s in range(6)
            for e in range(1, 13)
        ]
        header = [] if (tmp_path / "all.csv").exists() else ["arm,replicate,epoch,val_accuracy"]
        with (tmp_path / "all.csv").open("a") as stream:
            stream.write("\n".join([*header, *rows]) + "\n")
    page = tmp_path / "page" / "analysis.html"
    document = analyze(tmp_path, "--target", "0.84", "--html", page)
    assert len(document["claims"]) == 9
    assert len({one["id"] for one in document["claims"]}) == 9
    assert all(
        one["p_adjusted"] is None or one["p_adjusted"] >= one["p"] for one in document["claims"]
    )
    text = page.read_text()
    assert "卷积" in text
    assert "The runs that were read" in text
    assert "Nobody says that equal names share their seeds" not in text
    assert "nobody says that equal names share their seeds" in text


def curves(folder: Path, arm: str, values: Sequence[float], runs: int = 5) -> None:
    """Runs of one arm that all rise as the values do, each a little higher than the last."""
    for s in range(runs):
        rows = [f"{e},{v + s / 1000}" for e, v in enumerate(values, start=1)]
        (folder / f"{arm}-s{s}.csv").write_text("\n".join(["epoch,val_acc", *rows]) + "\n")


def test_an_arm_that_never_learns_has_no_plateau(tmp_path: Path) -> None:
    """It would be called settled at epoch 1, and so to settle sooner than one that learns."""
    rise = [0.9 - 0.4 / e**2 for e in range(1, 21)]
    curves(tmp_path, "good", rise)
    curves(tmp_path, "fine", [v - 0.1 for v in rise])
    curves(tmp_path, "broken", [0.1] * 20)
    document = analyze(tmp_path, "--arm-from", PATTERN)
    plateaus = [c["compare"] for c in document["claims"] if "plateau" in c["measure"]["kind"]]
    assert plateaus == [["fine", "good"]]
    told = "\n".join(document["notices"])
    assert "No claim on the plateau is made of broken" in told
    assert "Run 0 of broken, run 1 of broken, run 2 of broken and 2 more: val_accuracy of" in told
    assert "good: val_accuracy of the last" not in told


def test_arms_of_one_run_each_are_told_how_to_be_one_arm(tmp_path: Path) -> None:
    for name in ("a1", "b2", "c3"):
        curves(tmp_path, name, [0.5, 0.6], runs=1)
    document = analyze(tmp_path, "--arm-from", "{arm}.csv")
    assert "Each of the 3 arms has one run" in "\n".join(document["notices"])
    done = CliRunner().invoke(
        app, ["analyze", str(tmp_path / "*.csv"), "--arm-from", "{arm}.csv", "--target", "0.6"]
    )
    assert done.output.count("cannot show how much runs differ") == 1
    assert "No claim can be tested" in done.output


def test_too_many_arms_to_compare_are_refused(tmp_path: Path) -> None:
    rows = [f"arm{i},{e},0.5" for i in range(101) for e in (1, 2)]
    (tmp_path / "all.csv").write_text("\n".join(["arm,epoch,val_acc", *rows]) + "\n")
    told = analyze(tmp_path, code=2)["error"].replace("\n", " ")
    assert "the logs hold 101 arms" in told
    assert "--arm-from" in told


def test_of_many_short_runs_a_few_are_told(tmp_path: Path) -> None:
    for s in range(12):
        finals(tmp_path, "A", {s: 0.9})
    (tmp_path / "A-s99.csv").write_text("epoch,val_accuracy\n1,.5\n2,.6\n3,.7\n")
    notices = analyze(tmp_path, "--arm-from", PATTERN)["notices"]
    assert sum("ends at epoch 2 of 3" in notice for notice in notices) == 5
    assert any(notice.startswith("7 more runs end before") for notice in notices)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--arm-from", "{replicate}.csv"), "must have {arm} once"),
        (("--arm-from", "{arm}_{replicate}.csv"), "does not fit --arm-from"),
        (("--target", "98"), "range of val_accuracy, which runs from 0 to 1; write 0.98"),
        (("--metric", "val_loss"), "has no val_loss; it has val_accuracy"),
        (("--metric", "precision"), 'has no metric "precision"; it has epoch, val_accuracy'),
        (("nothing/*.csv",), "fits no file"),
    ],
)
def test_mistakes_are_told_in_plain_words(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    finals(tmp_path, "A", A_FINALS)
    finals(tmp_path, "B", B_FINALS)
    told = analyze(tmp_path, *arguments, code=2)["error"].replace("\n", " ")
    assert message in told
    assert "Traceback" not in told


def test_no_loss_falls_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "A-s1.csv").write_text("epoch,loss\n1,.5\n2,.4\n")
    told = analyze(tmp_path, "--target", "0", code=2)["error"].replace("\n", " ")
    assert "target 0 can never be reached: losses are above 0" in told
    told = analyze(tmp_path, "--target", "inf", code=2)["error"]
    assert "target inf is no level that can be reached" in told


@pytest.mark.parametrize(("time", "kind"), [("seconds", "elapsed"), ("cpu", "processor")])
def test_seconds_that_nobody_recorded_are_asked_for_in_vain(
    tmp_path: Path, time: str, kind: str
) -> None:
    run_log(tmp_path / "A-s1.csv", 3, 5)
    run_log(tmp_path / "B-s1.csv", 3, 5)
    told = analyze(tmp_path, "--target", "0.9", "--time", time, code=2)["error"]
    assert f"tells no {kind} seconds; count by epochs" in told.replace("\n", " ")


def study(folder: Path, arms: str, more: str = "") -> Path:
    file = folder / "foreign.toml"
    file.write_text(
        f'[study]\nname = "f"\nquestion = "Do they differ?"\n{more}\n{arms}\n'
        '[[claims]]\nid = "faster"\nsays = "A is faster."\ncompare = ["A", "B"]\n'
        'measure = { kind = "epochs_to", target = 0.98 }\nexpect = "less"\nmargin = 1.0\n'
    )
    return file


def arm_toml(name: str, path: str) -> str:
    logs = f'{{ path = "{path}", replicate_from = "*-s{{replicate}}.csv" }}'
    return f'[[arms]]\nname = "{name}"\nlogs = {logs}\n'


def test_a_study_of_logs_is_decided_without_training(tmp_path: Path) -> None:
    for name, late in (("A", 0), ("B", 6)):
        for i in range(5):
            run_log(tmp_path / f"{name}-s{i}.csv", 3 + late + i % 2, 20)
    file = study(tmp_path, arm_toml("A", "A-*.csv") + arm_toml("B", "B-*.csv"))
    for command in ("study", "report"):
        done = CliRunner().invoke(app, [command, str(file), "--reports", str(tmp_path / "r")])
        assert done.exit_code == 0, done.output
        assert "Supported (exploratory): A needs 6.0 fewer epochs than B" in done.output
    assert "5 against 5 trials, not paired" in done.output
    verdicts = json.loads((tmp_path / "r" / "f" / "verdicts.json").read_text())
    assert verdicts["claims"][0]["p"] == pytest.approx(2 / 252)
    for command in ("plan", "verify"):
        done = CliRunner().invoke(app, [command, str(file), "--reports", str(tmp_path / "r")])
        assert done.exit_code == 2
        assert "were trained elsewhere" in done.output.replace("\n", " ")


def test_runs_of_any_number_and_names_count_everywhere(tmp_path: Path) -> None:
    """Seeds that do not begin at 0, and more of one arm: for the gate, and defined otherwise."""
    for name, late, seeds in (("A", 0, range(42, 50)), ("B", 6, range(1, 8))):
        for i in seeds:
            run_log(tmp_path / f"{name}-s{i}.csv", 3 + late + i % 2, 20)
    file = study(tmp_path, arm_toml("A", "A-*.csv") + arm_toml("B", "B-*.csv"))
    where = [str(file), "--reports", str(tmp_path / "r")]
    done = CliRunner().invoke(app, ["study", *where, "--gate"])
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(app, ["show", *where])
    assert shown.exit_code == 0, shown.output
    assert "NOT VALID YET" not in shown.output
    assert "2 arms x 8 replicates; 15 of 15 trials finished" in shown.output
    specified = pd.read_csv(tmp_path / "r" / "f" / "specifications.csv")
    (own,) = specified.loc[specified["declared"], "p_adjusted"]
    assert own == pytest.approx(1 / math.comb(15, 7))  # the mirror image has other sizes
    # above 0.5 all targets are reached at once
    same = specified[(specified["test"] == "permutation") & (specified["target"] > 0.5)]
    assert len(same) > 1
    assert set(same["p_adjusted"]) == {own}


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        (
            arm_toml("A", "A.csv")
            + '[[arms]]\nname = "B"\narchitecture = "mlp"\noptimizer = "sgd"\n',
            "cannot stand beside arms to train",
        ),
        (
            '[[arms]]\nname = "A"\narchitecture = "mlp"\noptimizer = "sgd"\nlogs = { path = "a" }\n'
            + arm_toml("B", "B.csv"),
            "not both",
        ),
        (
            '[[arms]]\nname = "A"\nlogs = { path = "a", knd = "csv" }\n' + arm_toml("B", "B.csv"),
            "arms[1].logs.knd: unknown key; allowed here: arm, kind",
        ),
        (arm_toml("A", "none-*.csv") + arm_toml("B", "B.csv"), "fits no file"),
    ],
)
def test_a_study_of_logs_that_cannot_be_is_refused(tmp_path: Path, arms: str, message: str) -> None:
    more = '[data]\nname = "digits"\n' if "architecture" in arms else ""
    file = study(tmp_path, arms, more)
    done = CliRunner().invoke(app, ["study", str(file), "--reports", str(tmp_path / "r")])
    assert done.exit_code == 2
    assert message in done.output.replace("\n", " ")


def test_the_study_that_ships_reads_files_that_ship(tmp_path: Path) -> None:
    file = ROOT / "studies" / "foreign.toml"
    done = CliRunner().invoke(app, ["study", str(file), "--reports", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "foreign" / "report.html").is_file()
    assert "21 runs read" in done.output


@pytest.mark.parametrize(
    "options",
    [
        {"target": 0.5, "budget": 30, "margin": 0.01, "time-margin": 2.0},
        {"target": 0.9, "metric": "Pixel Score", "scale": "fraction", "kind": "csv"},
        {"target": 0.5, "time": "seconds", "pauses": "out"},
        {"target": 0.5, "time": "seconds", "pauses": "in"},
    ],
)
def test_python_can_ask_whatever_the_command_can(
    tmp_path: Path, options: dict[str, str | float]
) -> None:
    """Logs that begin again from scratch, with a pause and a metric of a name of its own."""
    for arm_name, pace in (("a", 1), ("b", 2)):
        for s in range(3):
            rows = [f"{e},{e / 10},{0.8 + e / 100},{pace}" for e in (1, 2, *range(1, 12))]
            rows[4] = f"3,{0.3 + s / 100},{0.83 + pace * s / 100},900"
            text = "\n".join(["epoch,val_accuracy,Pixel Score,seconds", *rows]) + "\n"
            (tmp_path / f"{arm_name}-s{s}.csv").write_text(text)
    logs, asked = tmp_path / "*.csv", {"restarts": "last", **options}
    given = [text for key, value in asked.items() for text in (f"--{key}", value)]
    told = analyze(tmp_path, "--arm-from", PATTERN, *given)
    keywords: dict[str, Any] = {key.replace("-", "_"): value for key, value in asked.items()}
    found = harness.analyze(logs, arm_from=PATTERN, **keywords).document()
    keys = ("id", "measure", "margin", "effect", "n")
    of_command, of_python = (
        [[one[key] for key in keys] for one in document["claims"]] for document in (told, found)
    )
    assert of_python == of_command
    with pytest.raises(harness.UserError, match="restarts"):
        harness.analyze(logs, arm_from=PATTERN, **{**keywords, "restarts": None})


def test_python_refuses_what_the_command_refuses(tmp_path: Path) -> None:
    finals(tmp_path, "a", {0: 0.9, 1: 0.8})
    for mistake, told in (
        ({"restarts": "first"}, 'restarts = "first" is not allowed; allowed: separate, last'),
        ({"kind": "xml"}, 'kind = "xml" is not allowed; allowed: csv, tidy'),
        ({"budget": 0}, "budget = 0: give at least 1"),
        ({"margin": -0.1}, "margin = -0.1: give 0 or more"),
        ({"time_margin": math.inf}, "time_margin = inf: give 0 or more"),
        ({"alpha": 0.5}, "alpha = 0.5: give an error rate above 0 and below 0.5"),
    ):
        with pytest.raises(harness.UserError, match=told):
            harness.analyze(tmp_path / "*.csv", **mistake)  # type: ignore[arg-type]
