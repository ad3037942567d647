"""Where results are kept: a SQLite file for each study, or a schema of a PostgreSQL database.

Both promise the same: one writer of a study at a time (SQLite's immediate transactions,
PostgreSQL's advisory locks), readers that see one moment, and errors in words. So the store needs
no second way of doing anything.
"""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from harness.errors import UserError

BUSY_TIMEOUT = 60.0
"""Seconds to wait for another writer."""
_TURN = 0.01
"""Seconds between two attempts at what SQLite does not wait for."""

T = TypeVar("T")
Work = Callable[[sa.Connection], T]


class StoreError(UserError):
    """The results database cannot be used; the message names it and the way out."""


class DamagedError(StoreError):
    """Stored values are not what was written."""


class Database(ABC):
    """One study's tables.

    Attributes:
        name: What to call it in messages; without a password.
        schema: The schema that holds the tables, where a database has schemas.
        outages: How often its server was away and waited for.
        tell: Told what the user should know while a call takes longer than it should.
    """

    name: str
    schema: str | None = None
    outages: int = 0
    _engine: sa.Engine

    def __init__(self) -> None:
        self.tell: Callable[[str], None] = lambda _: None

    @abstractmethod
    def exists(self) -> bool:
        """Whether a store was ever made here."""

    @abstractmethod
    def prepare(self) -> None:
        """Make the place for the tables if needed.

        Raises:
            StoreError: It cannot be made or reached, or is damaged.
        """

    @abstractmethod
    def write(self, work: Work[T], *, durable: bool = True, patient: bool = True) -> T:
        """Call ``work`` in a transaction of the study's only writer, and commit.

        Args:
            work: May be called again after an outage, so it must not mind being done twice.
            durable: Whether it must survive a power cut; what need not is quicker.
            patient: Whether to wait for a server that is away.

        Raises:
            StoreError: It could not be done; nothing was written.
        """

    @abstractmethod
    def read(self, work: Work[T]) -> T:
        """Call ``work`` on the database as it is at one moment.

        Raises:
            StoreError: It could not be done.
        """

    @abstractmethod
    def damaged(self, what: str) -> DamagedError:
        """The error that says that stored values are not what was written."""

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


class SQLiteFile(Database):
    """A file of its own: write-ahead log, busy timeout."""

    def __init__(self, file: Path) -> None:
        """Take a file, which need not be there yet."""
        super().__init__()
        self.file, self.name = file, str(file)
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_TIMEOUT}
        )
        sa.event.listen(self._engine, "connect", _configure)
        sa.event.listen(self._engine, "begin", _begin)

    def exists(self) -> bool:
        """Whether the file is there.

        Raises:
            StoreError: Nobody may look, or there can be no file of that name.
        """
        try:
            return self.file.is_file()
        except OSError as error:
            raise StoreError(
                f"{self.file}: cannot be looked for: {error.strerror}; check the folder's "
                "permissions, or choose another with --reports"
            ) from error

    def prepare(self) -> None:
        """Make the folder; look whether the file's pages hang together."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.file.parent}: cannot be made: {error.strerror}; choose another "
                "folder with --reports"
            ) from error
        found = self.read(lambda c: c.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if found != "ok":
            raise self.damaged(str(found).strip().replace("\n", ": "))

    def write(self, work: Work[T], *, durable: bool = True, patient: bool = True) -> T:
        """See `Database.write`; a file is never away, so there is nothing to be patient about."""
        del patient
        return self._run(work, durable=durable)

    def read(self, work: Work[T]) -> T:
        """See `Database.read`."""
        return self._run(work, only_reads=True)

    def damaged(self, what: str) -> DamagedError:
        """See `Database.damaged`."""
        return DamagedError(
            f"{self.file}: is damaged ({what}); `bench store repair` with the study's file saves "
            "what can be read"
        )

    def _run(self, work: Work[T], **options: bool) -> T:
        with self._explained(), self._engine.execution_options(**options).begin() as connection:
            return work(connection)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors in words, also the driver's own: some rows are read past SQLAlchemy."""
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.Error) as error:
            raise self._in_words(str(getattr(error, "orig", error))) from error

    def _in_words(self, message: str) -> StoreError:
        """What SQLite says, in words that name a way out."""
        told = f"{self.file}: {message}"
        if "full" in message or "disk I/O" in message:
            told = (
                f"{self.file}: no space left in {self.file.parent} ({message}); free some and run "
                "the command again"
            )
        if "readonly" in message or "unable to open" in message:
            told = f"{self.file}: cannot be written ({message}); check the folder's permissions"
        if any(sign in message for sign in ("not a database", "malformed", "decode to UTF-8")):
            return self.damaged(message)
        return StoreError(told)


def _configure(connection: Any, _: object) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions of its own accord
    cursor = connection.cursor()
    _log_ahead(cursor)
    # What is deleted is overwritten, so that a repair never digs up what no longer holds.
    for pragma in ("foreign_keys = ON", "secure_delete = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn on the write-ahead log.

    Of two processes that do so in a new file at once, SQLite refuses one without the busy timeout.
    """
    until = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_TURN)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later would fail at once beside another writer;
    # one that asks for the write lock first waits for its turn.
    options = connection.get_execution_options()
    if options.get("only_reads"):
        connection.exec_driver_sql("BEGIN")
        return
    level = "FULL" if options.get("durable", True) else "NORMAL"
    connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
