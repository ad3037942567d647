"""``bench doctor``: what it looks at, and when it says that studies cannot run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.catalog import datasets
from harness.catalog.sources import Source
from harness.running import doctor
from tests.commands.conftest import bench, run


def test_a_fit_machine_is_said_to_be_fit(tmp_path: Path) -> None:
    file = tmp_path / "doctor.json"
    done = bench("doctor", "--reports", tmp_path / "reports", "--json", file)
    assert done.code == 0, done.out
    assert done.out.rstrip().endswith("Studies can run here.")
    document = json.loads(file.read_text(encoding="utf-8"))
    names = {check["name"] for check in document["checks"]}
    assert document["fit"] is True
    assert {"Python", "memory", "results", "TensorFlow", "kernels", "fonts", "data mnist"} <= names
    assert not (tmp_path / "reports").exists()


def test_a_tensorflow_that_does_not_load_keeps_studies_from_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('no such file: libtf.so')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run("doctor", "--reports", tmp_path)
    assert done.code == 1
    assert "TensorFlow: does not work: ImportError: no such file: libtf.so" in done.out
    assert "pip install --force-reinstall tensorflow" in done.out
    assert "studies cannot run: TensorFlow" in done.err


@pytest.mark.parametrize(("switch", "state"), [("0", "notice"), ("1", "fine")])
def test_whether_onednn_is_on_is_what_tensorflow_says(
    monkeypatch: pytest.MonkeyPatch, switch: str, state: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", switch)
    _, kernels = doctor._tensorflow()
    assert (kernels.state, f"oneDNN {'on' if switch == '1' else 'off'}" in kernels.found) == (
        state,
        True,
    )


@pytest.mark.parametrize(
    ("flags", "found"),
    [("asimd bf16", "computes in hardware"), ("avx2 fma", "no bfloat16 unit")],
)
def test_a_bfloat16_unit_is_one_on_every_kind_of_processor(
    monkeypatch: pytest.MonkeyPatch, flags: str, found: str
) -> None:
    monkeypatch.setattr("harness.environment._cpuinfo", lambda _: flags)
    assert found in doctor._kernels(onednn=True).found


def test_a_probe_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.01)
    (check,) = doctor._tensorflow()
    assert check.state == "broken"
    assert "within 0.01 s" in check.found


def test_a_results_folder_that_cannot_be_written_is_broken(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    assert doctor._store(tmp_path / "reports").state == "fine"  # its parent can take it
    assert doctor._store(Path("/proc")).state == "broken"


def test_a_source_that_does_not_answer_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(workspace: Path) -> None:
        raise OSError(f"nobody answers in {workspace.name[:5]}")

    unreachable = Source("shelf", fetch=lambda _: {}, reach=silent)
    only_fetching_tells = Source("cellar", fetch=lambda _: {})
    monkeypatch.setattr(datasets, "SOURCES", {"mnist": (unreachable, only_fetching_tells)})
    assert datasets.reachable_sources("mnist") == {"shelf": "nobody answers in bench"}


def test_too_little_memory_asks_for_fewer_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_free_memory", lambda: 2.2 * doctor.GIB)
    assert doctor._memory(8).fix == "run with --jobs 3"
    assert doctor._memory(2).state == "fine"
    monkeypatch.setattr(doctor, "_free_memory", lambda: 0.1 * doctor.GIB)
    assert doctor._memory(1).state == "broken"


def test_copies_of_files_are_no_used_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control group that has read much: the kernel gives that memory back to who needs it."""
    monkeypatch.setattr(doctor, "CONTROL_GROUP", tmp_path)
    mib = 2**20
    (tmp_path / "memory.max").write_text(f"{100 * mib}\n")
    (tmp_path / "memory.current").write_text(f"{99 * mib}\n")
    (tmp_path / "memory.stat").write_text(f"anon {30 * mib}\ninactive_file {60 * mib}\n")
    assert doctor._free_memory() == 61 * mib
    (tmp_path / "memory.max").write_text("max\n")
    assert doctor._free_memory() > 61 * mib


def test_the_python_at_hand_is_one_that_is_tested() -> None:
    assert doctor._python().found.startswith(sys.version.partition(" ")[0])
