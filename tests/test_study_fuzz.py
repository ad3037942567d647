"""Whatever a study file holds: a study or a worded refusal, never a traceback."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.study_file import LoadedStudy, load_study
from harness.study_problems import StudyError

STUDIES = sorted((Path(__file__).parent.parent / "studies").glob("*.toml"))
QUICK = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["mlp", "adam", "digits", "final", "last", "greater", "a:b", "../x", "*", ""])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def outcome(file: Path, profile: str | None = None) -> LoadedStudy | str:
    """What a file comes to: a study, or the text of the refusal."""
    try:
        return load_study(file, profile)
    except StudyError as error:
        refusal = error
    assert str(file) in str(refusal)
    assert refusal.problems
    return str(refusal)


def toml(value: Any) -> str:
    """A value as TOML writes it; what TOML has no word for is left to be refused."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        pairs = (f"{toml(str(key))} = {toml(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        escaped = "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in value)
        return f'"{escaped}"'
    return "null" if value is None else repr(value)


def write(folder: Path, document: dict[str, Any]) -> Path:
    """A study file of top-level keys whose tables are inline."""
    file = folder / "study.toml"
    text = "\n".join(f"{toml(str(key))} = {toml(value)}" for key, value in document.items())
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    return file


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document."""
    children: list[tuple[Any, Any]] = []
    if isinstance(node, dict):
        children = list(node.items())
    elif isinstance(node, list):
        children = list(enumerate(node))
    return [p for key, child in children for p in ((*at, key), *places(child, (*at, key)))]


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes_are_a_study_or_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(content)
    assert isinstance(outcome(file), str)


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "study",
                "data",
                "arms",
                "grid",
                "claims",
                "stopping",
                "randomness",
                "published",
                "profiles",
            ]
        ),
        values,
    )
)
def test_any_tables_are_a_study_or_are_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    outcome(write(tmp_path, document))
    outcome(write(tmp_path, document), "smoke")


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
@QUICK
@given(data=st.data())
def test_a_shipped_study_with_one_value_changed(
    tmp_path: Path, file: Path, data: st.DataObject
) -> None:
    """Every key of every shipped study, with anything in its place."""
    document = copy.deepcopy(tomllib.loads(file.read_text(encoding="utf-8")))
    *path, last = data.draw(st.sampled_from(places(document)))
    node: Any = document
    for key in path:
        node = node[key]
    if isinstance(node, dict) and data.draw(st.booleans()):
        node[data.draw(st.text(max_size=8))] = node.pop(last)
    else:
        node[last] = data.draw(values)
    changed = write(tmp_path, document)
    for profile in (None, "smoke"):
        outcome(changed, profile)


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_the_writer_of_these_tests_keeps_a_study_as_it_is(tmp_path: Path, file: Path) -> None:
    """Else the tests above would only ever try what is refused as TOML."""
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    document.pop("published", None)  # names a file beside the study
    for words in document.get("translations", {}).values():
        words.pop("published", None)
    written = outcome(write(tmp_path, document))
    assert isinstance(written, LoadedStudy)
    assert written.study.claims == load_study(file).study.claims
