"""The documentation says what the code does: keys, commands and examples are those there are."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from pydantic import TypeAdapter

from harness.cli import app
from harness.measure_kinds import MEASURES, Measure
from harness.study_file import load_study

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
STUDIES = sorted((ROOT / "studies").glob("*.toml"))


@cache
def reference() -> ModuleType:
    """The module that writes the reference pages, as the build of the documentation loads it."""
    file = ROOT / "docs" / "hooks" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    pattern = rf"^```{language}\b[^\n]*\n(.*?)^```"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def keys(table: object) -> Iterator[str]:
    """All keys of a study file, but for the names and settings that are the user's own."""
    if isinstance(table, list):
        for entry in table:
            yield from keys(entry)
    own = {"architecture", "optimizer", "architectures", "optimizers", "profiles", "translations"}
    if isinstance(table, dict):
        for key, value in table.items():
            yield key
            if key not in own:
                yield from keys(value)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_every_key_of_a_shipped_study_is_explained(study: Path) -> None:
    explained = reference().study_file() + reference().measures()
    used = set(keys(tomllib.loads(study.read_text(encoding="utf-8"))))
    known = set(re.findall(r"`\[*(\w+)\]*`", explained))
    assert used - known == set()


def test_every_key_has_a_meaning_and_every_measure_an_example() -> None:
    rows = [line for line in reference().study_file().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert all(row.rstrip(" |").rpartition("|")[2].strip() for row in rows)
    examples = re.findall(r"^measure = .*$", reference().measures(), re.MULTILINE)
    kinds = [tomllib.loads(example)["measure"] for example in examples]
    adapter: TypeAdapter[Any] = TypeAdapter(Measure)
    assert [adapter.validate_python(kind).kind for kind in kinds] == list(MEASURES)


def test_every_command_is_in_the_reference() -> None:
    text = reference().commands()
    for name in command_names():
        assert f"## `{name}`" in text
    assert "int range" not in text


def test_pages_ask_only_for_what_can_be_written() -> None:
    asked = [
        name
        for page in PAGES
        for name in re.findall(r"<!-- generated: ([\w-]+) -->", page.read_text(encoding="utf-8"))
    ]
    assert sorted(asked) == sorted(reference().GENERATED)
    assert all(reference().GENERATED[name]().strip() for name in asked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_studies_on_a_page_are_valid(page: Path, tmp_path: Path) -> None:
    titled = r"^```python title=\"([\w.]+)\"\n(.*?)^```"
    written = re.findall(titled, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name, text in written:
        (tmp_path / name).write_text(text, encoding="utf-8")
    for text in blocks(page, "toml"):
        tomllib.loads(text)
        if "[study]" in text:
            (tmp_path / "study.toml").write_text(text, encoding="utf-8")
            load_study(tmp_path / "study.toml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_on_a_page_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    typed = re.findall(r"^(?:\$ )?(bench \S.*)$", "\n".join(blocks(page, "(?:sh|console)")), re.M)
    typed += re.findall(r"`(bench [a-z][^`]*)`", text)
    options = command_options()
    for command in typed:
        words = command.partition(" && ")[0].partition(" #")[0]
        name = next((n for n in sorted(options, key=len)[::-1] if words.startswith(n)), None)
        assert name is not None, command
        for option in re.findall(r"(?<=\s)--[a-z-]+", words):
            assert option in options[name], command


def test_the_map_of_the_rooms_is_whole() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| room |") : text.index("All are below")]
    firsts = [row.split("|")[1] for row in table.splitlines() if row]
    named = re.findall(r"`([\w./]+)`", " ".join(firsts))
    there = [
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "harness").iterdir()
        if not path.name.startswith(("_", "."))
    ]
    assert sorted(named) == sorted(there)


def test_sessions_named_on_a_page_exist() -> None:
    sessions = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    for page in PAGES:
        for name in re.findall(r"nox -s ([a-z]+)", page.read_text(encoding="utf-8")):
            assert f"def {name}(session" in sessions, page


def test_the_sections_explained_are_those_of_the_report() -> None:
    text = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\*\*(.*?)\.\*\*", text[text.index("## The figures") :], re.MULTILINE)
    code = "".join(file.read_text("utf-8") for file in (ROOT / "harness/report").glob("*.py"))
    assert len(explained) >= 8
    assert [title for title in explained if f'"{title}"' not in code] == []


def test_gold_families_in_the_handbook_are_there() -> None:
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(\d\d)\b", " ".join(re.findall(r"gold famil[^;.)]*", text))))
    there = {file.name[:2] for file in (ROOT / "tests" / "gold" / "data").glob("*.json")}
    assert named == there


def commands_below(command: Any, name: str = "bench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, inner in getattr(command, "commands", {}).items():
        yield from commands_below(inner, f"{name} {part}")


def command_names() -> list[str]:
    found = commands_below(typer.main.get_command(app))
    return [name for name, command in found if not hasattr(command, "commands")]


def command_options() -> dict[str, set[str]]:
    found = commands_below(typer.main.get_command(app))
    return {
        name: {"--help", *(option for p in command.params for option in p.opts)}
        for name, command in found
        if name != "bench"
    }
