"""A user's own function, named in a study file as `"mypackage.models:build"`.

Modules are looked for beside the study file, then in the working folder, then where Python looks
anyway. Looking and digesting run none of the user's code; only `load` imports it.
"""

import hashlib
import importlib
import re
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from harness.catalog.problems import CatalogError, Problem

REFERENCE = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*)")

_imported: dict[str, str] = {}


def is_reference(name: str) -> bool:
    """Say whether a name is meant as a function of the user's own."""
    return ":" in name


def check(reference: str, key: str, folder: Path | None = None) -> list[Problem]:
    """Check that a reference is well formed and that its module exists, without importing it.

    Args:
        reference: `"module:function"`.
        key: The key under which it stands in the study file.
        folder: The study file's folder.

    Returns:
        What is wrong with it, if anything.
    """
    try:
        source_path(reference, folder)
    except CatalogError as error:
        return [Problem(key, reference, f"cannot be used: {error}")]
    return []


def source_path(reference: str, folder: Path | None = None) -> Path:
    """Find the source file of a reference's module without importing it or its parents.

    Args:
        reference: `"module:function"`.
        folder: The study file's folder.

    Raises:
        CatalogError: The reference is not of that form, or there is no such Python module.
    """
    module, _ = _split(reference)
    importlib.invalidate_caches()
    places = [str(place) for place in _places(folder)]
    top, *parts = module.split(".")
    spec = _find(top, [*places, *sys.path])
    origin = spec.origin if spec else None
    folders = list(spec.submodule_search_locations or []) if spec else []
    for part in parts:
        origin, folders = _look_inside(folders, part)
    if origin is None and not folders:
        raise CatalogError(f"no module {module} in {' or '.join(places)} or on Python's path")
    if origin is None or not Path(origin).is_file():
        raise CatalogError(f"the module {module} has no source file of its own")
    return Path(origin)


def source_digest(reference: str, folder: Path | None = None) -> str:
    """Return the SHA-256 of the source file of a reference's module, without importing it.

    Args:
        reference: `"module:function"`.
        folder: The study file's folder.

    Raises:
        CatalogError: As `source_path`.
    """
    return hashlib.sha256(source_path(reference, folder).read_bytes()).hexdigest()


def load(reference: str, folder: Path | None = None) -> Callable[..., Any]:
    """Import a reference's module and return its function.

    A module that was imported before from elsewhere, or has changed since, is imported anew, so
    that what runs is what `source_digest` describes.

    Args:
        reference: `"module:function"`.
        folder: The study file's folder.

    Raises:
        CatalogError: As `source_path`, or the import fails, or there is no such function.
    """
    module_name, function_name = _split(reference)
    path, digest = source_path(reference, folder), source_digest(reference, folder)
    changed = _imported.get(module_name, digest) != digest
    if changed:
        # Python takes bytecode for current that is of the same size and second as the source.
        Path(cache_from_source(path)).unlink(missing_ok=True)
    if changed or _is_from_elsewhere(module_name, path):
        _forget(module_name)
    _make_importable(folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise CatalogError(
            f"importing {module_name} ({path}) failed: {type(error).__name__}: {error}"
        ) from error
    _imported[module_name] = digest
    function = getattr(module, function_name, None)
    if not callable(function):
        raise CatalogError(f"{path} has no function {function_name}")
    return function  # type: ignore[no-any-return]


def _split(reference: str) -> tuple[str, str]:
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise CatalogError(f'"{reference}" does not have the form "module:function"')
    return match["module"], match["function"]


def _places(folder: Path | None) -> list[Path]:
    places = [folder.resolve(), Path.cwd()] if folder else [Path.cwd()]
    return list(dict.fromkeys(places))


def _make_importable(folder: Path | None) -> None:
    """Put the places in front of Python's path for good: user code may import when it runs."""
    places = [str(place) for place in _places(folder)]
    sys.path[:] = places + [entry for entry in sys.path if entry not in places]


def _find(name: str, path: list[str]) -> ModuleSpec | None:
    """Ask Python's finders for a module that lies in no package."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _look_inside(folders: list[str], part: str) -> tuple[str | None, list[str]]:
    """Return the source file of a package's part, and the folders of what lies inside it."""
    for folder in folders:
        package, module = Path(folder, part), Path(folder, f"{part}.py")
        if (package / "__init__.py").is_file():
            return str(package / "__init__.py"), [str(package)]
        if module.is_file():
            return str(module), []
    return None, [str(Path(folder, part)) for folder in folders if Path(folder, part).is_dir()]


def _is_from_elsewhere(module: str, path: Path) -> bool:
    """Say whether a module of that name was imported from another file."""
    file = getattr(sys.modules.get(module), "__file__", None) or path
    return Path(file).resolve() != path.resolve()


def _forget(module: str) -> None:
    top = module.partition(".")[0]
    for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
        del sys.modules[name]
