"""A verdict as Markdown: whole, and shown by any reader of Markdown as it is."""

from __future__ import annotations

from pathlib import Path

from harness.prose import nuance_words, words
from harness.report.cards import verdict_cards, verdict_markdown
from harness.results import Results
from tests.report.invented import PAIR, make_results


def test_markdown_holds_what_the_card_says(results: Results) -> None:
    verdict = next(v for v in results.verdicts if v.claim.id == "slower-to-target")
    lines = verdict_markdown(verdict).splitlines()
    assert lines[0] == f"**✓ supported**: {verdict.claim.says}"
    assert lines[2] == words.stopped(words.finding(verdict))
    assert lines[4] == "| effect | 95 % interval | adjusted p | compared | margin |"
    assert lines[6].startswith(f"| {words.effect_words(verdict)} | ")
    assert lines[-1] == f"What would change this? {nuance_words.what_would_change(verdict)}"


def test_markdown_of_what_nobody_could_test_has_no_table(results: Results) -> None:
    """D10: no empty cells, only the reason."""
    verdict = next(v for v in results.verdicts if v.claim.id == "out-of-reach")
    text = verdict_markdown(verdict)
    assert "not testable: 0/20 reached the target within 20 epochs." in text
    assert "|" not in text


def test_names_stay_as_they_are_in_markdown(tmp_path: Path) -> None:
    claims = PAIR.format(id="pair", a="_x_", b="<b>|", says="*This* is slower.")
    study = make_results(tmp_path, arms=["_x_", "<b>|"], claims=claims, replicates=6, epochs=8)
    text = verdict_markdown(study.verdicts[0])
    assert r"\*This\* is slower." in text
    assert r"\_x\_" in text
    assert r"\<b\>\|" in text


def test_cards_know_the_arms_of_a_pattern(results: Results) -> None:
    cards = {card["id"]: card for card in verdict_cards(results)}
    assert cards["better-in-the-end"]["arms"] == [
        "cnn-adadelta", "cnn-rmsprop", "mlp-rmsprop", "mlp-adadelta"
    ]  # fmt: skip
    assert cards["still-rising"]["arms"] == ["mlp-rmsprop", "mlp-rmsprop"]
