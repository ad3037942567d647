"""Programs that fail, hang or cannot be started."""

import os
import sys
from pathlib import Path

import pytest

from harness.catalog.commands import CommandError, run
from tests.patience import PATIENCE, wait_for


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_runs_in_its_folder_with_its_environment(tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path('out').write_text(os.environ['WORD'])"
    run(python(code), tmp_path, 30, {"WORD": "there"})
    assert (tmp_path / "out").read_text() == "there"


def test_the_last_line_of_a_failing_command_is_its_reason(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"failed \(3\): no route"):
        run(python("print('first'); print('no route'); raise SystemExit(3)"), tmp_path, 30)
    with pytest.raises(CommandError, match="nothing was printed"):
        run(python("raise SystemExit(1)"), tmp_path, 30)


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    """The shell has started its child long before the time is over, unlike Python might."""
    with pytest.raises(CommandError, match="did not end within 5 s"):
        run(["sh", "-c", f"sleep {2 * PATIENCE:.0f} & echo $! > pid; wait"], tmp_path, 5)
    child = int((tmp_path / "pid").read_text())
    wait_for(lambda: _has_ended(child))


def test_a_command_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run(["no-such-program-anywhere"], tmp_path, 1)


def _has_ended(process: int) -> bool:
    """A killed orphan stays a zombie where nobody reaps it, as in a container."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
