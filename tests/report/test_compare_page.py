"""The page of a comparison in a real browser, narrow and wide."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from harness.analyses.compare import compare_results
from harness.report.compare_page import write_comparison
from tests.analyses.test_compare import arms, two


def test_the_page_opens_without_errors_and_fits_every_width(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    found = compare_results(*two(tmp_path, arms(shift=-0.02, noise=0.001)))
    file = write_comparison(found, tmp_path / "page")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
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
        browser.close()
