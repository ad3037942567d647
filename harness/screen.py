"""The terminal: what studies and logs bring is shown there, and never obeyed.

A terminal takes control characters for orders: to clear the screen, to rewrite the line above, to
change the window's title. A name or a sentence from a file may hold them.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_CONTROLS = [code for code in (*range(0x20), 0x7F) if chr(code) not in "\n\t"]
_WRITTEN_OUT = (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = {
    **{code: chr(0x2421 if code == 0x7F else 0x2400 + code) for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _WRITTEN_OUT},
}


def is_terminal(console: Console) -> bool:
    """Say whether a console prints where people watch, and what is there may be painted over.

    rich takes any output for a terminal where FORCE_COLOR is set: that asks for colours in logs,
    too, not for bars and broken lines.
    """
    return console.is_terminal and console.file.isatty() and not console.is_dumb_terminal


def visible(text: str) -> str:
    """A text whose control characters are signs to read: "␛[31m" for the code of red.

    Those without a sign of their own, the C1 controls and the marks that reverse the direction of
    writing, are written out by their number.
    """
    return text.translate(_VISIBLE)


class Screen(Console):
    """A console that prints every text with its control characters visible; styles stay styles."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of a renderable; those by which rich itself steers are left alone."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)
