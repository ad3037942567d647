"""``bench catalog`` and ``bench data``: what a study can name, and what is on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.catalog.datasets import DatasetInfo

app = typer.Typer()
data_app = typer.Typer(help="List and fetch datasets.")
app.add_typer(data_app, name="data", no_args_is_help=True)


@app.command()
def catalog() -> None:
    """List the models, optimizers, data, measures to choose from."""
    from harness.catalog import architectures, datasets, optimizers
    from harness.measure_kinds import MEASURES

    sections = {
        "architectures": architectures.available(),
        "optimizers": optimizers.available(),
        "datasets": {info.name: _dataset_words(info) for info in datasets.available()},
        "measures": {
            kind: (measure.__doc__ or "").strip().partition("\n")[0]
            for kind, measure in MEASURES.items()
        },
    }
    for title, entries in sections.items():
        terminal.answer(f"{title}:")
        width = max(map(len, entries))
        for name, summary in entries.items():
            terminal.answer(f"  {name:<{width}}  {summary}")
    terminal.answer('Your own: "package.module:function" as architecture or dataset; see README.md')


@data_app.command("list")
def data_list() -> None:
    """List the datasets and whether they are on this machine."""
    from harness.catalog import datasets

    for info in datasets.available():
        terminal.answer(f"{info.name:<14} {_dataset_words(info)}")


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Download a dataset, check it, and keep it in the user's cache."""
    from harness.catalog import datasets

    with terminal.plain_errors():
        raw = datasets.fetch(name)
        terminal.answer(f"{name}: ready, from {raw.source}")


def _dataset_words(info: DatasetInfo) -> str:
    size = " x ".join(map(str, info.shape))
    here = "embedded" if info.embedded else "cached" if info.cached else "not fetched yet"
    return f"{info.images:,} images {size}, {info.classes} classes; {here}; from {info.sources}"
