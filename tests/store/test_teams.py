"""Several coordinators, real processes, on one study in a team's database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import harness
from harness.store import PostgresSchema, Store
from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project
from tests.store.cluster import Cluster

ELSEWHERE = """
import sys
from harness.store import leases
name = sys.argv.pop(1)
leases.machine = lambda: name
leases.LEASE_SECONDS, leases.HEARTBEAT_SECONDS = 8.0, 0.5
from harness.cli import app
app(sys.argv[1:])
"""
"""``bench`` as it runs on a machine of another name, with hurried leases."""


def start(project: Project, address: str, machine: str | None = None) -> subprocess.Popen[str]:
    """Start ``bench study``, on this machine or as if on another."""
    command = [sys.executable, "-m", "harness.cli"]
    if machine is not None:
        command = [sys.executable, "-c", ELSEWHERE, machine]
    reports = project.folder / f"reports-{time.monotonic_ns()}"
    arguments = ["study", project.file, "--reports", reports, "--store", address, "--jobs", "1"]
    arguments.append("--verbose")  # each trial of the other gets its line
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(project.scratch)},
    )


def numbers(printed: str) -> tuple[int, int]:
    """How many trials a coordinator trained itself, and how many were there already."""
    found = re.search(r"(\d+) trained, (\d+) reused", printed)
    assert found is not None, printed
    return int(found[1]), int(found[2])


def check_whole(project: Project, address: str, trials: int) -> None:
    """Every trial is there once, as one coordinator with a file of its own trains it."""
    curves = harness.load(project.file, store=address).results().curves()
    project.run(2, project.folder / "alone")
    alone = project.curves(project.folder / "alone")
    same = curves.drop(columns=["seconds", "cpu_seconds"])
    pd.testing.assert_frame_equal(same, alone, check_exact=True)
    with Store(PostgresSchema(address, "tiny")) as store:
        stored = store.trials()
        assert len(stored) == len(set(stored["fingerprint"])) == trials
        assert set(stored["attempts"]) == {1}
        assert store.abandoned() == set()
        assert not store.others_at_work()


@pytest.mark.parametrize("machines", [(None, None), ("one", "two")])
def test_two_coordinators_share_a_study(
    project: Project, cluster: Cluster, machines: tuple[str | None, str | None]
) -> None:
    project.write(replicates=10, epochs=4)
    address = cluster.new_database()
    running = [start(project, address, machine) for machine in machines]
    printed = [process.communicate(timeout=PATIENCE)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], printed
    elsewhere = [text.count("completed elsewhere") for text in printed]
    trained = [sum(numbers(text)) - n for text, n in zip(printed, elsewhere, strict=True)]
    assert min(trained) > 0
    check_whole(project, address, 20)


@pytest.mark.parametrize("machines", [(None, None), ("one", "two")])
def test_the_trials_of_a_killed_coordinator_are_taken_over(
    project: Project, cluster: Cluster, machines: tuple[str | None, str | None]
) -> None:
    """A2: kill -9 of one of two; on another machine the other waits until the lease has ended."""
    project.write(replicates=8, epochs=12)
    address = cluster.new_database()
    doomed, survivor = (start(project, address, machine) for machine in machines)
    database = PostgresSchema(address, "tiny")
    wait_for(lambda: database.exists() and _stored(address) >= 3)
    os.killpg(doomed.pid, signal.SIGKILL)
    database.close()
    doomed.communicate()
    printed = survivor.communicate(timeout=PATIENCE)[0]
    assert survivor.returncode == 0, printed
    check_whole(project, address, 16)


def _stored(address: str) -> int:
    with Store(PostgresSchema(address, "tiny")) as store:
        return len(store.trials())
