"""A store in a file: what SQLite alone can meet."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from harness.store import SQLiteFile, Store, StoreError, leases
from tests.store.conftest import record


def test_a_write_that_was_cut_off_costs_only_that_trial(tmp_path: Path) -> None:
    """H2: 20 bytes are missing at the end of the write-ahead log."""
    live = tmp_path / "live" / "results.db"
    with Store(live) as store:
        store.record_all([record("k1")], {})
        store.record_all([record("k2")], {})
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("results.db", "results.db-wal"):
            shutil.copy(live.parent / name, copy / name)
    log = copy / "results.db-wal"
    os.truncate(log, log.stat().st_size - 20)
    with Store(copy / "results.db") as store:
        assert store.statuses(["k1", "k2"]) == {"k1": "completed"}


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    """H2."""
    (tmp_path / "results.db").touch()
    with Store(tmp_path / "results.db") as store:
        assert store.trials().empty


def test_two_processes_may_make_a_store_at_once(tmp_path: Path) -> None:
    """SQLite refuses the second one's switch to the write-ahead log without waiting its turn."""
    file = tmp_path / "results.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as first:
        first.execute("CREATE TABLE other (value)")
        first.execute("BEGIN IMMEDIATE")
        with (
            closing(sqlite3.connect(file, timeout=60)) as second,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            second.execute("PRAGMA journal_mode = WAL")
        ends = threading.Timer(0.3, lambda: first.execute("COMMIT"))
        ends.start()
        try:
            with Store(file) as store:
                assert store.trials().empty
        finally:
            ends.join()


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"results\.db: is damaged .*`bench store repair`"):
        Store(file)


def test_a_full_disk_names_the_folder_and_leaves_no_half_record(tmp_path: Path) -> None:
    """H6: SQLite itself refuses to grow the file."""
    database = SQLiteFile(tmp_path / "results.db")

    def allow(pages: int) -> None:
        database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}"))

    with Store(database) as store:
        store.record_all([record("k1")], {})
        allow(int(database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()) or 0))
        with pytest.raises(StoreError, match=f"no space left in {tmp_path}"):
            store.record_all([record("k2", epochs=5000)], {})
        assert store.statuses(["k1", "k2"]) == {"k1": "completed"}
        allow(100_000)
        store.record_all([record("k2", epochs=5000)], {})
        assert len(store.statuses(["k1", "k2"])) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="Linux cuts the names of processes")
def test_any_program_name_will_do() -> None:
    """A script that is started by its own name, of which Linux keeps 15 bytes."""
    name = Path("/proc/self/comm")
    before = name.read_bytes().strip()
    try:
        name.write_bytes("abcdefghijklmné".encode())
        assert leases.started(os.getpid()) is not None
    finally:
        name.write_bytes(before)


@pytest.mark.parametrize("folder", ["a?b", "with %41", "büro 1"])
def test_any_folder_name_will_do(tmp_path: Path, folder: str) -> None:
    with Store(tmp_path / folder / "results.db") as store:
        store.record_all([record("k")], {})
    assert (tmp_path / folder / "results.db").is_file()
