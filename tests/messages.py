"""The catalogs of the reports' words: what the code says, and the translations of it.

``python -m tests.messages`` brings the catalogs up to date with the code: new messages are added
without a translation, translations are kept, and what is no longer said is set aside at the end.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from harness.language import CATALOG, LANGUAGES, SOURCE

HARNESS = Path(__file__).parent.parent / "harness"
KEYWORDS = {
    "_": None,
    "N_": None,
    "said": None,
    "gettext": None,
    "ngettext": (1, 2),
    "NN_": (1, 2),
    "PN_": ((1, "c"), 2),
    "pgettext": ((1, "c"), 2),
}
HEADER = """\
# Words of the reports; `nox -s messages` brings this file up to date with the code.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plural_forms}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
METHODS = [("**.py", "python"), ("**.j2", "jinja2")]


def extracted() -> Catalog:
    """All messages of the code and the templates, by the file that says them first."""
    found = Catalog()
    rows = extract_from_dir(
        HARNESS,
        method_map=METHODS,
        options_map={"**.j2": {"trimmed": "true"}},
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        strip_comment_tags=True,
    )
    for file, _line, message, comments, context in sorted(rows, key=lambda row: row[:2]):
        found.add(
            message, locations=[(file, None)], auto_comments=comments, context=context, flags=()
        )
    return found


def catalog_file(language: str) -> Path:
    """Where a language's catalog is."""
    return HARNESS / CATALOG.format(language=language)


def translations(language: str) -> Catalog:
    """A language's catalog as it is."""
    with catalog_file(language).open("rb") as file:
        return read_po(file, locale=language)


def key_of(message: Message) -> tuple[object, str | None]:
    """What a message is known by: its English forms and its context."""
    return message.id, message.context


def is_translated(message: Message) -> bool:
    """Whether a message has any words in the catalog's language."""
    return any(message.string or "")


def merged(language: str) -> Catalog:
    """The messages of the code with the translations that there are; the rest is obsolete."""
    old, new = translations(language), extracted()
    known = {key_of(m): m for m in [*old.obsolete.values(), *old] if m.id and is_translated(m)}
    fresh = Catalog(locale=language)
    for message in new:
        if not message.id:
            continue
        translated = known.pop(key_of(message), None)
        fresh.add(
            message.id,
            None if translated is None else translated.string,
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    for message in known.values():
        fresh.obsolete[message.id] = message
    return fresh


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One update at a time."""
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def update(language: str) -> int:
    """Bring a catalog up to date; how many messages lack a translation."""
    file = catalog_file(language)
    with _alone(file):
        catalog = merged(language)
        with file.open("wb") as out:
            header = HEADER.format(language=language, plural_forms=catalog.plural_forms)
            out.write(header.encode())
            write_po(out, catalog, width=0, omit_header=True, include_lineno=False)
    return sum(not is_translated(message) for message in catalog if message.id)


if __name__ == "__main__":
    for language in LANGUAGES:
        if language != SOURCE:
            missing = update(language)
            print(f"{catalog_file(language)}: {missing} messages to translate")
