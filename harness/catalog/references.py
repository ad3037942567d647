"""A user's own function, named in a study file as `"mypackage.models:build"`.

Modules are looked for beside the study file, then in the working folder, then where Python looks
anyway. Looking and digesting run none of the user's code; only `load` imports it.
"""

import ast
import hashlib
import importlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from harness.catalog.problems import CatalogError, Problem

REFERENCE = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*)")

FOREIGN = {*sys.stdlib_module_names, __name__.partition(".")[0], ""}
"""Never a user's own: Python's packages, and this one. No name is what follows an import of ``.``
where there is no package."""

FAULTS = (Exception, SystemExit)
"""What a user's own code may raise: that it ends its process, as scripts do, is its fault alone."""

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
    """Return the SHA-256 of the source of a reference's module, without importing it.

    Modules of the same project that it imports count with it, and what these import.

    Args:
        reference: `"module:function"`.
        folder: The study file's folder.

    Raises:
        CatalogError: As `source_path`.
    """
    return _digest(_sources(reference, folder))


def load(reference: str, folder: Path | None = None) -> Callable[..., Any]:
    """Import a reference's module and return its function.

    A module that was imported before from elsewhere, or has changed since, is imported anew with
    all that counts as its source, so that what runs is what `source_digest` describes.

    Args:
        reference: `"module:function"`.
        folder: The study file's folder.

    Raises:
        CatalogError: As `source_path`, or the import fails, or there is no such function.
    """
    module_name, function_name = _split(reference)
    sources = _sources(reference, folder)
    path, digest = sources[module_name], _digest(sources)
    changed = _imported.get(module_name, digest) != digest
    if changed:
        for file in sources.values():
            # Python takes bytecode for current that is of the same size and second as the source.
            Path(cache_from_source(file)).unlink(missing_ok=True)
    if changed or any(_is_from_elsewhere(name, file) for name, file in sources.items()):
        for name in sources:
            _forget(name)
    _make_importable(folder)
    try:
        module = importlib.import_module(module_name)
    except FAULTS as error:
        raise CatalogError(
            f"importing {module_name} ({path}) failed: {fault_words(error)}"
        ) from error
    _imported[module_name] = digest
    function = getattr(module, function_name, None)
    if not callable(function):
        raise CatalogError(f"{path} has no function {function_name}")
    return function  # type: ignore[no-any-return]


def fault_words(error: BaseException) -> str:
    """Say what a user's own code raised: its kind, and what it says if anything."""
    kind = type(error).__name__
    return f"{kind}: {error}" if str(error) else kind


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


def _sources(reference: str, folder: Path | None) -> dict[str, Path]:
    """Return the source files of a reference's module, which comes first, and of its helpers.

    Imports are read from the sources, also those inside functions: what is in `sys.modules` hangs
    on what else the process has imported.
    """
    module, _ = _split(reference)
    path = source_path(reference, folder)
    root = path.parents[module.count(".") + (path.name == "__init__.py")]
    places = [str(place) for place in (*_places(folder), root)]
    sources, waiting = {module: path}, [(module, path)]
    while waiting:
        importer, file = waiting.pop()
        package = importer if file.name == "__init__.py" else importer.rpartition(".")[0]
        for name in _imports(file.read_bytes(), package):
            helper = _helper(name, places)
            if name not in sources and helper is not None:
                sources[name] = helper
                waiting.append((name, helper))
    return sources


def _digest(sources: dict[str, Path]) -> str:
    first, *others = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources.values()]
    if not others:
        return first
    return hashlib.sha256("".join([first, *sorted(others)]).encode()).hexdigest()


@lru_cache(maxsize=256)
def _imports(source: bytes, package: str) -> tuple[str, ...]:
    """Return the absolute names of all that a source may import as modules."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the import itself tells of them
            tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()  # the import tells of it
    return tuple(name for node in ast.walk(tree) for name in _imported_by(node, package))


def _imported_by(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        parts = package.split(".")
        above = parts[: len(parts) - node.level + 1] if node.level else []
        origin = ".".join(filter(None, [*above, node.module]))
        yield from (origin, *(f"{origin}.{alias.name}" for alias in node.names))


def _helper(name: str, places: list[str]) -> Path | None:
    """Return the file of a module, where it belongs to the project and not to what is installed."""
    origin, folders = None, places
    for part in name.split("."):
        origin, folders = _look_inside(folders, part)
    if origin is None or name.partition(".")[0] in FOREIGN:
        return None
    path = Path(origin)
    return None if {"site-packages", "dist-packages"} & set(path.parts) else path


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
