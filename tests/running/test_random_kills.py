"""Twenty kills at random moments, of the coordinator, a worker or all: then as if nothing was."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import psutil
import pytest

from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project, living

KILLS = 20


def kill_something(process_id: int, rng: random.Random) -> None:
    """SIGKILL to the coordinator, to one of its processes, or to the whole group."""
    target = rng.choice(["coordinator", "worker", "group"])
    if target == "group":
        os.killpg(process_id, signal.SIGKILL)
        return
    victims = [process_id]
    if target == "worker":
        victims = [child.pid for child in psutil.Process(process_id).children(recursive=True)]
    if victims:
        os.kill(rng.choice(victims), signal.SIGKILL)


@pytest.mark.slow
def test_twenty_kills_cost_nothing_that_was_finished(project: Project, tmp_path: Path) -> None:
    """A2, H1, H2: what was stored stays, and the end equals an uninterrupted run bit for bit."""
    rng = random.Random(20)
    project.write(replicates=12, epochs=30)
    stored = 0
    for _ in range(KILLS):
        process = project.start("--jobs", "2")
        time.sleep(rng.uniform(0.5, 9.0))
        if process.poll() is None:
            kill_something(process.pid, rng)
        if rng.random() < 0.5 and process.poll() is None:  # the run may go on without its worker
            time.sleep(rng.uniform(0.0, 4.0))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        wait_for(lambda: not living(process.pid))  # noqa: B023 - called at once
        kept = project.finished()
        assert kept >= stored, "a finished trial was lost"
        stored = kept
    process = project.start("--jobs", "2")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, printed
    project.check_that_it_is_as_undisturbed(tmp_path)
    with sqlite3.connect(project.store_file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM trials").fetchone() == (24,)
        assert connection.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    connection.close()
