"""What a study file says in other languages than its own."""

from __future__ import annotations

from pydantic import Field

from harness.study_values import NonEmpty, Section


class Translation(Section):
    """``[translations.<language>]``: the study's own words, for reports in that language.

    What is not translated stays as it is. Words decide nothing: they can be translated at any time.

    Attributes:
        question: The study's question.
        claims: What the claims say, by their ids.
        published: What the published runs are called.
    """

    question: NonEmpty | None = None
    claims: dict[str, NonEmpty] = Field(default_factory=dict)
    published: NonEmpty | None = None


class Translations(Section):
    """``[translations]``: the study's own words in other languages.

    Attributes:
        ja: In Japanese.
    """

    ja: Translation | None = None
