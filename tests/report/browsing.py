"""Pages in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from benchmarks.page import chromium
from tests.patience import PATIENCE

expect.set_options(timeout=1000 * PATIENCE)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser that waits for a slow machine; without one the test is skipped."""
    try:
        with chromium() as browser:
            yield browser
    except FileNotFoundError as error:
        pytest.skip(str(error))


def serious_faults(page: Page) -> list[tuple[str, list[str]]]:
    """What axe-core calls serious or critical, each with the first elements it found."""
    return [
        (fault["id"], [node["html"][:120] for node in fault["nodes"]][:3])
        for fault in Axe().run(page).response["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]
