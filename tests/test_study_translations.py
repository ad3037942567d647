"""A study's own words in other languages: checked, told, and of no effect on anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.plan import plan_trials
from harness.protocol import protocol
from harness.study_file import load_study, study_document, study_from_document
from harness.study_meaning import own_words
from harness.study_problems import StudyError
from tests.test_study_file import GOOD

JAPANESE = """
[translations.ja]
question = "そうでしょうか。"

[translations.ja.claims]
one = "a は b より高い値で終わります。"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_a_study_says_is_found_by_what_its_file_says(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD + JAPANESE)).study
    assert own_words(study, "ja") == {
        "Is it?": "そうでしょうか。",
        "a ends above b.": "a は b より高い値で終わります。",
    }
    assert own_words(study, "en") == {}
    assert own_words(load_study(write(tmp_path, GOOD)).study, "ja") == {}


def test_translations_change_neither_trials_nor_what_was_claimed(tmp_path: Path) -> None:
    plain = load_study(write(tmp_path, GOOD)).study
    told = load_study(write(tmp_path, GOOD + JAPANESE)).study
    assert plan_trials(told, {}) == plan_trials(plain, {})
    assert protocol(told, {}) == protocol(plain, {})


def test_translations_go_with_the_results(tmp_path: Path) -> None:
    loaded = load_study(write(tmp_path, GOOD + JAPANESE))
    again = study_from_document(study_document(loaded), tmp_path)
    assert own_words(again.study, "ja") == own_words(loaded.study, "ja")


def test_words_that_a_profile_changes_lose_their_translation(tmp_path: Path) -> None:
    changed = """
[profiles.other]
study.question = "Is it otherwise?"
claims.one.says = "a ends above b by far."
"""
    also = 'translations.ja.claims.one = "a は b よりはるかに高い値で終わります。"'
    file = write(tmp_path, GOOD + JAPANESE + changed)
    assert own_words(load_study(file, "other").study, "ja") == {}
    assert len(own_words(load_study(file).study, "ja")) == 2
    file = write(tmp_path, GOOD + JAPANESE + changed + also)
    assert own_words(load_study(file, "other").study, "ja") == {
        "a ends above b by far.": "a は b よりはるかに高い値で終わります。"
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '[translations.ja.claims]\none2 = "…"',
            'translations.ja.claims.one2: there is no claim "one2"; claims: one',
        ),
        ('[translations.jp]\nquestion = "…"', "translations.jp: unknown key; allowed here: ja"),
        ('[translations.ja]\nquestions = "…"', 'did you mean "question"'),
        ('[translations.ja]\nquestion = " "', "translations.ja.question"),
        (
            '[translations.ja]\npublished = "…"',
            "translations.ja.published: the study has no [published] runs; drop it",
        ),
    ],
)
def test_a_translation_of_what_is_not_there_is_refused(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, GOOD + text))
    assert expected in str(caught.value)
