"""``bench init`` and ``bench schema``: a study file to begin with, and what editors check it by."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.commands import terminal
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.study_template import Draft

app = typer.Typer()

Architectures = Annotated[
    list[str] | None,
    typer.Option("--architecture", help="A model, the one to beat first; give it several times."),
]
Optimizers = Annotated[
    list[str] | None,
    typer.Option("--optimizer", help="An optimizer, the one to beat first; several if you like."),
]


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]")] = Path("study.toml"),
    *,
    name: Annotated[str | None, typer.Option("--name", help="The study's name.")] = None,
    question: Annotated[
        str | None, typer.Option("--question", help="What the study is to answer.")
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="A dataset of `bench catalog`, or an .npz file.")
    ] = None,
    architecture: Architectures = None,
    optimizer: Optimizers = None,
    replicates: Annotated[int, typer.Option("--replicates", min=1, help="Seeds.")] = 10,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Epochs.")] = 20,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
) -> None:
    """Write a study file to begin with.

    Asks a few questions in a terminal, unless options answer them.
    """
    from harness.study_template import Draft

    with terminal.plain_errors():
        if file.exists() and not force:
            terminal.fail(f"{file}: is there already; choose another name, or --force replaces it")
        given = Draft(
            name=name or file.stem,
            question=question or "",
            data=data or "mnist-5k",
            architectures=architecture or ["mlp", "cnn"],
            optimizers=optimizer or ["adam"],
            replicates=replicates,
            epochs=epochs,
        )
        silent = any([name, question, data, architecture, optimizer]) or not asks_people()
        _write(file, given if silent else _asked(given))
        terminal.answer(f"{file}: written; try it with `bench study {file} --profile smoke`")


def asks_people() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()


def _asked(draft: Draft) -> Draft:
    """The draft after a person was asked; Enter takes what is proposed."""
    from dataclasses import replace

    from harness.catalog import architectures, datasets, optimizers

    def ask(text: str, proposed: str) -> str:
        return str(typer.prompt(text, default=proposed))

    def names(text: str, proposed: str, known: list[str]) -> list[str]:
        terminal.answer(f"  there are: {', '.join(known)}")
        return [part for part in ask(text, proposed).replace(",", " ").split() if part]

    models = names("Models, the one to beat first", "mlp cnn", list(architectures.available()))
    rules = names("Optimizers, the one to beat first", "adam", list(optimizers.available()))
    terminal.answer(f"  there are: {', '.join(datasets.NAMES)}")
    data = ask("Data", draft.data)
    fresh = replace(draft, architectures=models, optimizers=rules, data=data)
    proposed = f"Does {fresh.arms[1]} learn better than {fresh.arms[0]}?" if fresh.arms[1:] else "?"
    return replace(
        fresh,
        question=ask("The question that the study is to answer", proposed),
        replicates=typer.prompt("Seeds", default=draft.replicates, type=int),
        epochs=typer.prompt("Epochs", default=draft.epochs, type=int),
    )


def _write(file: Path, draft: Draft) -> None:
    """Write the study and its schema; a study that would be refused is not written.

    Raises:
        StudyError: With what is wrong with the draft.
        ReportError: The folder cannot be written.
    """
    from contextlib import suppress

    from harness.report.exports import json_text
    from harness.report.files import make_folder, write_whole
    from harness.study_file import load_study
    from harness.study_problems import StudyError
    from harness.study_schema import study_schema
    from harness.study_template import SCHEMA_FILE, study_text

    text = study_text(draft)
    make_folder(file.parent)
    fresh = write_whole(file.parent, f".{file.name}.new", text)
    try:
        load_study(fresh)
        fresh.replace(file)
    except StudyError as error:
        raise StudyError(file, error.problems) from None
    except OSError as error:
        raise UserError(f"{file}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            fresh.unlink()
    write_whole(file.parent, SCHEMA_FILE, json_text(study_schema()))


@app.command()
def schema(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; standard output if none.")
    ] = None,
) -> None:
    """Write the JSON schema of study files, for editors."""
    from harness.commands.results import write_json
    from harness.study_schema import study_schema

    with terminal.plain_errors():
        write_json(file or Path("-"), study_schema())
