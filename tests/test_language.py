"""Reports in other languages: whole catalogs, true sentences, and English as it always was."""

from __future__ import annotations

import ast
import pickle
import re
import string
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from babel.messages.catalog import Message

from harness.language import (
    LANGUAGES,
    SOURCE,
    Language,
    _,
    current,
    name_of,
    ngettext,
    pgettext,
    said,
    using,
)
from harness.log_notices import run_notices
from harness.logs.run import Run
from harness.prose import answer_words, nuance_words, words
from harness.prose.phrases import METRICS
from harness.quantities import amount, duration, either, given_amount, joined, listed, plural
from harness.study_translations import Translations
from harness.verdicts import Outcome, Verdict
from tests.messages import HARNESS, extracted, is_translated, key_of, translations
from tests.prose.test_words import FINAL, REACH, SLOWER, judge

OTHERS = [language for language in LANGUAGES if language != SOURCE]
UPDATE = "run `nox -s messages`, then translate"


@pytest.fixture
def japanese() -> Iterator[None]:
    with using("ja"):
        yield


def test_the_command_line_and_the_study_file_know_every_language() -> None:
    assert tuple(Language) == LANGUAGES
    assert list(Translations.model_fields) == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_of_the_code_is_translated(language: str) -> None:
    known = {key_of(m) for m in translations(language) if is_translated(m)}
    missing = [m.id for m in extracted() if m.id and key_of(m) not in known]
    assert not missing, f"{UPDATE} these: {missing}"


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_is_no_longer_said(language: str) -> None:
    catalog, said_now = translations(language), {key_of(m) for m in extracted()}
    stale = [m.id for m in catalog if m.id and key_of(m) not in said_now]
    assert not stale, f"{UPDATE}; these are stale: {stale}"
    assert not catalog.obsolete, "delete the lines that begin with #~"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_placeholders_of_its_message(language: str) -> None:
    different = [m.id for m in translations(language) if m.id and not _same_placeholders(m)]
    assert not different


def _same_placeholders(message: Message) -> bool:
    """A form of a plural may leave its count out ("both"), but name nothing else."""
    forms = message.id if isinstance(message.id, tuple) else (message.id,)
    told = message.string if isinstance(message.string, tuple) else (message.string,)
    allowed = [_placeholders(form) for form in forms]
    return all(_placeholders(one) in allowed for one in told)


def _placeholders(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


TELLERS = {"_", "N_", "NN_", "PN_", "ngettext", "pgettext", "said"}
REPORTED = [
    file
    for folder in ("prose", "report")
    for file in (HARNESS / folder).glob("*.py")
    if file.name not in {"plan_words.py", "gate_words.py"}  # for the terminal alone
]


def calls(file: Path, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


@pytest.mark.parametrize("file", sorted(HARNESS.rglob("*.py")), ids=lambda file: file.stem)
def test_a_message_is_never_filled_before_it_is_translated(file: Path) -> None:
    """An f-string, or a template filled inside the parentheses, is found in no catalog."""
    for call in calls(file, TELLERS):
        for argument in call.args:
            filled = isinstance(argument, ast.Call) and isinstance(argument.func, ast.Attribute)
            assert not isinstance(argument, ast.JoinedStr | ast.BinOp), call.lineno
            assert not (filled and argument.func.attr == "format"), call.lineno


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("file", REPORTED, ids=lambda file: file.stem)
def test_whatever_a_report_counts_has_a_word(file: Path) -> None:
    for call in calls(file, {"plural"}):
        noun = call.args[1]
        for either_noun in (noun.body, noun.orelse) if isinstance(noun, ast.IfExp) else (noun,):
            if isinstance(either_noun, ast.Constant):
                assert not re.search("[a-z]", plural(2, str(either_noun.value))), call.lineno


def test_english_is_the_source_and_needs_no_catalog() -> None:
    assert current() == "en"
    assert _("supported") == "supported"
    assert ngettext("{n} trial", "{n} trials", 1) == "{n} trial"
    assert pgettext("anywhere", "seconds") == "seconds"


def test_a_language_ends_with_its_block_and_stays_in_its_context() -> None:
    with using("ja"):
        assert copy_context().run(current) == "ja"
        with using("en"):
            assert _("supported") == "supported"
        assert _("supported") == "支持"
    assert current() == "en"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown language 'fr'; there are en, ja"), using("fr"):
        pass


def test_a_sentence_that_was_said_is_english_until_it_is_told() -> None:
    with using("ja"):
        reason = said(
            "not testable: 0/{n} reached the target within {horizon}",
            n=10,
            horizon=partial(given_amount, 20.0, "epochs"),
        )
        assert reason == "not testable: 0/10 reached the target within 20 epochs"
        assert _(reason) == "検定できません: 20エポック以内に目標に到達したのは0/10です"
    assert _(reason) == reason


def test_a_sentence_that_was_said_survives_the_way_to_another_process() -> None:
    inner = said("exact sign-flip permutation ({count} arrangements)", count="1,024")
    again = pickle.loads(pickle.dumps(said("TOST by {test}", test=inner)))
    assert again == "TOST by exact sign-flip permutation (1,024 arrangements)"
    with using("ja"):
        assert _(again) == "TOST(正確な符号反転置換検定(1,024通り))"


@pytest.mark.usefixtures("japanese")
def test_a_name_is_not_taken_for_a_word_of_the_reports() -> None:
    assert _("dropout") == "ドロップアウト"
    assert name_of("dropout") == "dropout"
    assert name_of(said("{arm} (last epoch)", arm="dropout")) == "dropout(最終エポック)"


@pytest.mark.usefixtures("japanese")
def test_notices_of_logs_are_told_in_japanese() -> None:
    run = Run(
        np.array([1, 2]),
        {"val_accuracy": np.array([0.5, 0.6])},
        arm="cnn",
        replicate="0",
        notices=(said("{metric} was taken as percent", metric="val_accuracy"),),
    )
    runs = [replace(run, replicate=str(i)) for i in range(5)]
    clean = replace(run, replicate="5", notices=())
    assert [_(told) for told in run_notices(runs)] == [
        "全5件の実行: val_accuracy はパーセントとみなしました"
    ]
    assert [_(told) for told in run_notices([*runs, clean])] == [
        "cnn の実行 0、cnn の実行 1、cnn の実行 2、ほか2件: val_accuracy はパーセントとみなしました"
    ]


def test_what_a_study_says_itself_comes_before_the_catalog() -> None:
    with using("ja", {"It is so.": "そのとおりです。"}):
        assert _("It is so.") == "そのとおりです。"
        assert _("It is not.") == "It is not."
    with using("ja"):
        assert _("It is so.") == "It is so."


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize(
    ("told", "japanese_text"),
    [
        (partial(plural, 1, "pair"), "1組"),
        (partial(plural, 1200, "trial"), "1,200試行"),
        (partial(amount, 0.008, "accuracy"), "0.8ポイント"),
        (partial(given_amount, 1.0, "epochs"), "1エポック"),
        (partial(duration, 40), "40秒"),
        (partial(duration, 12 * 60), "12分"),
        (partial(duration, 3.5 * 3600), "3.5時間"),
        (partial(listed, ["A", "B", "C"]), "A、B、C"),
        (partial(either, ["A", "B"]), "AまたはB"),
        (partial(joined, ["一つ目です。", "", "二つ目です。"]), "一つ目です。二つ目です。"),
        (partial(words.sentence, "差はありません"), "差はありません。"),
        (partial(words.stopped, "差はありません。"), "差はありません。"),
    ],
)
def test_quantities_and_sentences_in_japanese(told: Callable[[], str], japanese_text: str) -> None:
    assert told() == japanese_text


A, B = [0.981, 0.983, 0.982, 0.984, 0.982, 0.983], [0.975, 0.974, 0.976, 0.975, 0.973, 0.974]
NOISE = [0.001, -0.002, 0.003, 0.0, 0.002, -0.001, 0.001, -0.001]
VERDICTS: dict[str, Callable[[], Verdict]] = {
    "supported": partial(judge, *SLOWER),
    "contradicted": partial(judge, *SLOWER, expect="less", exploratory=True),
    "practically equal": partial(
        judge, [0.9 + x for x in NOISE], [0.9] * 8, measure=FINAL, margin=0.005
    ),
    "inconclusive": partial(
        judge, [5, 6, 7], [8, 9, 10, 11, 12], late=([20, 20], []), measure=REACH
    ),
    "beyond the margin": partial(judge, A, B, measure=FINAL, margin=0.002, expect="equivalent"),
    "not testable": partial(judge, [], [], late=([20] * 5, [20] * 5), measure=REACH),
    "spread": partial(judge, A, B, measure=FINAL, margin=0.0, statistic="spread"),
    "no difference": partial(judge, A, A, measure=FINAL, margin=0.0, expect="different"),
    "seconds": partial(judge, A, B, measure={"kind": "seconds_to", "target": 0.9}, is_paired=False),
    "share of the gain": partial(
        judge, *SLOWER, measure={"kind": "epochs_to_fraction", "fraction": 0.9}
    ),
    "rise": partial(judge, A, B, measure={"kind": "rise"}, margin=0.0),
}


def everything_said(verdict: Verdict) -> str:
    """All that is told about a verdict, but for the study's own words."""
    return "\n".join(
        [
            answer_words.answer_lead([verdict]),
            words.verdict_sentence(verdict),
            answer_words.headline(verdict),
            *nuance_words.nuances(verdict),
            nuance_words.what_would_change(verdict),
            words.effect_words(verdict),
            words.interval_words(verdict),
            words.sample_words(verdict),
            words.margin_words(verdict),
            *map(_, [verdict.test.method, *verdict.sensitivity, *verdict.effect_sizes]),
            *(_(test.reason or test.method) for test in verdict.sensitivity.values()),
        ]
    )


NAMES = {
    *("cnn", "mlp", "CPU", "p", "t", "n", "a", "g", "g_z", "z", "n/a"),
    *("Holm", "Hedges", "Welch", "Wilcoxon", "wilcox", "Mann", "Whitney", "Brunner", "Munzel"),
    *("TOST", "U"),
}
"""Latin words that stand in Japanese sentences: arms, people, symbols."""


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize("case", VERDICTS)
def test_no_english_is_left_in_what_is_said_of_a_verdict(case: str) -> None:
    text = everything_said(VERDICTS[case]())
    left = set(re.findall(r"[A-Za-z_]+(?:/[A-Za-z]+)?", text)) - NAMES
    assert not left, text
    assert not re.search(r"[。、] | [。、]|\.\n|。。|\{", text), text


@pytest.mark.parametrize("case", VERDICTS)
def test_numbers_are_the_same_in_both_languages(case: str) -> None:
    """A translation may move a number, and neither drop nor change it."""
    verdict = VERDICTS[case]()
    english = words.verdict_sentence(verdict)
    with using("ja"):
        japanese_text = words.verdict_sentence(verdict)
    numbers = [sorted(re.findall(r"−?\d[\d.,/]*\d|\d", text)) for text in (english, japanese_text)]
    assert numbers[0] == numbers[1]


@pytest.mark.usefixtures("japanese")
@pytest.mark.parametrize(
    ("case", "text"),
    [
        (
            "supported",
            "支持: cnn の検証精度が安定するまでのエポック数は mlp より3.4エポック多いです"
            "(95%信頼区間 2.7〜4.0、補正後の p = 0.002、10組)。",
        ),
        (
            "practically equal",
            "実質的に同等: cnn と mlp の最終検証精度の差は0.5ポイントより小さいです。"
            "観測された差: cnn のほうが0.04ポイント高い"
            "(90%信頼区間 −0.07〜0.15、差の有無についての補正後の p = 0.69、8組)。",
        ),
        (
            "inconclusive",
            "判断できない: 「cnn が検証精度98%に達するまでのエポック数は mlp より多い」"
            "と言えるかどうかは、このデータからは分かりません。"
            "観測された差: cnn のほうが1.6エポック多い"
            "(95%信頼区間 上下限なし、補正後の p = 0.62、5組)。",
        ),
        (
            "not testable",
            "判断できない。検定できません: 20エポック以内に目標に到達したのは0/10です。",
        ),
    ],
)
def test_verdicts_read_as_japanese_sentences(case: str, text: str) -> None:
    assert words.verdict_sentence(VERDICTS[case]()) == text


@pytest.mark.usefixtures("japanese")
def test_outcomes_and_metrics_have_names_of_their_own() -> None:
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    named = [_(text) for text in (*outcomes, *METRICS.values())]
    assert len(set(named)) == len(named)
    assert not any(text.isascii() for text in named)
