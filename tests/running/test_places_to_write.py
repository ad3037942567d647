"""Folders that cannot be written, disks that are full: a clear word, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.running.conftest import Project

Disk = Callable[..., Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Mounts small file systems, which are gone afterwards."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
            pytest.skip("mounting a small file system needs root on Linux")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def run(project: Project) -> tuple[int, str]:
    process = project.start("--jobs", "2")
    printed = process.communicate(timeout=PATIENCE)[0]
    return process.returncode, printed


def test_a_read_only_folder_is_named_before_anything_is_trained(
    project: Project, disk: Disk
) -> None:
    project.reports = disk("size=20m")
    remount(project.reports, "ro")
    code, printed = run(project)
    assert code == 2
    assert "Traceback" not in printed
    assert "choose another folder with --reports" in printed.replace("\n", " ")
    remount(project.reports, "rw")
    code, printed = run(project)
    assert code == 0, printed


def test_results_in_a_read_only_folder_are_kept(project: Project, disk: Disk) -> None:
    project.reports = disk("size=20m")
    assert run(project)[0] == 0
    before = project.curves()
    remount(project.reports, "ro")
    project.write(replicates=3)
    code, printed = run(project)
    assert code == 2
    assert "Traceback" not in printed
    assert "results.db: cannot be written" in printed
    remount(project.reports, "rw")
    code, printed = run(project)
    assert code == 0, printed
    assert "2 trained, 4 reused" in printed
    kept = project.curves()
    assert kept[kept["replicate"] < 2].reset_index(drop=True).equals(before)


@pytest.mark.parametrize("options", ["size=1m", "size=20m,nr_inodes=2"])
def test_a_full_reports_folder_takes_nothing_in_and_is_named(
    project: Project, disk: Disk, options: str
) -> None:
    """H6: no byte left, or no room for another file."""
    project.reports = disk(options)
    ballast = project.reports / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while "inodes" not in options:
                file.write(b"x" * 4096)
        except OSError:
            pass
    code, printed = run(project)
    assert code == 2, printed
    assert "Traceback" not in printed
    assert str(project.reports) in printed.replace("\n", "")
    ballast.unlink()
    remount(project.reports, "size=20m,nr_inodes=1000")
    code, printed = run(project)
    assert code == 0, printed
    assert len(project.results().trials) == 4


def test_a_report_that_finds_no_room_costs_no_trial(project: Project, disk: Disk) -> None:
    """The database fits on the disk, the page does not: `bench report` writes it later."""
    project.reports = disk("size=400k")
    code, printed = run(project)
    assert code == 2, printed
    assert "Traceback" not in printed
    assert "free some space or choose another folder" in printed.replace("\n", " ")
    assert project.finished() == 4
    assert not list(project.reports.rglob("*.tmp"))
    remount(project.reports, "size=20m")
    command = [arg if arg != "study" else "report" for arg in project.command()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert (project.reports / "tiny" / "report.html").is_file()
