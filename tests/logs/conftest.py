"""Logs written for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a log of lines, or of bytes as they are, and return its path."""

    def written(name: str, *lines: str | bytes, end: str = "\n") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if len(lines) == 1 and isinstance(lines[0], bytes):
            file.write_bytes(lines[0])
        else:
            file.write_text("\n".join(map(str, lines)) + end, encoding="utf-8")
        return file

    return written
