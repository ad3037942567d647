"""The report in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.results import Results
from tests.report.browsing import serious_faults

COMMITTED = Path(__file__).parent.parent.parent / "reports" / "convergence" / "report.html"
CONTROLS = "a[href], button, summary, [tabindex='0']"
PAPER = {"width": 718, "height": 1046}  # A4 less 1 cm on each side, in CSS pixels


@pytest.fixture
def opened(browser: Browser, folder: Path) -> Iterator[Page]:
    """The invented study's report on a desk's screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    yield page
    context.close()


def open_page(browser: Browser, file: Path, **more: Any) -> Page:
    page = browser.new_page(**more)
    page.goto(file.as_uri())
    return page


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1200, 1440])
def test_the_page_is_quiet_complete_and_as_wide_as_the_window(
    browser: Browser, folder: Path, width: int, scheme: str, committed: bool
) -> None:
    file = COMMITTED if committed else folder / "report.html"
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").inner_text().startswith("Does the CNN converge more slowly")
    assert page.locator("svg[role=img]").count() > 10
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_serious_bars_anybody(
    browser: Browser, folder: Path, width: int, scheme: str
) -> None:
    """axe-core's rules, on the page with all its parts unfolded."""
    page = open_page(
        browser,
        folder / "report.html",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert serious_faults(page) == []
    page.close()


def test_the_keyboard_reaches_every_control(opened: Page) -> None:
    visible = opened.locator(CONTROLS).filter(visible=True).count()
    opened.evaluate("window.reached = new Set()")
    for _ in range(visible + 5):
        opened.keyboard.press("Tab")
        opened.evaluate("reached.add(document.activeElement)")
    missed = opened.evaluate(
        f"""[...document.querySelectorAll("{CONTROLS}")]
        .filter((one) => one.checkVisibility() && !reached.has(one))
        .map((one) => one.outerHTML.slice(0, 100))"""
    )
    assert visible > 80
    assert missed == []


def test_what_has_the_focus_is_seen(opened: Page) -> None:
    opened.keyboard.press("Tab")
    outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_contents_mark_what_is_read(opened: Page) -> None:
    current = opened.locator(".contents [aria-current]")
    expect(current).to_have_text("Answer")
    opened.get_by_role("navigation").get_by_role("link", name="Measures").click()
    expect(current).to_have_text("Measures")
    opened.mouse.wheel(0, 1_000_000)
    expect(current).to_have_text("Files")


def test_tables_sort_by_number_and_word_with_the_empty_last(opened: Page) -> None:
    """D10: the claim that nobody could test has no p value; it is last in either order."""
    table = opened.get_by_role("table", name="Claims and verdicts")
    given = table.locator("tbody th").all_inner_texts()
    assert len(given) == 8

    def column(place: int) -> list[str]:
        return table.locator(f"tbody tr > :nth-child({place})").all_inner_texts()

    def numbers(texts: list[str]) -> list[float]:
        return [float(re.sub(r"[<>\s]", "", text)) for text in texts]

    button = table.get_by_role("button", name="Adjusted p", exact=True)
    button.click()
    expect(table.locator("[aria-sort=ascending]")).to_have_text("Adjusted p")
    rising = column(6)
    assert numbers(rising[:-1]) == sorted(numbers(rising[:-1]))
    button.press("Enter")
    falling = column(6)
    assert numbers(falling[:-1]) == sorted(numbers(falling[:-1]), reverse=True)
    assert rising[-1] == falling[-1]
    assert table.locator("tbody tr").last.inner_text().startswith("out-of-reach")
    button.press("Space")
    assert table.locator("[aria-sort]").count() == 0
    assert table.locator("tbody th").all_inner_texts() == given
    table.get_by_role("button", name="Claim", exact=True).click()
    assert column(1) == sorted(given)


def test_chosen_arms_stand_out_everywhere(opened: Page) -> None:
    legend = opened.locator("main .legend").first
    button = legend.get_by_role("button", name="cnn-adadelta")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(opened.locator(".rail [aria-pressed=true]")).to_have_text("cnn-adadelta")
    figure = opened.locator("figure").first
    assert figure.locator("[data-arm='2']:not(.dimmed)").count() >= 3
    assert figure.locator("[data-arm='2'].dimmed").count() == 0
    assert figure.locator("[data-arm='0'].dimmed").count() >= 3
    assert figure.locator("[data-arm='0']:not(.dimmed)").count() == 0
    rows = opened.get_by_role("table", name="Seconds, medians over trials").locator("tbody tr")
    assert rows.locator("visible=true").count() == 4
    assert [row.get_attribute("class") or "" for row in rows.all()] == [
        "dimmed", "dimmed", "", "dimmed"
    ]  # fmt: skip
    expect(opened.locator("#claim-rmsprop-overfits")).to_have_class(re.compile("dimmed"))
    expect(opened.locator("#claim-better-in-the-end")).not_to_have_class(re.compile("dimmed"))
    opened.keyboard.press("Escape")
    assert opened.locator(".dimmed").count() == 0


def test_a_verdict_can_be_taken_along_as_markdown(opened: Page, results: Results) -> None:
    card = opened.locator("#claim-better-in-the-end")
    card.get_by_role("button", name="Copy as Markdown").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    copied = opened.evaluate("navigator.clipboard.readText()")
    said = next(v.claim.says for v in results.verdicts if v.claim.id == "better-in-the-end")
    assert copied.startswith(f"**✓ supported**: {said}\n")
    assert r"cnn-\* than with mlp-\*" in copied
    assert "| effect | 95 % interval | adjusted p | compared | margin |" in copied


def test_curves_are_read_by_pointer_and_by_keyboard(opened: Page, results: Results) -> None:
    curves = results.curves
    last = curves[(curves["arm"] == "cnn-adadelta") & (curves["epoch"] == 20)]
    told = f"cnn-adadelta {last['val_accuracy'].mean() * 100:.1f} % ("
    figure = opened.locator("figure").first
    slider = figure.get_by_role("slider", name="Validation accuracy: values by epoch")
    slider.focus()
    slider.press("End")
    assert slider.get_attribute("aria-valuetext").startswith("epoch 20: ")  # type: ignore[union-attr]
    assert told in (slider.get_attribute("aria-valuetext") or "")
    slider.press("ArrowLeft")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("epoch 19: ")
    slider.blur()
    expect(figure.locator(".values")).to_be_hidden()
    place = figure.locator(".drawing").bounding_box()
    assert place is not None
    opened.mouse.move(place["x"] + 5, place["y"] + 60)
    expect(figure.locator(".values")).to_contain_text("epoch 1cnn-rmsprop")
    assert figure.locator(".upright").count() == 1


def test_readings_lie_on_the_lines_that_are_drawn(opened: Page) -> None:
    """The upright of the last epoch is where the mean's line ends."""
    figure = opened.locator("figure").first
    slider = figure.get_by_role("slider")
    slider.focus()
    slider.press("End")
    reading, drawn = figure.evaluate(
        """(figure) => {
        const upright = Number(figure.querySelector(".upright").getAttribute("x1"));
        const lines = [...figure.querySelectorAll("g[data-arm='0'] > path")]
            .map((path) => path.getBBox()).filter((box) => box.width > 50);
        return [upright, lines.map((box) => box.x + box.width)];
        }"""
    )
    assert drawn
    assert min(abs(reading - end) for end in drawn) < 0.3


def test_a_link_unfolds_what_it_leads_to(opened: Page) -> None:
    fold = opened.locator("details:has(#how-same-optimum)")
    expect(fold).not_to_have_attribute("open", "")
    opened.locator("#claim-same-optimum").get_by_role("link", name="How this").click()
    expect(fold).to_have_attribute("open", "")
    expect(opened.locator("#how-same-optimum")).to_be_in_viewport()


def test_every_number_of_a_card_leads_to_its_method(opened: Page) -> None:
    card = opened.locator("#claim-slower-to-target")
    for term in ("95 % interval", "Adjusted p", "Compared", "Margin"):
        link = card.get_by_role("link", name=term.replace(" %", "\N{NO-BREAK SPACE}%"))
        target = link.get_attribute("href")
        assert target is not None
        expect(opened.locator(target)).to_have_count(1)


def test_the_page_is_complete_without_scripts(
    browser: Browser, folder: Path, results: Results
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "report.html").as_uri())
    for verdict in results.verdicts:
        card = page.locator(f"#claim-{verdict.claim.id}")
        expect(card).to_be_visible()
        expect(card).to_contain_text(verdict.claim.says)
    assert page.get_by_role("button").filter(visible=True).count() == 0
    assert page.locator(".scripted").filter(visible=True).count() == 0
    assert page.get_by_role("table", name="Claims and verdicts").is_visible()
    page.locator("summary", has_text="same-optimum: how").click()
    expect(page.locator("#how-same-optimum")).to_be_visible()
    context.close()


def test_paper_shows_everything_and_cuts_no_figure(browser: Browser, folder: Path) -> None:
    page = open_page(browser, folder / "report.html", viewport=PAPER)
    page.emulate_media(media="print")
    figures = page.evaluate(
        """[...document.querySelectorAll("figure, .card")].map((one) => {
        const box = one.getBoundingClientRect();
        return [box.left, box.right, box.height, getComputedStyle(one).breakInside];
        })"""
    )
    assert len(figures) > 20
    for left, right, height, inside in figures:
        assert left >= 0
        assert right <= PAPER["width"]
        assert height < PAPER["height"]
        assert inside == "avoid"
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    folded = page.locator("details:not([open]) > p, details:not([open]) table")
    assert folded.count() > 10
    assert folded.filter(visible=False).count() == 0
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "1cm")
    paper = page.pdf(format="A4", margin=margin)  # type: ignore[arg-type]
    assert paper.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 5
    page.close()


def test_the_outline_of_the_page(opened: Page) -> None:
    """What a screen reader is told, from the question to the files."""
    expect(opened.locator("body")).to_match_aria_snapshot(
        """
        - link "Skip to the answer"
        - navigation "Contents":
          - list:
            - listitem:
              - link "Answer"
        - main:
          - heading /Does the CNN converge more slowly than the MLP/ [level=1]
          - region "Answer":
            - paragraph: Both claims that answer the question are supported.
            - list:
              - listitem:
                - text: supported The CNN needs more epochs than the MLP to settle at its own level.
                - paragraph: /cnn-adadelta needs .* more epochs than mlp-adadelta/
          - region "Verdicts":
            - heading "Verdicts" [level=2]
            - article:
              - heading /The CNN needs more epochs than the MLP to settle/ [level=3]
              - term:
                - link /95 % interval/
              - term:
                - link "Adjusted p"
              - term:
                - link "Compared"
              - term:
                - link "Margin"
              - paragraph:
                - strong: What would change this?
              - paragraph:
                - link "How this was decided"
                - button "Copy as Markdown"
          - region "Claims and their tests":
            - region "Claims and verdicts":
              - table "Claims and verdicts":
                - rowgroup:
                  - row:
                    - columnheader "Claim":
                      - button "Claim"
          - region "Learning curves":
            - list "Arms":
              - listitem:
                - button "mlp-rmsprop"
            - figure "Validation accuracy":
              - heading "Validation accuracy" [level=3]
              - 'img /cnn-adadelta ends at 9/'
              - 'slider "Validation accuracy: values by epoch"'
              - 'link "Data: curves.csv"'
          - region "When trials got there":
            - figure:
              - 'img /Reached. [0-9]+ of 10/'
          - region "Effects beside their margins":
            - figure:
              - 'link "Data: verdicts.csv"'
          - region "Measures":
            - figure:
              - 'link "Data: measures.csv"'
          - region "Time"
          - region "Arms as they were trained"
          - region "Randomness"
          - region "Methods in plain words"
          - region "Files and environment"
        """
    )


def test_arms_of_a_large_study_are_dimmed(browser: Browser, large: Path) -> None:
    """F1: 12 arms x 50 replicates x 100 epochs; how soon is measured in benchmarks/page.py."""
    page = open_page(browser, large / "report.html", viewport={"width": 1440, "height": 900})
    page.locator(".rail .legend button").nth(3).click()
    assert page.locator(".dimmed").count() > 100
    page.close()
