"""Two studies whose names give one folder name: the second is refused, not mixed into the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.results_folder import open_results, open_store
from harness.store import Store
from harness.store.archive import archive_text
from harness.store.contents import read_contents
from harness.study_file import LoadedStudy, load_study, study_document
from tests.commands.conftest import STUDY, run
from tests.store.cluster import Cluster

PAIRS = [
    (("CNN vs MLP?", None), ("CNN vs MLP!", None)),
    (("mnist", "full"), ("mnist-full", None)),
]
Named = tuple[str, str | None]


def written(folder: Path, named: Named) -> tuple[LoadedStudy, list[object]]:
    """A study of that name and profile, and how a command is told of it."""
    name, profile = named
    file = folder / f"{len(list(folder.iterdir()))}.toml"
    text = STUDY.replace('"tiny"', f'"{name}"')
    file.write_text(f"{text}\n[profiles.full]\nstudy.replicates = 9\n", encoding="utf-8")
    options = [] if profile is None else ["--profile", profile]
    return load_study(file, profile), [file, *options, "--reports", folder / "reports"]


def called(named: Named) -> str:
    name, profile = named
    return f'study "{name}"' + (f' with profile "{profile}"' if profile else "")


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_another_study_in_the_same_folder_is_refused(
    tmp_path: Path, cluster: Cluster, first: Named, second: Named
) -> None:
    one, _ = written(tmp_path, first)
    other, there = written(tmp_path, second)
    assert one.folder_name == other.folder_name
    reports, archive = tmp_path / "reports", tmp_path / "a.jsonl"
    with open_store(one, reports) as store:
        store.keep_study(study_document(one))
        archive.write_text(archive_text(read_contents(store)), encoding="utf-8")
    team = ["--store", cluster.new_database()]
    commands: list[tuple[object, ...]] = [
        ("study", *there),
        ("plan", *there),
        ("show", *there),
        ("report", *there),
        ("store", "save", *there),
        ("store", "push", *there, *team),
        ("store", "restore", *there, *team, "--input", archive),
    ]
    for command in commands:
        told = run(*command)
        assert told.code == 2, command
        assert f"holds the results of {called(first)}" in told.err.replace("\n", " ")
        assert f"that of {called(second)}, too" in told.err.replace("\n", " ")
    assert not (reports / one.folder_name / "report.html").exists()


LOGS = """
[study]
name = "{}"
question = "Is A better than B?"

[[arms]]
name = "A"
logs = {{ path = "all.csv", arm = "A" }}

[[arms]]
name = "B"
logs = {{ path = "all.csv", arm = "B" }}
"""


def test_a_report_is_not_written_over_another_studys(tmp_path: Path) -> None:
    """Runs that others trained have no store that could tell."""
    rows = [f"{arm},{s},1,0.{s}" for arm in "AB" for s in range(1, 5)]
    table = tmp_path / "all.csv"
    table.write_text("\n".join(["arm,replicate,epoch,val_accuracy", *rows]), encoding="utf-8")
    reports = ["--reports", tmp_path / "reports"]
    page = tmp_path / "reports" / "A-vs-B" / "report.html"
    for name in ("A vs B?", "A vs B!"):
        (tmp_path / f"{name}.toml").write_text(LOGS.format(name), encoding="utf-8")
    assert run("study", tmp_path / "A vs B?.toml", *reports).code == 0
    before = page.read_bytes()
    commands: list[tuple[object, ...]] = [
        ("study", tmp_path / "A vs B!.toml", *reports),
        ("report", tmp_path / "A vs B!.toml", *reports),
        ("analyze", table, "--html", page.with_name("mine.html")),
    ]
    for command in commands:
        told = run(*command)
        assert told.code == 2, command
        assert 'holds the results of study "A vs B?"' in told.err.replace("\n", " ")
        assert page.read_bytes() == before
    assert not page.with_name("mine.html").exists()
    assert run("report", tmp_path / "A vs B?.toml", *reports).code == 0
    for name in ("one.html", "two.html"):
        assert run("analyze", table, "--html", tmp_path / "pages" / name).code == 0


@pytest.mark.parametrize("named", [named for pair in PAIRS for named in pair])
def test_a_study_of_the_same_name_and_profile_is_never_refused(
    tmp_path: Path, named: Named
) -> None:
    for _ in range(2):  # whatever its file is called, and whatever else changes in it
        loaded, where = written(tmp_path, named)
        with open_store(loaded, tmp_path / "reports") as store:
            store.keep_study(study_document(loaded))
        assert run("plan", *where).code == 0


@pytest.mark.parametrize("document", [None, {"name": "s"}, {"study": None}])
def test_a_store_that_does_not_say_whose_it_is_is_opened(
    tmp_path: Path, document: dict[str, object] | None
) -> None:
    loaded, _ = written(tmp_path, ("tiny", None))
    with Store(tmp_path / "reports" / "tiny" / "results.db") as store:
        if document is not None:
            store.keep_study(document)
    open_results(loaded, tmp_path / "reports").close()
