"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.errors import UserError


class ReportError(UserError):
    """The report could not be written; the message names the folder and the reason."""


def write_whole(folder: Path, name: str, text: str) -> Path:
    """Write a text file as `write_bytes` does, in UTF-8 with the line ends it has."""
    return write_bytes(folder, name, text.encode())


def write_bytes(folder: Path, name: str, content: bytes) -> Path:
    """Write a file by way of a temporary one beside it, which is then renamed.

    A reader never sees half a file, and an error leaves neither a fragment nor a temporary file.

    Args:
        folder: An existing folder.
        name: File name, one path component.
        content: Contents.

    Raises:
        ReportError: The folder cannot be written to, or its disk is full.
    """
    target = folder / name
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
        temporary = None
    except OSError as error:
        raise ReportError(
            f"cannot write {name} in {folder}: {error.strerror or error}; "
            "free some space or choose another folder, then try again"
        ) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
    return target


def make_folder(folder: Path) -> None:
    """Create a folder and its parents.

    Raises:
        ReportError: It cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(
            f"cannot create the folder {folder}: {error.strerror or error}"
        ) from error
