"""What every page is made in: templates, the style sheet, and the policy on what may be loaded."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import Any

import jinja2

from harness.language import SOURCE, _, current, ngettext, pgettext
from harness.quantities import joined
from harness.report.figure_style import palette_css


def style_sheet() -> str:
    """The style sheet, with the arms' colours for light and dark pages."""
    sheet = part("style.css")
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {palette_css(dark=True)} }} }}"
    return f"{sheet}\n:root {{ {palette_css(dark=False)} }}\n{dark}\n"


def page_name(stem: str) -> str:
    """The file name of a page in the current language: "report.html", "report.ja.html"."""
    return f"{stem}.html" if current() == SOURCE else f"{stem}.{current()}.html"


def part(name: str) -> str:
    """A file of this package that pages hold inside themselves."""
    return resources.files("harness.report").joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style sheet and this script, and nothing from outside.

    Figures carry style attributes; browsers that cannot allow these alone take ``style-src``.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"script-src {_hash(script)}",
            f"style-src-elem {_hash(style)}",
            "style-src-attr 'unsafe-inline'",
            "style-src 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def script_words() -> str:
    """What the script says, in the current language, as the JSON document that it reads."""
    words = {
        "original": _("Original order"),
        "ascending": _("Sorted by {column}, ascending"),
        "descending": _("Sorted by {column}, descending"),
        "chosen": _("{n} chosen; the others are dimmed"),
        "alike": _("All arms are shown alike"),
        "copied": _("Copied"),
        "refused": _("Cannot copy here"),
        "values": _("{title}: values by {along}"),
        "place": _("{along} {place}"),
        "told": _("{place}: {values}"),
        "none": pgettext("how cells without a value begin", "n/a|–|-|none|not ").split("|"),
    }
    return embedded_json(words)


def embedded_json(document: object) -> str:
    """A JSON document for an element of the page; nothing in it can end that element."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def templates() -> jinja2.Environment:
    """What turns the page's templates into HTML, in the current language; everything is escaped."""
    environment = jinja2.Environment(
        extensions=["jinja2.ext.i18n"],
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    environment.install_gettext_callables(_, ngettext, pgettext=pgettext)  # type: ignore[attr-defined]
    environment.globals.update(language=current(), joined=joined, script_words=script_words)
    environment.filters["slug"] = lambda outcome: outcome.replace(" ", "-")
    environment.filters["px"] = lambda dash: f"{dash * 1.6:g}"
    return environment


def _unbroken(value: Any) -> Any:
    """Keep a number and its sign on one line: "95 %", "< 0.001"."""
    if type(value) is not str:  # markup is left as it is
        return value
    return value.replace(" %", "\N{NO-BREAK SPACE}%").replace("< 0", "<\N{NO-BREAK SPACE}0")
