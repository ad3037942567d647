"""The language of reports: English is the source text, other languages come from catalogs.

Code writes whole sentences in English with named parts, ``_("{a} beats {b}.").format(a=…, b=…)``,
and marks what is said later, such as a constant, with `N_`. What is decided before anybody knows
in which language it will be read, such as why a claim cannot be tested, is a `said` sentence: an
English string that `_` can tell again in another language. Catalogs are
``locale/<language>/LC_MESSAGES/harness.po``.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from typing import Any, Self, TypeVar


class Language(StrEnum):
    """The languages there are, by their codes."""

    EN = "en"
    JA = "ja"


SOURCE = Language.EN
LANGUAGES = tuple(Language)
CATALOG = "locale/{language}/LC_MESSAGES/harness.po"
Text = TypeVar("Text", bound=str)
_language: ContextVar[str] = ContextVar("language", default=SOURCE)
_own_words: ContextVar[Mapping[str, str]] = ContextVar("own_words", default={})  # noqa: B039


def current() -> str:
    """The language that is written in now: "en" unless `using` says otherwise."""
    return _language.get()


@contextmanager
def using(language: str, own_words: Mapping[str, str] | None = None) -> Iterator[None]:
    """Write in a language within a ``with`` block.

    Args:
        language: One of `LANGUAGES`.
        own_words: What a study's author says in that language, by what the study file says.

    Raises:
        ValueError: There is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"unknown language {language!r}; there are {', '.join(LANGUAGES)}")
    tokens = _language.set(language), _own_words.set(own_words or {})
    try:
        yield
    finally:
        _language.reset(tokens[0])
        _own_words.reset(tokens[1])


class Said(str):
    """A sentence told in English that `_` tells again in the language of its reader.

    Its parts may themselves be sentences that were said, or functions without arguments that write
    numbers with their units; all else stays as it is.
    """

    __slots__ = ("parts", "template")
    template: str
    parts: dict[str, Any]

    def __new__(cls, template: str, parts: dict[str, Any]) -> Self:
        """A sentence from its template and the template's parts."""
        if current() == SOURCE:
            self = super().__new__(cls, _filled(template, parts))
        else:
            with using(SOURCE):
                self = super().__new__(cls, _filled(template, parts))
        self.template, self.parts = template, parts
        return self

    def __getnewargs__(self) -> tuple[str, dict[str, Any]]:  # type: ignore[override]
        """What a copy in another process is made of."""
        return self.template, self.parts


def said(template: str, **parts: Any) -> Said:
    """A sentence to be told later: English for now, and whatever language `_` finds."""
    return Said(template, parts)


def N_(message: Text) -> Text:  # noqa: N802 - gettext's name
    """A message that is marked here and translated where it is used, by `_`."""
    return message


def PN_(context: str, message: str) -> tuple[str, str]:  # noqa: N802
    """A message with its context, marked here and translated where it is used, by `pgettext`."""
    return context, message


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802
    """A message in its two forms, marked here and translated where it is used, by `ngettext`."""
    return singular, plural


def _(message: str) -> str:
    """A message, or a sentence that was `said`, in the current language."""
    if isinstance(message, Said):
        return _filled(_(message.template), message.parts)
    if current() == SOURCE or not message:
        return message
    own = _own_words.get().get(message)
    return _catalog(current()).gettext(message) if own is None else own


def name_of(name: str) -> str:
    """A name as somebody gave it, which is never translated, with what was `said` around it."""
    return _(name) if isinstance(name, Said) else name


def ngettext(singular: str, plural: str, n: int) -> str:
    """The form of a message that goes with a count."""
    if current() == SOURCE:
        return singular if n == 1 else plural
    return _catalog(current()).ngettext(singular, plural, n)


def pgettext(context: str, message: str) -> str:
    """A message whose translation depends on where it stands."""
    if current() == SOURCE:
        return message
    return _catalog(current()).pgettext(context, message)


def _filled(template: str, parts: dict[str, Any]) -> str:
    return template.format(**{key: _part(part) for key, part in parts.items()})


def _part(part: Any) -> Any:
    if callable(part):
        return part()
    return _(part) if isinstance(part, Said) else part


@cache
def _catalog(language: str) -> gettext.GNUTranslations:
    from importlib import resources  # noqa: PLC0415 - English needs neither

    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    source = resources.files("harness").joinpath(CATALOG.format(language=language))
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source.read_bytes()), locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
