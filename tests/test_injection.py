"""Whatever a study, a log or a model says, it stays text: on pages, in tables, in file names."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.commands.conftest import run
from tests.report.reading import Page

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "</style><style>@import url(//evil.test/a.css)</style>",
    "<svg/onload=alert(4)><set attributeName=onmouseover to=alert(5)>",
    "' onfocus='alert(6)' autofocus='",
    "{{ 7 * 7 }}{% raw %}",
    "=cmd|'/c calc'!A1",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "../../../../tmp/escaped",
    "/etc/cron.d/evil",
    "javascript:alert(7)",
    "<!-- --><a href=javascript:alert(8)>click</a>",
    "]]><![CDATA[<script>alert(9)</script>",
]
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
LOADING = ("iframe", "object", "embed", "base", "set", "animate", "link", "form", "audio", "video")


def check_tables(folder: Path) -> None:
    """No spreadsheet takes a cell of any table for a formula; numbers may be negative."""
    tables = list(folder.glob("*.csv"))
    assert tables
    for table in tables:
        formulas = [c for c in cells(table) if c.startswith(FORMULA_STARTS) and not is_number(c)]
        assert formulas == [], table


def cells(table: Path) -> Iterator[str]:
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            yield from row


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_page(file: Path) -> Page:
    """Nothing on a page runs or loads but what the page itself brings."""
    page = Page(file.read_text("utf-8"))
    assert page.faults == []
    assert page.all(*LOADING) == []
    assert not [key for e in page.elements for key in e.attributes if key.startswith("on")]
    scripts = [e for e in page.all("script") if e["type"] != "application/json"]
    assert len(scripts) == 1
    assert "alert" not in scripts[0].text
    for element in page.elements:
        for key in ("src", "href", "xlink:href", "action"):
            assert re.match(r"$|#|data:image/|[\w.-]+$", element[key]), (element.tag, element[key])
        assert "evil.test" not in element["style"]
    assert all("evil.test" not in style.text for style in page.all("style"))
    return page


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text)


def write_logs(file: Path, names: list[str]) -> None:
    """A tidy table with two runs of every name, and a column that is none of a log's."""
    with file.open("w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target)
        writer.writerow(["arm", "replicate", "epoch", "val_accuracy", "loss", HOSTILE[2]])
        for place, name in enumerate(names):
            for replicate in range(2):
                for epoch in range(1, 4):
                    value = 0.5 + 0.1 * epoch + 0.01 * replicate + 0.002 * place
                    writer.writerow([name, replicate, epoch, value, 1 - value, HOSTILE[7]])


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("half", [0, 1])
def test_logs_say_nothing_but_text(tmp_path: Path, half: int) -> None:
    """`bench analyze` on a log that a stranger wrote: names of arms, columns, files and folders."""
    names = HOSTILE[half::4]
    logs = tmp_path / "a<b onload=x>'&\".d" / "=1+1.csv"
    logs.parent.mkdir()
    write_logs(logs, names)
    out = tmp_path / "out"
    ran = run("analyze", logs, "--html", out / "report.html", "--json", out / "found.json")
    assert ran.code == 0, ran.err
    check_tables(out)
    page = check_page(out / "report.html")
    assert [name for name in names if name not in page.prose] == []
    json.loads((out / "found.json").read_text("utf-8"))
    assert {file.parent for file in files_below(tmp_path)} == {logs.parent, out}


def test_a_study_says_nothing_but_text(tmp_path: Path) -> None:
    """Name, question, arms and claims of a study of logs, each of them hostile in every way."""
    write_logs(tmp_path / "runs.csv", ["a"])
    arms = "".join(
        f'[[arms]]\nname = {quoted(text)}\nlogs = {{ path = "runs.csv", arm = "a" }}\n'
        for text in HOSTILE
    )
    claims = "".join(
        f'[[claims]]\nid = "c{place}"\nsays = {quoted(one)}\n'
        f"compare = [{quoted(one)}, {quoted(other)}]\n"
        'measure = { kind = "final" }\nexpect = "greater"\nmargin = 0.01\n'
        f"answers_question = {'true' if place < 3 else 'false'}\n"
        for place, (one, other) in enumerate(pairwise(HOSTILE))
    )
    file = tmp_path / "study.toml"
    name = f"../../{HOSTILE[11]}{HOSTILE[0]}"
    head = f"[study]\nname = {quoted(name)}\nquestion = {quoted(' '.join(HOSTILE))}\n"
    file.write_text(head + arms + claims, "utf-8")
    ran = run("study", file, "--reports", tmp_path / "deep" / "reports")
    assert ran.code == 0, ran.err
    (folder,) = (tmp_path / "deep" / "reports").iterdir()
    check_tables(folder)
    page = check_page(folder / "report.html")
    assert [text for text in HOSTILE if text not in page.prose] == []
    outside = {path.name for path in files_below(tmp_path) if folder not in path.parents}
    assert outside == {"runs.csv", "study.toml"}


@pytest.mark.parametrize("profile", ["../../up", "/elsewhere/x"])
def test_a_profile_leads_nowhere_else(tmp_path: Path, profile: str) -> None:
    write_logs(tmp_path / "runs.csv", ["a"])
    file = tmp_path / "study.toml"
    file.write_text(
        '[study]\nname = "s"\nquestion = "?"\n'
        '[[arms]]\nname = "a"\nlogs = { path = "runs.csv", arm = "a" }\n'
        f'[profiles.{quoted(profile)}]\nstudy.question = "!"\n',
        "utf-8",
    )
    reports = tmp_path / "deep" / "reports"
    ran = run("study", file, "--profile", profile, "--reports", reports)
    assert ran.code == 0, ran.err
    written = files_below(tmp_path) - {file, tmp_path / "runs.csv"}
    assert written
    assert {path.parent.parent for path in written} == {reports}
