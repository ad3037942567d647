"""How every figure looks: one colour and dash per arm, and SVG that follows the page's theme.

Figures are drawn with placeholder colours that `as_svg` turns into CSS variables, so that one SVG
serves light and dark pages, and text stays text in the page's own fonts.
"""

from __future__ import annotations

import html
import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.textpath import text_to_path

# Okabe & Ito's hues (2008), told apart under the common colour blindnesses; darkened for white
# paper and lightened for dark screens until each has a contrast of 3:1 with its ground.
_LIGHT = ("#0b6cb0", "#c8500a", "#0c8a66", "#b3508c", "#9a7400", "#4a5568")
_DARK = ("#5fb2f2", "#ff8f4d", "#3ecfa2", "#ea90c4", "#e3bd3f", "#b8c2d0")
_DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 2.0), (1.6, 1.6), (7.0, 2.0, 1.6, 2.0))
PANEL = (4.1, 2.75)  # inches; small, so that text stays readable on a narrow screen

INK, MUTED, GRID, ZONE = "#1d2430", "#5d6675", "#dfe3e9", "#e9edf3"
_THEMED = {INK: "--ink", MUTED: "--muted", GRID: "--grid", ZONE: "--zone"} | {
    colour: f"--arm-{i}" for i, colour in enumerate(_LIGHT)
}
_TAG = re.compile(r"<[^>]+>")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn in every figure.

    Attributes:
        place: The arm's place in the study, which marks all that is drawn of it.
        colour: Placeholder colour for matplotlib.
        css: The CSS variable that takes its place in the page.
        dashes: On and off lengths in line widths; empty for a solid line.
    """

    place: int
    colour: str
    css: str
    dashes: tuple[float, ...]

    @property
    def mark(self) -> str:
        """The ``gid`` that makes an artist this arm's in the page: ``data-arm`` in the SVG."""
        return f"arm-{self.place}"

    @property
    def line(self) -> dict[str, Any]:
        """Colour, dash and mark as matplotlib's line settings."""
        dash = (0, self.dashes) if self.dashes else "solid"
        return {"color": self.colour, "linestyle": dash, "gid": self.mark}


def arm_styles(names: Sequence[str]) -> dict[str, ArmStyle]:
    """A style for each arm, in order; the first 24 pairs of colour and dash differ (case F4)."""
    colours, dashes = len(_LIGHT), len(_DASHES)
    return {
        name: ArmStyle(
            place=i,
            colour=_LIGHT[i % colours],
            css=f"--arm-{i % colours}",
            dashes=_DASHES[(i + i // colours) % dashes],
        )
        for i, name in enumerate(names)
    }


def palette_css(*, dark: bool) -> str:
    """The arms' colours as CSS variables."""
    colours = _DARK if dark else _LIGHT
    return " ".join(f"--arm-{i}: {colour};" for i, colour in enumerate(colours))


def short(name: str, length: int = 26) -> str:
    """A name that fits a figure; the page has it in full.

    Args:
        name: The name; characters as wide as they are high, as in Japanese, count twice.
        length: How many characters of Latin script have room.
    """
    columns = list(accumulate(2 if _is_wide(character) else 1 for character in name))
    if not columns or columns[-1] <= length:
        return name
    return name[: sum(end < length for end in columns)] + "…"


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in {"W", "F"}


@contextmanager
def _measuring_wide_text() -> Iterator[None]:
    """Give every wide character the width of one em, whatever fonts this machine has.

    The browser finds the glyphs; matplotlib must only leave room for them. A "W" of its own font is
    as wide as that.
    """
    measure = RendererSVG.get_text_width_height_descent

    def measure_all(_: RendererSVG, text: str, *how: Any) -> tuple[float, float, float]:
        return _text_size("".join("W" if _is_wide(c) else c for c in text), *how)

    RendererSVG.get_text_width_height_descent = measure_all  # type: ignore[method-assign]
    try:
        yield
    finally:
        RendererSVG.get_text_width_height_descent = measure  # type: ignore[method-assign]


@lru_cache(maxsize=4096)
def _text_size(text: str, *how: Any) -> tuple[float, float, float]:
    """As SVG measures it; figures have most of their texts in common."""
    size: tuple[float, float, float] = text_to_path.get_text_width_height_descent(text, *how)
    return size


def _settings() -> Any:
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "axes.edgecolor": MUTED,
        "axes.formatter.use_mathtext": False,
        "axes.formatter.useoffset": False,
        "axes.grid": True,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 9,
        "axes.linewidth": 0.6,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.family": ["DejaVu Sans"],
        "font.size": 9,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "text.color": INK,
        "text.parse_math": False,
        "xtick.color": MUTED,
        "xtick.labelsize": 8.6,
        "xtick.major.size": 2.5,
        "ytick.color": MUTED,
        "ytick.labelsize": 8.6,
        "ytick.major.size": 2.5,
    }


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in the report's style, outside pyplot's global state.

    Args:
        width: Inches; the page scales it to the room there is.
        height: Inches.
    """
    with mpl.rc_context(_settings()), _measuring_wide_text(), warnings.catch_warnings():
        # Text stays text: a glyph that matplotlib's fonts lack is drawn by the browser.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield Figure(figsize=(width, height), layout="constrained")


def as_svg(figure: Figure, key: str, alt: str) -> str:
    """A figure as an inline SVG element that takes its colours and fonts from the page.

    Args:
        figure: A figure from `drawing`, whose context is still open.
        key: Unique in the page; keeps the SVG's inner ids apart from those of other figures.
        alt: What the figure shows, for those who do not see it.
    """
    _lay_out(figure)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": key}):
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", metadata=metadata)
    return _themed(buffer.getvalue(), alt)


def _lay_out(figure: Figure) -> None:
    """Give everything its place, which saving would do by drawing the whole figure once more."""
    FigureCanvasSVG(figure)
    figure.set_dpi(72)  # SVG's own
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")


def _themed(svg: str, alt: str) -> str:
    """Make matplotlib's SVG part of the page; names in its texts are left exactly as they are."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style type=\"text/css\">.*?</style>", "", svg, count=1, flags=re.DOTALL)
    used = frozenset(re.findall(r'(?:href="#|url\(#)([\w.-]+)', svg))
    svg = _TAG.sub(lambda tag: _themed_tag(tag[0], used), svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{html.escape(alt)}">'
    return head + svg[svg.index(">") + 1 :].strip()


def _themed_tag(tag: str, used: frozenset[str]) -> str:
    tag = tag.replace("xlink:href", "href")
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    tag = re.sub(r' id="arm-(\d+)"', r' data-arm="\1"', tag)
    tag = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", tag)
    tag = re.sub(r"\s*\n\s*", " ", tag)
    if tag.startswith("<path d=") and " C " not in tag:
        tag = re.sub(r"(\d+\.\d)\d+", r"\1", tag).replace(" L ", " ")  # a line is implied
    else:
        tag = re.sub(r"(\d+\.\d{2})\d+", r"\1", tag)
    return _COLOUR.sub(lambda m: f"var({_THEMED[m[0]]}, {m[0]})" if m[0] in _THEMED else m[0], tag)
