"""``--lang``: a page in another language beside the English one; all else stays as it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import harness
from tests.commands.conftest import STUDY, Trained, run

JAPANESE = """
[translations.ja]
question = "MLP は線形モデルより優れているのでしょうか。"

[translations.ja.claims]
mlp-better = "MLP は線形モデルより高い精度で終わります。"
"""


@pytest.fixture(scope="module")
def pages(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of the trained study, with its page in English, then in Japanese."""
    folder = tmp_path_factory.mktemp("languages")
    file = folder / "tiny.toml"
    file.write_text(STUDY + JAPANESE, encoding="utf-8")
    shutil.copytree(trained.reports / "tiny", folder / "reports" / "tiny")
    for language in ("en", "ja"):
        done = run("report", file, "--reports", folder / "reports", "--lang", language)
        assert done.code == 0, done.err
        assert "Is the MLP better than a linear model?" in done.out
    return folder / "reports" / "tiny"


def test_the_page_in_japanese_stands_beside_the_english_one(pages: Path) -> None:
    english, japanese = (
        (pages / name).read_text(encoding="utf-8") for name in ("report.html", "report.ja.html")
    )
    assert '<html lang="en"' in english
    assert '<html lang="ja"' in japanese
    assert "MLP は線形モデルより優れているのでしょうか。" in japanese
    assert "MLP は線形モデルより高い精度で終わります。" in japanese
    assert "The linear model ends above the MLP." in japanese  # is not translated in the file
    assert not re.search("[ぁ-んァ-ヶ]", english)


def test_tables_and_documents_stay_english(pages: Path) -> None:
    others = [
        p for p in pages.iterdir() if p.suffix in {".csv", ".json"} and p.name != "study.json"
    ]
    assert len(others) > 5
    for file in others:
        assert not re.search("[ぁ-んァ-ヶ]", file.read_text(encoding="utf-8")), file.name


def test_a_comparison_has_a_page_in_japanese(pages: Path, tmp_path: Path) -> None:
    done = run("compare", pages, pages, "--output", tmp_path, "--lang", "ja")
    assert done.code == 0, done.err
    assert "Nothing changed" in done.out
    assert "何も変わっていません" in (tmp_path / "compare.ja.html").read_text(encoding="utf-8")
    assert "Nothing changed" in (tmp_path / "compare.json").read_text(encoding="utf-8")


def test_runs_of_others_have_a_page_in_japanese_claims_included(
    pages: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    done = run("analyze", pages / "curves.csv", "--html", page, "--lang", "ja")
    assert done.code == 0, done.err
    text = page.read_text(encoding="utf-8")
    assert (
        "linear と mlp の最終水準は異なります。" in text
        or "mlp と linear の最終水準は異なります。" in text
    )


def test_python_writes_the_same_page(pages: Path, tmp_path: Path) -> None:
    results = harness.load(pages.parent.parent / "tiny.toml", reports=pages.parent).results()
    page = results.report(tmp_path, language="ja")
    assert page == tmp_path / "report.ja.html"
    assert page.read_text(encoding="utf-8") == (pages / page.name).read_text(encoding="utf-8")


def test_a_language_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    done = run("report", tmp_path / "study.toml", "--lang", "fr")
    assert done.code == 2
    assert "'en', 'ja'" in done.err
