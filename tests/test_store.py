"""The store: nothing finished is ever lost, nothing is counted twice."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.measures import CURVE_COLUMNS
from harness.store import Store, StoreError, TrialRecord


def record(key: str, *, status: str = "completed", epochs: int = 3) -> TrialRecord:
    rows = [
        {"epoch": epoch, **dict.fromkeys(CURVE_COLUMNS, 0.5 + epoch / 10)}
        for epoch in range(1, epochs + 1)
    ]
    return TrialRecord(
        fingerprint=key,
        arm="a",
        replicate=0,
        identity="i",
        status=status,  # type: ignore[arg-type]
        rows=rows if status != "failed" else [],
        attempts=1,
        error="boom" if status == "failed" else None,
        resources={"seconds": 1.0},
        environment="e",
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "study" / "results.db") as opened:
        yield opened


def test_a_trial_comes_back_as_it_was_stored(store: Store) -> None:
    store.record(record("k"), {"claims": {}})
    assert store.statuses(["k", "other"]) == {"k": "completed"}
    assert list(store.curves()["epoch"]) == [1, 2, 3]
    assert store.trials().loc[0, "seconds"] == 1.0


def test_the_first_result_of_a_trial_stays(store: Store) -> None:
    store.record(record("k", epochs=3), {})
    store.record(record("k", epochs=2), {})
    assert len(store.curves()) == 3


def test_a_failed_trial_gives_way_to_a_later_success(store: Store) -> None:
    store.record(record("k", status="failed"), {})
    assert store.statuses(["k"]) == {"k": "failed"}
    assert store.protocol() is None
    store.record(record("k"), {"claims": {"c": "hash"}})
    assert store.statuses(["k"]) == {"k": "completed"}


def test_the_protocol_is_bound_with_the_first_stored_trial(store: Store) -> None:
    store.record(record("k1"), {"claims": {"c": "first"}})
    store.record(record("k2"), {"claims": {"c": "second"}})
    assert store.protocol() == {"claims": {"c": "first"}}


def test_two_coordinators_never_hold_one_trial(tmp_path: Path) -> None:
    with Store(tmp_path / "results.db") as one, Store(tmp_path / "results.db") as two:
        assert one.claim("k") == "mine"
        assert two.claim("k") == "elsewhere"
        one.record(record("k"), {})
        assert two.claim("k") == "finished"
        assert two.claim("free") == "mine"
        assert one.claim("free") == "elsewhere"
    with Store(tmp_path / "results.db") as three:
        assert three.claim("free") == "mine"  # leases end with their store


CLAIM_AND_DIE = """
import os, signal, sys
from pathlib import Path
from harness.store import Store
Store(Path(sys.argv[1])).claim("k")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_dead_coordinators_trial_is_free_at_once(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    subprocess.run([sys.executable, "-c", CLAIM_AND_DIE, str(file)], check=False)
    with Store(file) as store:
        assert store.abandoned() == {"k"}
        assert store.claim("k") == "mine"
        assert store.abandoned() == set()


def _write(file: Path, start: int) -> None:
    with Store(file) as store:
        for i in range(start, start + 10):
            store.record(record(f"k{i}"), {})


def test_eight_writers_and_a_reader_at_once(tmp_path: Path) -> None:
    """H5."""
    file = tmp_path / "results.db"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(file, 10 * i)) for i in range(8)]
    for writer in writers:
        writer.start()
    with Store(file) as store:
        while any(writer.is_alive() for writer in writers):
            store.trials()
            store.curves()
        for writer in writers:
            writer.join()
        assert {writer.exitcode for writer in writers} == {0}
        assert len(store.trials()) == 80
        assert len(store.curves()) == 240


def test_a_write_that_was_cut_off_costs_only_that_trial(tmp_path: Path) -> None:
    """H2: 20 bytes are missing at the end of the write-ahead log."""
    live = tmp_path / "live" / "results.db"
    with Store(live) as store:
        store.record(record("k1"), {})
        store.record(record("k2"), {})
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("results.db", "results.db-wal"):
            shutil.copy(live.parent / name, copy / name)
    log = copy / "results.db-wal"
    os.truncate(log, log.stat().st_size - 20)
    with Store(copy / "results.db") as store:
        assert store.statuses(["k1", "k2"]) == {"k1": "completed"}


def test_a_curve_with_missing_rows_is_not_taken_for_a_result(tmp_path: Path) -> None:
    """H2."""
    file = tmp_path / "results.db"
    with Store(file) as store:
        store.record(record("k"), {})
    with sqlite3.connect(file) as connection:
        connection.execute("delete from curves where epoch = 3")
    with Store(file) as store:
        assert store.statuses(["k"]) == {}
        assert store.claim("k") == "mine"
        store.record(record("k"), {})
        assert len(store.curves()) == 3


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    """H2."""
    (tmp_path / "results.db").touch()
    with Store(tmp_path / "results.db") as store:
        assert store.trials().empty


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"results\.db: is damaged"):
        Store(file)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    Store(file).close()
    with sqlite3.connect(file) as connection:
        connection.execute("update meta set value = '99' where key = 'schema_version'")
    with pytest.raises(StoreError, match="another version"):
        Store(file)


def test_a_full_disk_names_the_folder_and_leaves_no_half_record(tmp_path: Path) -> None:
    """H6: SQLite itself refuses to grow the file."""
    with Store(tmp_path / "results.db") as store:
        store.record(record("k1"), {})
        with store._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=f"no space left in {tmp_path}"):
            store.record(record("k2", epochs=5000), {})
        assert store.statuses(["k1", "k2"]) == {"k1": "completed"}
        with store._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        store.record(record("k2", epochs=5000), {})
        assert len(store.statuses(["k1", "k2"])) == 2


@pytest.mark.parametrize("folder", ["a?b", "with %41", "büro 1"])
def test_any_folder_name_will_do(tmp_path: Path, folder: str) -> None:
    with Store(tmp_path / folder / "results.db") as store:
        store.record(record("k"), {})
    assert (tmp_path / folder / "results.db").is_file()
