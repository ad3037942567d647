"""A page as a browser's parser sees it: elements, texts, and whether its tags fit together."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "input", "hr"}
SILENT = {"style", "script", "title"}


@dataclass
class Element:
    """An element and all the text inside it, but for that of scripts and styles within."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")


@dataclass
class Page(HTMLParser):
    """A parsed page; ``elements`` are in document order."""

    source: str
    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        self.faults += [f"<{element.tag}> is never closed" for element in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes nothing that is open")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        silent = bool(self.open) and self.open[-1].tag in SILENT
        for element in self.open[-1:] if silent else self.open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """Every element of these tags."""
        return [element for element in self.elements if element.tag in tags]

    def by_id(self, name: str) -> Element:
        """The element of an id."""
        return next(element for element in self.elements if element["id"] == name)

    @property
    def prose(self) -> str:
        """All that a reader reads, alternative texts included, spaces evened out."""
        texts = [
            self.all("body")[0].text,
            *(e["aria-label"] + " " + e["alt"] for e in self.elements),
        ]
        return " ".join(" ".join(texts).split())


def read_page(file: Path) -> Page:
    """Parse an HTML file."""
    return Page(file.read_text(encoding="utf-8"))
