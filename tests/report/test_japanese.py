"""The Japanese page in a real browser: one language throughout, nothing cut, nothing too small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from harness.language import using
from harness.report import write_report
from harness.results import Results
from tests.report.browsing import serious_faults

KANA_OR_KANJI = re.compile(r"[ぁ-んァ-ヶ一-龠]")
ENGLISH = re.compile(r"[A-Za-z]{3,}")
LABELS = (
    ".contents a, h2, h3, summary, button, th, caption, dt, .chip, .tag, .skip, svg[role=img] text"
)
SENTENCES = "main p, main li, main td, main dd, figcaption"
AUTHORS = "Holm Markdown Wilcoxon Cliff Hedges Student Bonett ASO Tab CPU CNN MLP RMST"
"""Words that Japanese writes in Latin letters."""


@pytest.fixture(scope="module")
def file(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented main study's page in Japanese."""
    with using("ja"):
        return write_report(results, tmp_path_factory.mktemp("japanese") / "convergence")


def opened(browser: Browser, file: Path, width: int, scheme: str = "light") -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.goto(file.as_uri())
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    return page


def names_of(results: Results) -> list[str]:
    """What the study itself says, longest first, and the names that settings have in code."""
    study = results.loaded.study
    said = [study.study.question, study.study.name, study.data.label]
    for claim in study.claims:
        said += [claim.id, claim.says, *claim.compare]
    said += [arm.name for arm in study.all_arms]
    said += [note for arm in results.arms.values() for note in arm.notes]
    said += ["mlp", "cnn", "init", "shuffle", "dropout", "split", *AUTHORS.split()]
    return sorted(said, key=len, reverse=True)


def without(names: list[str], text: str) -> str:
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    for name in names:
        text = text.replace(name, "")
    return text


def test_the_page_is_japanese_and_named_so(browser: Browser, file: Path) -> None:
    assert file.name == "report.ja.html"
    page = opened(browser, file, 1280)
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("h2").first).to_have_text("判定")
    assert "Verdicts" not in page.content()
    page.close()


def test_labels_hold_no_english_but_names(browser: Browser, file: Path, results: Results) -> None:
    """Headings, buttons, terms, heads of tables, and all that figures say."""
    page = opened(browser, file, 1280)
    names = names_of(results)
    texts = page.locator(LABELS).all_text_contents()
    texts += page.eval_on_selector_all(
        "main [aria-label]", "(all) => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert len(texts) > 300
    left = [text for text in texts if ENGLISH.search(without(names, text))]
    assert [text for text in left if not re.fullmatch(r"[\w.]+", text.strip())] == []
    page.close()


def test_sentences_are_japanese(browser: Browser, file: Path, results: Results) -> None:
    page = opened(browser, file, 1280)
    names = names_of(results)
    texts = [" ".join(text.split()) for text in page.locator(SENTENCES).all_text_contents()]
    told = [
        text for text in texts if re.search(r"[A-Za-z]{3,} [A-Za-z]{2,} ", without(names, text))
    ]
    assert len(texts) > 200
    assert [text for text in told if not KANA_OR_KANJI.search(text)] == []
    page.close()


def test_what_the_script_says_is_japanese(browser: Browser, file: Path) -> None:
    page = opened(browser, file, 1280)
    page.get_by_role("button", name="補正後の p", exact=True).first.click()
    expect(page.locator(".voice[role=status]")).to_have_text("「補正後の p」の昇順に並べました")
    cells = page.locator("table.claims tbody tr > :nth-child(6)").all_inner_texts()
    known = [float(re.sub(r"[<>\s]", "", cell)) for cell in cells[:-1]]
    assert known == sorted(known)
    slider = page.get_by_role("slider", name="検証精度: エポックごとの値")
    slider.focus()
    slider.press("End")
    assert (slider.get_attribute("aria-valuetext") or "").startswith("エポック20: ")
    page.close()


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [360, 1280])
def test_figures_are_readable_and_whole(
    browser: Browser, file: Path, folder: Path, width: int, language: str
) -> None:
    """No text is smaller than 9 pixels on a phone, and none reaches beyond its figure."""
    page = opened(browser, file if language == "ja" else folder / "report.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = page.evaluate(
        """() => [...document.querySelectorAll("svg[role=img]")].flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        const [, , wide] = svg.getAttribute("viewBox").split(" ");
        return [...svg.querySelectorAll("text")].map((text) => {
            const box = text.getBoundingClientRect();
            const beyond = Math.max(frame.left - box.left, box.right - frame.right);
            const size = parseFloat(getComputedStyle(text).fontSize) * frame.width / Number(wide);
            return [text.textContent, beyond, size];
        });
        })"""
    )
    assert len(found) > 300
    assert [(text, beyond) for text, beyond, _ in found if beyond > 1.5] == []
    assert min(size for _, _, size in found) > (9 if width == 360 else 11)
    page.close()


def test_on_the_narrowest_screens_a_figure_scrolls_in_its_own_box(
    browser: Browser, file: Path
) -> None:
    page = opened(browser, file, 320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    sheets = page.locator(".sheet")
    assert sheets.first.evaluate("(one) => one.scrollWidth - one.clientWidth") > 20
    forest = page.locator("[aria-labelledby=effects] .sheet").first
    expect(forest).to_have_attribute("tabindex", "0")
    forest.focus()
    forest.press("ArrowRight")
    page.wait_for_function("(one) => one.scrollLeft > 0", arg=forest.element_handle())
    page.close()


@pytest.mark.parametrize("width", [320, 900])
def test_the_contents_are_one_line_that_scrolls(browser: Browser, file: Path, width: int) -> None:
    """Japanese may be broken between any two letters, and must not be here."""
    page = opened(browser, file, width)
    tops = "(all) => all.map((one) => one.getBoundingClientRect().top)"
    assert len(set(page.eval_on_selector_all(".contents a", tops))) == 1
    links = "(all) => all.map((one) => one.getBoundingClientRect().height)"
    assert max(page.eval_on_selector_all(".contents a", links)) < 45
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1440])
def test_nothing_serious_bars_anybody(
    browser: Browser, file: Path, width: int, scheme: str
) -> None:
    page = opened(browser, file, width, scheme)
    assert serious_faults(page) == []
    page.close()


def test_files_for_programs_are_in_english_always(file: Path, folder: Path) -> None:
    for name in ("verdicts.json", "verdicts.csv", "measures.csv", "specifications.csv"):
        assert (file.parent / name).read_text() == (folder / name).read_text()
