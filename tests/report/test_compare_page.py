"""The page of a comparison in a real browser, narrow and wide."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from playwright.sync_api import Browser

from harness.analyses.compare import compare_results
from harness.language import using
from harness.report.compare_page import write_comparison
from tests.analyses.test_compare import arms, two
from tests.report.reading import read_page


def test_the_page_opens_without_errors_and_fits_every_width(
    browser: Browser, tmp_path: Path
) -> None:
    found = compare_results(*two(tmp_path, arms(shift=-0.02, noise=0.001)))
    file = write_comparison(found, tmp_path / "page")
    for width in (360, 1440):
        page = browser.new_page(viewport={"width": width, "height": 900})
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("request", lambda request, said=said: said.append(request.url))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert said == [file.as_uri()]
        assert "b in final validation accuracy" in page.inner_text(".answer")
        assert page.locator("figure svg").count() == 2
        page.get_by_role("button", name="Measure").click()
        assert page.locator("[aria-sort=ascending]").inner_text() == "Measure"


def test_the_page_allows_nothing_but_its_own_style_and_script(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms(shift=-0.02, noise=0.001)))
    page = read_page(write_comparison(found, tmp_path / "page"))
    policy = next(
        e["content"] for e in page.all("meta") if e["http-equiv"] == "Content-Security-Policy"
    )
    scripts = [e.text for e in page.all("script") if not e["type"]]
    for directive, texts in (
        ("script-src", scripts),
        ("style-src-elem", [e.text for e in page.all("style")]),
    ):
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_the_page_speaks_japanese_and_its_document_english(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms(shift=-0.02, noise=0.001)))
    with using("ja"):
        file = write_comparison(found, tmp_path / "page")
    page = read_page(file)
    assert file.name == "compare.ja.html"
    assert page.all("html")[0]["lang"] == "ja"
    heads = [e.text for tag in ("h2", "h3", "th", "caption") for e in page.all(tag)]
    names = re.compile("|".join(["before", "after", "p", "[ab]"]))
    assert [text for text in heads if re.search(r"[A-Za-z]{3,}", names.sub("", text))] == []
    written = json.loads((tmp_path / "page" / "compare.json").read_text())
    assert written["answer"].isascii()
