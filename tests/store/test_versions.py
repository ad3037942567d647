"""A store of an older version is brought up to date, one of a newer version refused."""

from __future__ import annotations

import multiprocessing

import pytest
import sqlalchemy as sa

from harness.store import Store, StoreError
from harness.store.contents import read_contents
from harness.store.databases import Database
from harness.store.tables import META
from harness.store.versions import SCHEMA_VERSION
from tests.store.conftest import Place, record

VERSION_1 = """
CREATE TABLE {s}meta ("key" VARCHAR NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key"));
CREATE TABLE {s}documents (digest VARCHAR NOT NULL, body TEXT NOT NULL, PRIMARY KEY (digest));
CREATE TABLE {s}arms (settings VARCHAR NOT NULL, identity VARCHAR NOT NULL,
    description TEXT NOT NULL, PRIMARY KEY (settings));
CREATE TABLE {s}trials (fingerprint VARCHAR NOT NULL, arm VARCHAR NOT NULL,
    replicate BIGINT NOT NULL, identity VARCHAR NOT NULL, status VARCHAR NOT NULL,
    epochs INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT, seconds FLOAT,
    cpu_seconds FLOAT, setup_seconds FLOAT, peak_memory_mb FLOAT, threads INTEGER, jobs INTEGER,
    position INTEGER, environment VARCHAR, finished_at FLOAT NOT NULL, PRIMARY KEY (fingerprint));
CREATE TABLE {s}curves (fingerprint VARCHAR NOT NULL, epoch INTEGER NOT NULL, seconds FLOAT,
    cpu_seconds FLOAT, loss FLOAT, accuracy FLOAT, val_loss FLOAT, val_accuracy FLOAT,
    PRIMARY KEY (fingerprint, epoch), FOREIGN KEY(fingerprint) REFERENCES {s}trials (fingerprint));
CREATE TABLE {s}leases (fingerprint VARCHAR NOT NULL, owner VARCHAR NOT NULL, host VARCHAR NOT NULL,
    pid INTEGER NOT NULL, pid_started FLOAT NOT NULL, renewed FLOAT NOT NULL,
    PRIMARY KEY (fingerprint));
INSERT INTO {s}meta VALUES ('schema_version', '1');
INSERT INTO {s}meta VALUES ('protocol', '{{"claims": {{"c": "hash"}}}}');
INSERT INTO {s}documents VALUES ('d', '{{"layers": 1}}');
INSERT INTO {s}arms VALUES ('settings', 'd', '{{"parameters": 10}}');
INSERT INTO {s}trials VALUES ('k1', 'a', 0, 'd', 'completed', 2, 1, NULL, 1.5, 1.25, NULL,
    300, 1, 2, 0, 'e', 1700000000.5);
INSERT INTO {s}trials VALUES ('k2', 'a', 1, 'd', 'failed', 0, 2, 'boom', NULL, NULL, NULL, NULL, 1,
    2, 1, 'e', 1700000001.5);
INSERT INTO {s}curves VALUES ('k1', 1, 0.5, 0.5, 2.3, 0.1, 2.2, 0.125);
INSERT INTO {s}curves VALUES ('k1', 2, 0.5, 0.5, NULL, 0.2, 2.0, 0.25);
"""
"""The tables as the first versions made them, before trials had a ``load``."""


def make_version_1(database: Database) -> None:
    """Fill an empty place with a store of version 1."""
    database.prepare()
    schema = f'"{database.schema}".' if database.schema else ""

    def work(connection: sa.Connection) -> None:
        for statement in VERSION_1.format(s=schema).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)

    database.write(work)
    database.close()


def _open_and_close(place: Place) -> None:
    place.open().close()


def check(store: Store) -> None:
    """All is there, and would be missed."""
    assert store.statuses(["k1", "k2"]) == {"k1": "completed", "k2": "failed"}
    assert store.curves()["val_accuracy"].tolist() == [0.125, 0.25]
    assert store.arm("settings") == ({"layers": 1}, {"parameters": 10})
    assert store.protocol() == {"claims": {"c": "hash"}}
    assert store.trials()["load"].isna().all()
    contents = read_contents(store)
    rows = [row for table in contents.rows.values() for row in table.values()]
    assert len(rows) == 6
    assert all(row["checksum"] for row in rows)


def test_an_older_store_is_brought_up_to_date(place: Place) -> None:
    make_version_1(place.database())
    with place.open() as store:
        check(store)
        store.record_all([record("k2")], {})
        assert store.statuses(["k2"]) == {"k2": "completed"}
    with place.open() as store:
        assert store.statuses(["k1", "k2"]) == dict.fromkeys(["k1", "k2"], "completed")


def test_an_older_store_is_brought_up_to_date_by_several_at_once(place: Place) -> None:
    make_version_1(place.database())
    context = multiprocessing.get_context("spawn")
    openers = [context.Process(target=_open_and_close, args=(place,)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0] * 4
    with place.open() as store:
        check(store)


@pytest.mark.parametrize(
    ("version", "told"),
    [(str(SCHEMA_VERSION + 1), "was written by another version"), ("?", "its version is '\\?'")],
)
def test_a_newer_store_is_refused_and_left_alone(place: Place, version: str, told: str) -> None:
    with place.open() as store:
        own = META.c.key == "schema_version"
        store.database.write(lambda c: c.execute(sa.update(META).where(own).values(value=version)))
    for _ in range(2):
        with pytest.raises(StoreError, match=told):
            place.open()
