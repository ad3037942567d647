"""How far the reading of logs has come, as every command that reads them shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from harness.cli import app
from harness.logged import logged_results
from harness.running import log_view
from harness.running.log_view import watched_logs
from harness.study_file import load_study
from tests.terminals import coloured_log, shown, terminal

HEAD = '[study]\nname = "others"\nquestion = "Which ends higher?"\n'
CLAIM = """
[[claims]]
id = "higher"
says = "a ends higher than b."
compare = ["a", "b"]
measure = { kind = "final" }
expect = "greater"
margin = 0.001
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of two arms whose logs lie in four files."""
    parts = [HEAD]
    for arm in ("a", "b"):
        for seed in (0, 1):
            text = f"epoch,val_accuracy\n1,0.5\n2,0.{90 + seed + 3 * (arm == 'a')}\n"
            (tmp_path / f"{arm}-s{seed}.csv").write_text(text)
        logs = f'{{ path = "{arm}-s*.csv", replicate_from = "*-s{{replicate}}.csv" }}'
        parts.append(f'[[arms]]\nname = "{arm}"\nlogs = {logs}\n')
    file = tmp_path / "others.toml"
    file.write_text("\n".join([*parts, CLAIM]))
    return file


def test_a_study_of_logs_is_followed_over_all_its_arms(study: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    logged_results(load_study(study), lambda log, *of: seen.append((log.name, *of)))
    total = sum(log.stat().st_size for log in study.parent.glob("*.csv"))
    assert {of for *_, of in seen} == {total}
    assert (seen[0], seen[-1]) == (("a-s0.csv", 0, total), ("b-s1.csv", total, total))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.mark.parametrize("command", ["study", "report", "show"])
def test_commands_tell_where_there_is_no_terminal(
    command: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_view, "PLAIN_AFTER_SECONDS", 0.0)
    done = CliRunner().invoke(app, [command, str(study), "--reports", str(tmp_path)])
    assert "reading logs: 0% of" in done.stderr
    assert "reading logs" not in done.stdout


def test_quiet_commands_tell_nothing(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_view, "PLAIN_AFTER_SECONDS", 0.0)
    given = ["report", str(study), "--reports", str(tmp_path), "--quiet"]
    assert "reading" not in CliRunner().invoke(app, given).output


def test_a_bar_names_the_log_and_goes_away() -> None:
    console = terminal()
    with watched_logs(console) as watch:
        watch(Path("cnn[bold]-s0.csv"), 50, 100)
    assert "reading cnn[bold]-s0.csv" in shown(console)
    assert shown(console).endswith("\x1b[1A\x1b[2K")  # the line is taken back


def test_a_log_is_not_painted_over_though_it_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_view, "PLAIN_AFTER_SECONDS", 0.0)
    console = coloured_log()
    with watched_logs(console) as watch:
        watch(Path("cnn-s0.csv"), 50, 100)
    assert shown(console) == "reading logs: 50% of 100 bytes, now cnn-s0.csv\n"


@pytest.mark.parametrize("console", [terminal(), coloured_log()])
def test_nothing_is_shown_where_no_logs_are_read(console: Console) -> None:
    with watched_logs(console):
        pass
    assert shown(console) == ""
