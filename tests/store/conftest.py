"""Stores of both kinds, a real PostgreSQL server, and trials to put into them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.measures import CURVE_COLUMNS
from harness.store import Database, PostgresSchema, SQLiteFile, Store, TrialRecord
from tests.running.conftest import Project
from tests.store.cluster import PROGRAMS, Cluster


@dataclass(frozen=True)
class Place:
    """Where a store is; processes can be told of it."""

    address: str
    study: str = "study"

    @property
    def is_file(self) -> bool:
        """Whether it is a SQLite file."""
        return not self.address.startswith("postgresql")

    def database(self) -> Database:
        """The place as a store takes it."""
        if self.is_file:
            return SQLiteFile(Path(self.address))
        return PostgresSchema(self.address, self.study)

    def open(self) -> Store:
        """A store of its own on this place."""
        return Store(self.database())


def record(key: str, *, status: str = "completed", epochs: int = 3) -> TrialRecord:
    """A trial as a run stores it."""
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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running server."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    server = Cluster()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place for a store, of each kind."""
    if request.param == "sqlite":
        return Place(str(tmp_path / "study" / "results.db"))
    server: Cluster = request.getfixturevalue("cluster")
    return Place(server.shared, uuid.uuid4().hex)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    """An empty store of each kind."""
    with place.open() as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small real study."""
    return Project(tmp_path).write()
