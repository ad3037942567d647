"""Which worker gets which GPU. No GPU is needed: what NVIDIA's tool would list is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.running.places import places, visible_gpus
from harness.study_problems import StudyError
from tests.running.conftest import Project

TOOL = """#!/bin/sh
echo GPU-1
echo GPU-2
"""


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(TOOL, encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def numbers(device: str, workers: int, jobs: int) -> list[str | None]:
    return [place.get("CUDA_VISIBLE_DEVICES") for place in places(device, workers, jobs)]  # type: ignore[arg-type]


def test_workers_take_turns_at_the_gpus(two_gpus: None) -> None:
    assert numbers("auto", 8, 1) == ["GPU-1", "GPU-2"]
    assert numbers("gpu", 8, 2) == ["GPU-1", "GPU-2", "GPU-1", "GPU-2"]
    assert numbers("gpu", 3, 2) == ["GPU-1", "GPU-2", "GPU-1"]
    assert numbers("cpu", 3, 2) == ["-1", "-1", "-1"]


def test_what_the_user_hides_is_not_used(two_gpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert visible_gpus() == ["1"]
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert numbers("auto", 2, 1) == [None, None]


def test_a_machine_without_gpus_uses_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert numbers("auto", 2, 1) == [None, None]


def test_a_gpu_that_is_not_there_is_said_once(project: Project) -> None:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU")
    text = project.file.read_text(encoding="utf-8").replace(
        "threads = 1", 'threads = 1\ndevice = "gpu"'
    )
    project.file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        project.run()
    assert str(caught.value).count("TensorFlow finds none") == 1
    assert "study.device" in str(caught.value)
    assert not project.finished()
