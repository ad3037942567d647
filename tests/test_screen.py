"""The terminal shows what files bring, and obeys none of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from harness.report.exports import json_text
from harness.screen import Screen, visible
from tests.commands.conftest import STUDY, run

RED, CLEAR, TITLE = "\x1b[31m", "\x9b2J", "\x1b]0;mine\x07"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (RED, "␛[31m"),
        (TITLE, "␛]0;mine␇"),
        (CLEAR, "\\u009b2J"),
        ("a\rb\x7f\x00", "a␍b␡␀"),
        ("gnp\u202e.exe", "gnp\\u202e.exe"),
        ("plain — 日本語\n\ttext", "plain — 日本語\n\ttext"),
    ],
)
def test_control_characters_become_signs(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_screen_keeps_its_own_colours_and_no_others() -> None:
    out = io.StringIO()
    screen = Screen(file=out, force_terminal=True, color_system="standard", width=60)
    table = Table("name")
    table.add_row(Text(f"arm {RED}", style="green"))
    screen.print(table)
    screen.print(f"note {TITLE}", markup=False, highlight=False)
    assert "\x1b[32marm ␛[" in out.getvalue()
    assert "note ␛]0;mine" in out.getvalue()
    assert RED not in out.getvalue()
    assert TITLE not in out.getvalue()


def test_json_writes_them_out() -> None:
    assert json_text([CLEAR, RED]) == '[\n  "\\u009b2J",\n  "\\u001b[31m"\n]\n'


def test_a_study_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """Question and arm name hold escape codes; errors about the file quote them."""
    study = (
        STUDY.replace("Is the MLP", "\\u001b[31mIs the MLP")
        .replace('name = "linear"', 'name = "lin\\u001b[2Jear"')
        .replace('"linear"]', '"lin\\u001b[2Jear"]')
    )
    (tmp_path / "hostile.toml").write_text(study, encoding="utf-8")
    for command in ("show", "plan"):
        done = run(command, str(tmp_path / "hostile.toml"), "--reports", str(tmp_path / "reports"))
        assert "\x1b" not in done.out + done.err
        assert "␛[" in done.out + done.err


def test_a_log_cannot_steer_the_terminal(tmp_path: Path) -> None:
    """The folder and the name of a log hold escape codes."""
    place = tmp_path / "a\x1b[31m"
    place.mkdir()
    rows = "".join(f"{epoch},{0.9 + epoch / 100}\n" for epoch in range(1, 6))
    for name in ("a-s0.csv", "a-s1.csv", "b\x1b[2J-s0.csv", "b\x1b[2J-s1.csv"):
        (place / name).write_text(f"epoch,val_accuracy\n{rows}", encoding="utf-8")
    logs = sorted(map(str, place.glob("*.csv")))
    done = run("analyze", *logs, "--arm-from", "{arm}-s{replicate}.csv", "--target", "0.92")
    assert done.code == 0, done.err
    assert "\x1b" not in done.out + done.err
    assert "b␛[2J" in done.out
    missing = run("analyze", str(place / "none.csv"), "--target", "0.92")
    assert missing.code == 2
    assert "\x1b" not in missing.out + missing.err
    assert "a␛[31m" in missing.err
