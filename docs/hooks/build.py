"""What the build of the documentation does beyond Markdown (MkDocs calls these functions by name).

Reference pages are written from the code at each build, so they cannot be stale. Formulas become
MathML, which browsers draw by themselves. A page that would load anything from elsewhere stops the
build.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File
from reference import GENERATED

_MARK = re.compile(r"^<!-- generated: ([\w-]+) -->$", re.MULTILINE)
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
_TAG = re.compile(r"<(?:script|link|img|iframe|source|video|audio|object|embed|form)\b[^>]*>", re.I)
_FROM_ELSEWHERE = re.compile(r"""(?:src|srcset|href|data|action)\s*=\s*["']?(?:https?:)?//""", re.I)
_IMPORTS = re.compile(r"""(?:@import\s|url\()\s*["']?(?:https?:)?//""", re.I)
_EXAMPLE = Path("reports/convergence/report.html")


def on_config(config: Any) -> Any:
    """Fill the part of the navigation that is a whole folder: a page for each kind of logs."""
    folder = Path(config.docs_dir) / "logs"
    pages = sorted(f"logs/{page.name}" for page in folder.glob("*.md"))
    pages.sort(key=lambda page: page != "logs/index.md")
    if pages:
        config.nav.insert(3, {"Logs from elsewhere": pages})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Put the report of the main study beside the pages, as an example to open."""
    source = Path(config.config_file_path).parent / _EXAMPLE
    files.append(File.generated(config, "example-report.html", abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Write the reference where a page asks for it."""
    del config, files

    def written(mark: re.Match[str]) -> str:
        if mark[1] not in GENERATED:
            raise PluginError(f"{page.file.src_path}: nothing is called {mark[1]}")
        return GENERATED[mark[1]]()

    return _MARK.sub(written, markdown)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Turn formulas into MathML."""
    del page, config, files

    def drawn(formula: re.Match[str]) -> str:
        display = "block" if formula[2] == "[" else "inline"
        return convert(unescape(formula[3]), display=display)

    return _FORMULA.sub(drawn, html)


def on_post_build(config: Any) -> None:
    """Stop where a page or a style sheet would load something from another host."""
    for file in Path(config.site_dir).rglob("*"):
        if file.suffix in {".html", ".css"}:
            for found in loads_from_elsewhere(file.read_text(encoding="utf-8"), file.suffix):
                raise PluginError(f"{file.name} would load from another host: {found}")


def loads_from_elsewhere(text: str, suffix: str) -> list[str]:
    """What a page or style sheet asks other hosts for; links to click on are none of it."""
    tags = _TAG.findall(text) if suffix == ".html" else []
    return [tag for tag in tags if _FROM_ELSEWHERE.search(tag)] + _IMPORTS.findall(text)
