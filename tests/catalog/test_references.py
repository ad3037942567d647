"""A user's own functions: found, digested and imported from beside the study file."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.catalog import references
from harness.catalog.problems import CatalogError


@pytest.fixture(autouse=True)
def _clean_path() -> Iterator[None]:
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_digest_is_that_of_the_source_and_runs_nothing(tmp_path: Path) -> None:
    write(tmp_path / "mine" / "__init__.py", "raise RuntimeError('imported')")
    path = write(tmp_path / "mine" / "models.py", "raise RuntimeError('imported')")
    digest = references.source_digest("mine.models:build", tmp_path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert references.check("mine.models:build", "name", tmp_path) == []
    assert "mine" not in sys.modules
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    ("line", "helper"),
    [
        ("from mine.blocks import block", "mine/blocks.py"),
        ("import mine.blocks as blocks", "mine/blocks.py"),
        ("from mine import blocks", "mine/blocks.py"),
        ("from .blocks import block", "mine/blocks.py"),
        ("from . import blocks", "mine/blocks.py"),
        ("def build():\n    import blocks", "blocks.py"),
        ("from mine.parts import *", "mine/blocks.py"),
    ],
)
def test_modules_of_the_project_that_a_module_imports_count_with_it(
    tmp_path: Path, line: str, helper: str
) -> None:
    write(tmp_path / "mine" / "__init__.py", "")
    write(tmp_path / "mine" / "parts" / "__init__.py", "from ..blocks import block")
    for file in ("blocks.py", "mine/blocks.py"):
        write(tmp_path / file, "block = 1")
    write(tmp_path / "mine" / "models.py", f"import os, keras\n{line}\n")
    before = references.source_digest("mine.models:build", tmp_path)
    write(tmp_path / helper, "block = 2")
    assert references.source_digest("mine.models:build", tmp_path) != before
    write(tmp_path / helper, "block = 1")
    write(tmp_path / "mine" / "others.py", "unused = 1")
    assert references.source_digest("mine.models:build", tmp_path) == before


@pytest.mark.parametrize(
    "source",
    [
        "import keras, os, harness.plan\nfrom numpy import random",
        "from . import nothing",
        "this is no Python",
    ],
)
def test_what_is_installed_or_not_there_does_not_count(tmp_path: Path, source: str) -> None:
    """Such a module keeps the digest of its file: trials that were stored by it are found."""
    write(tmp_path / "harness" / "plan.py", "mine = 1")
    write(tmp_path / "os.py", "mine = 1")
    path = write(tmp_path / "lone.py", source)
    digest = references.source_digest("lone:build", tmp_path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_helpers_of_an_installed_module_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    write(folder / "blocks.py", "block = 1")
    path = write(folder / "theirs.py", "import blocks")
    digest = references.source_digest("theirs:build", folder)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_packages_without_init_are_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a" / "b" / "c.py", "def build(): return 'c'")
    assert references.source_path("a.b.c:build", tmp_path) == path
    assert references.load("a.b.c:build", tmp_path)() == "c"


def test_the_working_folder_is_searched_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "here_models.py", "def build(): return 'cwd'")
    monkeypatch.chdir(tmp_path)
    assert references.load("here_models:build")() == "cwd"


def test_the_study_folder_wins_also_after_another_study(tmp_path: Path) -> None:
    for study in ("one", "two"):
        write(tmp_path / study / "their_models.py", f"def build(): return {study!r}")
    for study in ("one", "two", "one"):
        assert references.load("their_models:build", tmp_path / study)() == study


def test_what_runs_is_what_the_digest_describes(tmp_path: Path) -> None:
    path = write(tmp_path / "edited.py", "def build(): return 1")
    assert references.load("edited:build", tmp_path)() == 1
    write(path, "def build(): return 2")
    assert references.load("edited:build", tmp_path)() == 2


def test_a_changed_helper_runs_too(tmp_path: Path) -> None:
    helper = write(tmp_path / "helped_blocks.py", "value = 1")
    write(tmp_path / "helped.py", "from helped_blocks import value\ndef build(): return value")
    assert references.load("helped:build", tmp_path)() == 1
    write(helper, "value = 2")
    assert references.load("helped:build", tmp_path)() == 2


def test_the_helper_beside_the_study_wins_also_after_another_study(tmp_path: Path) -> None:
    for study in ("one", "two"):
        write(tmp_path / study / "their_blocks.py", f"value = {study!r}")
        write(
            tmp_path / study / "with_blocks.py",
            "def build():\n    import their_blocks\n    return their_blocks.value",
        )
    for study in ("one", "two", "one"):
        assert references.load("with_blocks:build", tmp_path / study)() == study


def test_an_unchanged_module_is_imported_once(tmp_path: Path) -> None:
    write(tmp_path / "counted.py", "build = object().__hash__")
    assert references.load("counted:build", tmp_path) == references.load("counted:build", tmp_path)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("nowhere.models:build", "no module nowhere.models in"),
        ("fine.nothing:build", "no module fine.nothing in"),
        ("fine", 'does not have the form "module:function"'),
        ("fine:", 'does not have the form "module:function"'),
        ("../fine:build", 'does not have the form "module:function"'),
        ("fine:build()", 'does not have the form "module:function"'),
        ("sys:exit", "no source file"),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, reference: str, said: str) -> None:
    write(tmp_path / "fine.py", "build = 3")
    (problem,) = references.check(reference, "name", tmp_path)
    assert said in problem.message
    with pytest.raises(CatalogError, match=said):
        references.load(reference, tmp_path)


def test_a_missing_function_and_a_failing_import_are_said(tmp_path: Path) -> None:
    write(tmp_path / "flat.py", "build = 3")
    write(tmp_path / "broken.py", "import not_there_at_all")
    with pytest.raises(CatalogError, match=r"flat\.py has no function build"):
        references.load("flat:build", tmp_path)
    with pytest.raises(CatalogError, match="ModuleNotFoundError: No module named 'not_there"):
        references.load("broken:build", tmp_path)


def test_a_script_that_ends_when_it_is_imported_ends_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "script.py", "import sys\nsys.exit(3)")
    with pytest.raises(CatalogError, match=r"importing script .* failed: SystemExit: 3"):
        references.load("script:build", tmp_path)
