"""The invented main study, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.report import write_report
from harness.results import Results
from tests.report.invented import PAIR, SHAPES, Shape, make_results
from tests.report.reading import Page, read_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The main study's four arms and every kind of claim; all trials completed."""
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The same study with a diverged trial, a failed one, and a claim made after the data."""
    shapes = list(SHAPES)
    shapes[1] = Shape(0.955, 1.8, seconds=1.3, diverges={3: 4})
    return make_results(
        tmp_path_factory.mktemp("troubled"),
        shapes=shapes,
        failed={("cnn-rmsprop", 2): "Traceback (most recent call last):\nMemoryError: <b>full</b>"},
        exploratory=["still-rising"],
        notices=["39 of 40 trials are finished, 1 failed"],
    )


@pytest.fixture(scope="session")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the report of ``results``."""
    folder = tmp_path_factory.mktemp("reports") / "convergence"
    write_report(results, folder)
    return folder


@pytest.fixture(scope="session")
def page(folder: Path) -> Page:
    """The page of ``results``."""
    return read_page(folder / "report.html")


@pytest.fixture(scope="session")
def troubled_page(troubled: Results, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of ``troubled``."""
    return read_page(write_report(troubled, tmp_path_factory.mktemp("reports") / "troubled"))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on 12 arms x 50 replicates x 100 epochs (case F1)."""
    arms = [f"arm {i}" for i in range(12)]
    claims = PAIR.format(id="pair", a="arm 1", b="arm 0", says="One is slower.")
    folder = tmp_path_factory.mktemp("large")
    results = make_results(folder, arms=arms, claims=claims, replicates=50, epochs=100)
    write_report(results, folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests that look at a page as a reader does."""
    from tests.report.browsing import started

    with started() as running:
        yield running
