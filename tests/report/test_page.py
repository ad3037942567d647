"""The page: complete, self-contained, in order, and inert whatever names a study brings."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from harness.prose import answer_words, nuance_words, words
from harness.report import write_report
from harness.report.tables import data_words
from harness.results import Results
from harness.study_file import load_study
from tests.report.invented import CLAIMS, PAIR, make_results
from tests.report.reading import Element, Page, read_page

STUDIES = Path(__file__).parent.parent.parent / "studies"

HEADINGS = [
    "Verdicts",
    "Claims and their tests",
    "Learning curves",
    "When trials got there",
    "Effects beside their margins",
    "Measures",
    "Time",
    "Arms as they were trained",
    "Randomness",
    "Methods in plain words",
    "Files and environment",
]


def study_of(folder: Path, arms: Sequence[str], says: str = "A is slower.", **more: object) -> Page:
    """The page of a small study: each further arm is claimed to be slower than the first."""
    escaped = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (says, *arms)]
    said, first, *others = escaped
    claims = "".join(
        PAIR.format(id=f"pair-{i}", a=other, b=first, says=said) for i, other in enumerate(others)
    )
    results = make_results(folder, arms=arms, claims=claims, epochs=6, replicates=6, **more)
    return read_page(write_report(results, folder / "out"))


def test_tags_fit_together_and_ids_are_unique(page: Page) -> None:
    assert page.faults == []
    ids = [element["id"] for element in page.elements if element["id"]]
    assert len(ids) == len(set(ids))


def test_question_then_answer_then_verdicts_then_everything_else(page: Page) -> None:
    source = page.source
    question = source.index("<h1>")
    answer = source.index('id="answer"')
    headings = [source.index(f">{heading}</h2>") for heading in HEADINGS]
    assert [question, answer, *headings] == sorted([question, answer, *headings])


def test_contents_lead_to_sections_that_exist(page: Page) -> None:
    targets = {e["href"][1:] for e in page.all("a") if e["href"].startswith("#")}
    assert targets <= {element["id"] for element in page.elements}


def test_answer_is_the_words_of_the_verdicts(page: Page, results: Results) -> None:
    answer = " ".join(page.by_id("answer").text.split())
    assert answer_words.answer_lead(results.verdicts) in answer
    for verdict in answer_words.answering(results.verdicts):
        assert answer_words.headline(verdict) in answer


def test_every_claim_has_a_card_with_word_and_sign(page: Page, results: Results) -> None:
    for verdict in results.verdicts:
        card = " ".join(page.by_id(f"claim-{verdict.claim.id}").text.split())
        assert f"{words.MARKS[verdict.outcome]} {verdict.outcome}" in card
        assert verdict.claim.says in card
        assert nuance_words.what_would_change(verdict) in card


def test_each_sensitivity_test_stands_behind_details(page: Page, results: Results) -> None:
    details = [e.text for e in page.all("details")]
    for verdict in results.verdicts:
        own = next(text for text in details if f"{verdict.claim.id}: how this" in text)
        assert all(name in own for name in verdict.sensitivity)


def test_every_picture_says_what_it_shows(page: Page) -> None:
    pictures = [e for e in page.all("svg", "img") if e["aria-hidden"] != "true"]
    assert len(pictures) >= 4 + 3 + 4 + 2
    assert all(e["aria-label"] or e["alt"] for e in pictures)
    assert all(e["role"] == "img" for e in pictures if e.tag == "svg")


def test_curves_are_described_with_their_ends(page: Page) -> None:
    labels = [e["aria-label"] for e in page.all("svg")]
    curves = next(label for label in labels if "validation accuracy by epoch" in label)
    assert re.search(r"cnn-adadelta ends at 9\d\.\d %", curves)


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def own_script(page: Page) -> Element:
    """The only script of the page that runs; all others are numbers that the figures hold."""
    (script,) = [e for e in page.all("script") if e["type"] != "application/json"]
    return script


def test_page_loads_nothing_and_runs_only_its_own_script(page: Page) -> None:
    """Everything is inside; a policy forbids the rest, should a name smuggle something in."""
    assert page.all("link", "iframe", "object") == []
    addresses = [e[name] for e in page.elements for name in ("src", "href", "xlink:href")]
    outside = [a for a in addresses if re.match(r"\w+:|//", a) and not a.startswith("data:")]
    assert outside == []
    assert not re.search(r"url\((?!#)|@import", page.source)
    content = next(e["content"] for e in page.all("meta") if "Policy" in e["http-equiv"])
    policy = dict(part.split(" ", 1) for part in content.split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == digest(own_script(page).text)
    assert policy["style-src-elem"] == digest(page.all("style")[0].text)
    assert len(page.all("style")) == 1


def test_numbers_inside_the_page_are_json(troubled_page: Page) -> None:
    """F5: a diverged trial leaves no NaN in what the figures hold."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    held = [e.text for e in troubled_page.all("script") if e["class"] == "readings"]
    assert len(held) >= 6
    for text in held:
        found = json.loads(text, parse_constant=refuse)
        assert len(found["x"]) == len(found["places"])
        assert all(len(line["y"]) == len(line["told"]) for line in found["lines"])


def test_links_lead_to_the_files_beside_the_page(page: Page, folder: Path) -> None:
    files = {e["href"] for e in page.all("a") if not e["href"].startswith("#")}
    assert files >= {"curves.csv", "measures.csv", "trials.csv", "verdicts.json"}
    assert all((folder / name).is_file() for name in files)


def test_no_number_is_missing_in_words(troubled_page: Page) -> None:
    """D10, D13: claims without a test, diverged and failed trials; never "nan" in prose."""
    assert not re.search(r"\b(nan|NaN|inf|None|NaT|undefined)\b", troubled_page.prose)


def test_same_results_give_the_same_bytes(results: Results, folder: Path, tmp_path: Path) -> None:
    again = write_report(results, tmp_path)
    assert again.read_bytes() == (folder / "report.html").read_bytes()


def test_main_study_is_below_three_megabytes(folder: Path) -> None:
    """4 arms x 10 replicates x 20 epochs."""
    assert (folder / "report.html").stat().st_size < 3_000_000


def test_failed_and_diverged_trials_are_told(troubled_page: Page) -> None:
    """D13: status "diverged at epoch 4"; a failure shows its traceback as text."""
    prose = troubled_page.prose
    assert "mlp-adadelta, replicate 3: diverged at epoch 4" in prose
    assert "MemoryError: <b>full</b>" in prose
    assert "1 trial diverged" in prose
    assert "38 completed, 1 diverged, 1 failed" in prose
    assert "left out of means and bands" in prose


def test_exploratory_claims_are_marked(troubled_page: Page) -> None:
    assert "exploratory" in troubled_page.by_id("claim-still-rising").text
    assert "exploratory" not in troubled_page.by_id("claim-slower-to-plateau").text


def test_untestable_claim_says_so_instead_of_numbers(page: Page) -> None:
    """D10: nobody reaches the target."""
    card = page.by_id("claim-out-of-reach").text
    assert "0/20 reached the target within 20 epochs" in card
    assert "not testable" in card
    assert "Adjusted p" not in card


def test_three_times_stand_side_by_side(tmp_path: Path) -> None:
    """G1: totals 17.0 and 13.0, steady medians 2.0 and 2.45, start-up 7.0 and 0.65."""
    claims = PAIR.format(id="pair", a="A", b="B", says="A is slower.")
    results = make_results(tmp_path, arms=["A", "B"], claims=claims, epochs=5, replicates=6)
    seconds = {"A": [9.0, 2.0, 2.1, 1.9, 2.0], "B": [3.1, 2.4, 2.5, 2.6, 2.4]}
    for arm, values in seconds.items():
        rows = results.curves["arm"] == arm
        results.curves.loc[rows, "seconds"] = np.tile(values, 6)
    page = read_page(write_report(results, tmp_path / "out"))
    rows = [e.text.split() for e in page.all("tr")]
    assert any(row[:1] == ["A"] and row[1:4] == ["17.00", "2.00", "7.00"] for row in rows)
    assert any(row[:1] == ["B"] and row[1:4] == ["13.00", "2.45", "0.65"] for row in rows)


EPOCHS_BEYOND = """
[[claims]]
id = "rises-more"
says = "Validation loss rises more with RMSprop."
compare = ["mlp-rmsprop", "mlp-rmsprop"]
beyond = ["mlp-adadelta", "mlp-adadelta"]
at_epochs = ["last", 5]
measure = { kind = "at_epoch", metric = "val_loss" }
expect = "greater"
margin = 0.0
"""


def test_all_four_sides_are_named_by_their_epochs(tmp_path: Path) -> None:
    results = make_results(tmp_path, claims=EPOCHS_BEYOND, replicates=6, epochs=8)
    prose = read_page(write_report(results, tmp_path / "out")).prose
    for side in ("mlp-rmsprop", "mlp-adadelta"):
        assert f"{side} (epoch 5) {side} (last epoch)" in prose


def test_held_streams_and_lost_determinism_are_said(tmp_path: Path) -> None:
    """B1: if determinism is switched off in the study, the report says so."""
    page = study_of(
        tmp_path, ["a", "b"], extra='deterministic = false\n[randomness]\nvary = ["init"]\n'
    )
    assert "Determinism was switched off" in page.prose
    assert "Initial weights (init): drawn anew for each replicate." in page.prose
    assert "Split of the data (split): held fixed." in page.prose


def test_names_in_other_scripts_stay_text(tmp_path: Path) -> None:
    """F2: the page and its figures hold the real characters; no glyph warning escapes."""
    page = study_of(tmp_path, ["卷积网络", "多层感知机"], says="卷积网络收敛更慢。")
    drawn = [e.text for e in page.all("svg")]
    assert any("卷积网络" in text for text in drawn)
    assert "卷积网络收敛更慢。" in page.prose


def test_odd_names_are_drawn_as_written(tmp_path: Path) -> None:
    names = ["_x", "a$b$c", r"\alpha", "lr 0.00123456", "#0b6cb0", "x^2_i", 'say "id"']
    page = study_of(tmp_path, names)
    drawn = [e.text for e in page.all("text")]
    listed = [e.text.strip() for e in page.all("li")]
    for name in names:
        assert any(name in text for text in drawn)
        assert name in listed


def test_markup_in_names_and_sentences_is_inert(tmp_path: Path) -> None:
    """Names, a sentence, a notice: all come out as text."""
    names = [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><svg onload=alert(1)>",
        "{{ 7 * 7 }}",
        "' onmouseover='alert(1)",
    ]
    page = study_of(tmp_path, names, says=f"Slow {names[0]}", notices=[f"Mind {names[1]}"])
    assert page.faults == []
    assert "alert" not in own_script(page).text
    assert not any(key.startswith("on") for e in page.elements for key in e.attributes)
    for text in [*names, f"Slow {names[0]}", f"Mind {names[1]}"]:
        assert text in page.prose


def test_arm_names_that_are_paths_write_nothing_elsewhere(tmp_path: Path) -> None:
    """F6: arms "cnn/adam", "cnn_adam" and "../x" are three arms and no files."""
    (tmp_path / "study").mkdir()
    results = make_results(
        tmp_path / "study",
        arms=["cnn/adam", "cnn_adam", "../x"],
        claims=PAIR.format(id="pair", a="cnn/adam", b="../x", says="A is slower."),
        epochs=4,
        replicates=6,
    )
    before = set(tmp_path.rglob("*"))
    write_report(results, tmp_path / "reports" / "out")
    written = set(tmp_path.rglob("*")) - before
    files = [path for path in written if path.is_file()]
    assert {path.parent for path in files} == {tmp_path / "reports" / "out"}
    assert {path.name for path in files} >= {"report.html", "curves.csv", "verdicts.json"}
    assert set(results.curves["arm"]) == {"cnn/adam", "cnn_adam", "../x"}


def test_large_study_stays_small(large: Path) -> None:
    """F1: 12 arms x 50 replicates x 100 epochs below 10 MB; raw points are in the CSV."""
    page = large / "report.html"
    assert page.stat().st_size < 10_000_000
    assert len((large / "curves.csv").read_text().splitlines()) == 60_001
    assert "first 20 trials of each arm are drawn" in page.read_text()


def test_published_runs_are_overlaid_and_named(tmp_path: Path) -> None:
    (tmp_path / "published.csv").write_text(
        "arm,epoch,seconds,loss,acc,val_loss,val_acc\n"
        + "".join(f"mlp-adadelta,{e},9,0.2,0.9{e},0.1,0.9{e}\n" for e in range(1, 6))
    )
    extra = '\n[published]\ncurves = "published.csv"\nlabel = "one laptop run"\n'
    results = make_results(tmp_path, claims=CLAIMS + extra, replicates=6, epochs=8)
    page = read_page(write_report(results, tmp_path / "out"))
    assert "Open circles: one laptop run, for arms of the same name." in page.prose


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "cannot be read"), ("arm,step\na,1\n", "no columns arm and epoch"),
     ("arm,epoch,acc\na,1,fine\n", "not numbers")],
)  # fmt: skip
def test_unusable_published_runs_are_a_notice(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "p.csv").write_text(content)
    extra = '\n[published]\ncurves = "p.csv"\nlabel = "one laptop run"\n'
    results = make_results(tmp_path, claims=CLAIMS + extra, replicates=6, epochs=8)
    page = read_page(write_report(results, tmp_path / "out"))
    assert complaint in page.prose
    assert "Open circles" not in page.prose


def test_nothing_trained_yet_is_a_page_too(tmp_path: Path) -> None:
    failed = {(arm, r): "Traceback: no memory" for arm in ("a", "b") for r in range(6)}
    page = study_of(tmp_path, ["a", "b"], failed=failed)
    assert "No trial has finished" in page.prose
    assert "12 failed" in page.prose


def test_study_without_claims_shows_its_curves(tmp_path: Path) -> None:
    results = make_results(tmp_path, arms=["a", "b"], claims="", replicates=2, epochs=4)
    page = read_page(write_report(results, tmp_path / "out"))
    assert "This study makes no claims" in page.prose
    assert "Learning curves" in page.prose


def test_one_replicate_and_one_epoch(tmp_path: Path) -> None:
    """No band, no steady epoch, no spread: a page without a warning."""
    claims = PAIR.format(id="pair", a="a", b="b", says="A is slower.")
    results = make_results(tmp_path, arms=["a", "b"], claims=claims, replicates=1, epochs=1)
    page = read_page(write_report(results, tmp_path / "out"))
    assert page.faults == []
    assert not re.search(r"\bnan\b", page.prose)


def test_unpaired_studies_say_so(tmp_path: Path) -> None:
    page = study_of(tmp_path, ["a", "b"], is_paired=False)
    assert "6 against 6 trials, not paired" in page.prose
    assert "Thin lines join" not in page.prose
    assert "Studentized permutation test" in page.prose


@pytest.mark.parametrize(
    ("study", "told"),
    [
        ("convergence", "1,500 images of mnist-5k to train on"),
        ("fashion", "15,000 images each of fashion-mnist and mnist to train on"),
        ("precision", "mnist-5k"),
    ],
)
def test_a_page_says_how_many_images_a_study_chose_to_train_on(study: str, told: str) -> None:
    assert data_words(load_study(STUDIES / f"{study}.toml").study) == told
