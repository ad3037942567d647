"""Plausible mistakes: each ends with exit code 2, a text that names the way out, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands import terminal
from tests.commands.conftest import MAIN_STUDY, STUDY, Trained, bench, run

S = str(MAIN_STUDY)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to make mistakes in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").write_text("x", encoding="utf-8")
    (tmp_path / "curves.csv").write_text("arm,replicate,epoch\n", encoding="utf-8")
    (tmp_path / "broken.toml").write_text('[study]\nname = "', encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.toml").write_text(STUDY, encoding="utf-8")
    damaged = tmp_path / "damaged" / "convergence"
    damaged.mkdir(parents=True)
    (damaged / "results.db").write_text("this was never a database", encoding="utf-8")
    return tmp_path


MISTAKES = [
    ("study no-such.toml", "no-such.toml: 1 problem"),
    ("study folder", "is a folder; study files in it: mine.toml"),
    ("study folder/mine.tml", "did you mean folder/mine.toml?"),
    ("study broken.toml", "is not valid TOML"),
    ("study afile", "is not valid TOML"),
    (f"study {S} --profile ful", 'did you mean "full"?'),
    (f"study {S} --profil full", "--profile"),
    (f"study {S} --jobs 0", "--jobs"),
    (f"study {S} --jobs two", "--jobs"),
    (f"study {S} --max-replicates 20", "--max-replicates goes with --top-up"),
    (f"study {S} --gate more-acurate", 'did you mean "more-accurate"?'),
    (f"study {S} --or-equal", "--or-equal goes with --gate"),
    (f"study {S} --quiet --verbose", "exclude each other"),
    (f"study {S} --reports afile", "choose another folder with --reports"),
    (f"stduy {S}", "Did you mean 'study'?"),
    ("study", "Missing argument"),
    (f"report {S} --reports nowhere", "holds no results yet; run `bench study"),
    (f"report {S} --reports damaged", "is damaged"),
    (f"report {S} --reports {'n' * 256}", "cannot be looked for: File name too long"),
    (f"store repair {S} --reports {'n' * 256}", "cannot be looked for: File name too long"),
    (f"export {S} --reports nowhere --to csv", "holds no results yet"),
    (f"export {S} --to pdf", "'latex'"),
    (f"export {S}", "--to"),
    (f"judge nope.csv --against {S}:mlp-adadelta", "there is no such file"),
    (f"judge afile --against {S}", "must name a study and an arm"),
    (f"compare {S} {S}", "is a study's file, not its results"),
    ("compare damaged/convergence damaged/convergence", "is damaged"),
    ("compare curves.csv folder", "curves.csv: is a table of results; give its folder"),
    ("compare folder folder", "holds no results (neither results.db nor curves.csv)"),
    ("analyze afile --html folder", "--html folder: is a folder; name a file in it"),
    ("compare folder folder --profile full", "--profile goes with --study"),
    ("init afile/x.toml", "cannot create the folder afile"),
    ("schema afile/x.json", "cannot create the folder afile"),
    ("data fetch mnits", "did you mean mnist?"),
    ("data ftch mnist", "Did you mean 'fetch'?"),
]


@pytest.mark.parametrize(("line", "told"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_explained(place: Path, line: str, told: str) -> None:
    done = run(*line.split())
    assert done.code == 2
    assert told in done.err
    assert "Traceback" not in done.err


def test_a_process_of_its_own_prints_no_traceback_either(place: Path) -> None:
    done = bench("report", S, "--reports", place / "damaged")
    assert done.code == 2
    assert "Traceback" not in done.err


def test_no_color_leaves_plain_text(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"FORCE_COLOR=1 {sys.executable} -m harness.cli show"
    assert "\x1b[" in coloured(script, trained, {})
    assert "\x1b[3" not in coloured(script, trained, {"NO_COLOR": "1"})


def test_a_log_that_is_coloured_keeps_its_lines_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    line = "word " * 100 + "end"
    terminal.answer(line)
    terminal.complain(line)
    assert capsys.readouterr() == (f"{line}\n", f"{line}\n")


def coloured(script: str, trained: Trained, more: dict[str, str]) -> str:
    """What a command prints where colour is asked for."""
    command = f"{script} {trained.file} --reports {trained.reports}"
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **more},
    )
    return done.stdout


def test_help_lists_the_exit_codes() -> None:
    done = bench("--help")
    told = " ".join(done.out.split())
    for code in ("0 fine", "1 trials failed", "2 bad input", "3 a gated", "4 a gated", "130"):
        assert code in told
    assert " ".join(terminal.EXIT_CODES.split()) in told


def test_commands_complete_in_a_shell() -> None:
    program = Path(sys.executable).with_name("bench")
    asked = {"_BENCH_COMPLETE": "complete_bash", "COMP_WORDS": "bench com", "COMP_CWORD": "1"}
    environment = {**os.environ, **asked}
    done = subprocess.run([program], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.split() == ["compare"]
