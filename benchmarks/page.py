"""How soon a reader can use the page of a large study, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measurement import Measurement
from benchmarks.reporting import report_of_invented, study_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""Switches of a Chromium that asks the network for nothing of its own."""
_GOAL_SECONDS = 2.0
_LOADED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
_DIM = """() => { const before = performance.now();
document.querySelectorAll(".rail .legend button")[5].click();
document.body.getBoundingClientRect();
return performance.now() - before; }"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright.

    Raises:
        FileNotFoundError: If it is not installed.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the extra for tests

    program = shutil.which("chromium")
    if program is None:
        raise FileNotFoundError("Chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET, timeout=0)
        yield browser
        browser.close()


def large_page(quick: bool) -> Measurement:
    """Seconds until a page of 12 arms x 50 replicates x 100 epochs has dimmed an arm."""
    with study_folder() as folder, chromium() as browser:
        reported = report_of_invented(folder, 12, 50, 100)
        times = [_usable(browser, reported.page) for _ in range(3 if quick else 9)]
    loaded, dimmed = (median(column) / 1000 for column in zip(*times, strict=True))
    return Measurement(
        "large page",
        (loaded + dimmed) / _GOAL_SECONDS,
        1.0,
        f"{reported.page_mb:.1f} MB: loaded after {loaded:.2f} s, an arm dimmed in {dimmed:.2f} s,"
        f" of {_GOAL_SECONDS:g} s",
        at_least=False,
    )


def _usable(browser: Browser, file: Path) -> tuple[float, float]:
    """Milliseconds until a page is loaded, and of a click that dims an arm in its figures."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(file.as_uri())
    found = float(page.evaluate(_LOADED)), float(page.evaluate(_DIM))
    page.close()
    return found
