"""Workers that run out of memory or crash, models that diverge: failures are results, too."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project, living, seed_of
from tests.test_injection import HOSTILE, check_page, check_tables

WAYS = {
    "np.empty(2**50, 'int8')": "MemoryError",
    "[np.empty(2**31, 'int8') for _ in range(1000)]": "MemoryError",
    "os.kill(os.getpid(), signal.SIGSEGV)": "worker killed by signal 11 (SIGSEGV)",
    "os.abort()": "worker killed by signal 6 (SIGABRT)",
    "os._exit(3)": "worker ended by itself with exit code 3",
}
"""What a model does, by replicate, and what is told of it."""

LIMIT_KIB = 24 * 2**20  # of address space: TensorFlow reserves some gigabytes without using them


def test_each_way_to_die_costs_one_trial_and_is_told_apart(project: Project) -> None:
    """The whole run has its address space limited, as by `ulimit -v`."""
    project.write_model()
    project.write(architecture='"own_models:build"', replicates=6, epochs=1)
    trouble = "\n    ".join(
        f"if seeds.init == {seed_of(project, i)}: {way}" for i, way in enumerate(WAYS)
    )
    project.write_model(trouble=trouble)
    words = shlex.join(project.command("--jobs", "2", "--allow-code"))
    done = subprocess.run(
        ["bash", "-c", f"ulimit -v {LIMIT_KIB} && exec {words}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env={**os.environ, "TMPDIR": str(project.scratch)},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    trials = project.results().trials.set_index(["arm", "replicate"])
    assert len(trials) == 12
    failed = trials[trials["status"] == "failed"]
    assert sorted(failed.index) == [("own", i) for i in range(len(WAYS))]
    for (_, replicate), row in failed.iterrows():
        assert list(WAYS.values())[replicate] in row["error"]
        assert row["attempts"] == 2
    assert not list(project.scratch.iterdir())


def test_a_study_that_diverges_in_every_seed_says_so(project: Project) -> None:
    """D13: a result like any other; nothing is dropped, and no warning escapes."""
    project.write(rate="1e30", replicates=6, epochs=3)
    text = project.file.read_text("utf-8").replace(
        "learning_rate = 0.1 }", "learning_rate = 1e30 }"
    )
    project.file.write_text(text.replace('"linear"\noptimizer', '"mlp"\noptimizer'), "utf-8")
    found = project.folder / "found.json"
    process = project.start("--jobs", "2", "--json", str(found))
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, printed
    assert "Traceback" not in printed
    assert "Warning" not in printed
    assert set(project.results().trials["status"]) == {"diverged"}
    (claim,) = json.loads(found.read_text("utf-8"))["claims"]
    assert claim["verdict"] in {"inconclusive", "practically equal", "contradicted"}
    assert "diverged" in (project.reports / "tiny" / "report.html").read_text("utf-8")
    summary, _ = project.run()
    assert summary.trained == 0


def test_ctrl_c_twice_ends_at_once_and_loses_nothing(project: Project, tmp_path: Path) -> None:
    for pause in (0.0, 0.05, 0.4):
        project.write(replicates=5, epochs=40)
        process = project.start("--jobs", "2")
        project.wait_for(min(project.finished() + 1, 9), process)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(pause)
        with suppress(ProcessLookupError):  # the first was enough
            os.killpg(process.pid, signal.SIGINT)
        printed = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 130, printed
        assert "Traceback" not in printed
        wait_for(lambda: not living(process.pid))  # noqa: B023 - called at once
    project.check_that_it_goes_on(10, tmp_path)


def test_a_coordinators_trials_are_taken_over_when_it_is_killed(project: Project) -> None:
    project.write(replicates=6, epochs=60)
    doomed, other = project.start("--jobs", "1"), project.start("--jobs", "1")
    project.wait_for(2, doomed)
    os.killpg(doomed.pid, signal.SIGKILL)
    doomed.communicate(timeout=PATIENCE)
    printed = other.communicate(timeout=PATIENCE)[0]
    assert other.returncode == 0, printed
    trials = project.results().trials
    assert len(trials) == 12
    assert set(trials["status"]) == {"completed"}


def test_what_a_broken_model_says_is_inert_on_the_page(project: Project) -> None:
    said = "".join(HOSTILE[:6])
    project.write_model()
    project.write(architecture='"own_models:build"', epochs=1)
    doomed = seed_of(project, 0)
    project.write_model(trouble=f"if seeds.init == {doomed}: raise RuntimeError({said!r})")
    process = project.start("--jobs", "1", "--allow-code")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, printed
    assert said in check_page(project.reports / "tiny" / "report.html").prose
    check_tables(project.reports / "tiny")
