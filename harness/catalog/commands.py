"""Run another program that may fail, hang or be interrupted, and leave nothing of it running."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandError(Exception):
    """A program failed or took too long; the message says what it said last."""


def run(
    command: Sequence[str],
    folder: Path,
    seconds: float,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command without input and throw its output away.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        seconds: After which time it is ended, with all that it started.
        environment: Variables to set on top of this process' own.

    Raises:
        CommandError: It failed, or it took longer than that.
        OSError: It could not be started.
    """
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise CommandError(f"{command[0]} did not end within {seconds:g} s") from None
        finally:
            _end(process)
    if status:
        said = log.read_text(errors="replace").strip().splitlines() or ["nothing was printed"]
        raise CommandError(f"{Path(command[0]).name} failed ({status}): {said[-1]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, also when we are being interrupted, and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
