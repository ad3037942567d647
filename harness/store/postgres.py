"""A team's database: PostgreSQL, a schema for each study, and patience while it restarts."""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from harness.errors import UserError
from harness.store.databases import BUSY_TIMEOUT, DamagedError, Database, StoreError, T, Work

OUTAGE_SECONDS = 120.0
"""How long a server may be away before a run gives up."""
RETRY_SECONDS = 1.0
_ADDRESS = "postgresql+psycopg://USER@HOST/DATABASE"
_DRIVER = "postgresql+psycopg"
_NAME_BYTES = 63  # PostgreSQL cuts longer names off in silence
_CONNECTING = {
    "application_name": "bench",
    "client_encoding": "utf8",
    "connect_timeout": "10",
    "keepalives_idle": "30",  # a peer that vanished is noticed after a minute, not after hours
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


class PostgresSchema(Database):
    """A schema of a PostgreSQL database; it is called as the study's results folder."""

    def __init__(self, address: str, study: str) -> None:
        """Take a database.

        Args:
            address: As SQLAlchemy writes it, such as ``postgresql+psycopg://me@host/results``.
            study: Name of the study's results folder.

        Raises:
            UserError: The address cannot be understood; it is not repeated, for it may hold a
                password.
            StoreError: The extra that speaks with PostgreSQL is not installed.
        """
        super().__init__()
        url = _parsed(address)
        self.schema = schema_name(study)
        shown = url.set(query={}).render_as_string(hide_password=True)
        self.name = f"{shown}, schema {self.schema}"
        self._secrets = [str(s) for s in (url.password, url.query.get("password")) if s]
        settings = {key: value for key, value in _CONNECTING.items() if key not in url.query}
        try:
            self._engine = sa.create_engine(
                url,
                connect_args=settings,
                execution_options={"schema_translate_map": {None: self.schema}},
            )
        except ImportError as error:
            raise StoreError(
                f"{self.name}: needs the extra [postgres], which is not installed; run "
                "`python -m pip install 'training-bench[postgres]'`"
            ) from error
        sa.event.listen(self._engine, "connect", _configure)
        self._was_there = False

    def exists(self) -> bool:
        """Whether the schema has tables."""
        return self.read(lambda c: sa.inspect(c).has_table("meta", schema=self.schema))

    def prepare(self) -> None:
        """Make the schema if it is not there."""

        def make(connection: sa.Connection) -> None:
            if not sa.inspect(connection).has_schema(str(self.schema)):
                connection.execute(sa.schema.CreateSchema(str(self.schema)))

        self.write(make)

    def write(self, work: Work[T], *, durable: bool = True, patient: bool = True) -> T:
        """See `Database.write`."""
        name = blake2b(str(self.schema).encode(), digest_size=8)
        key = int.from_bytes(name.digest(), signed=True)

        def alone(connection: sa.Connection) -> T:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
            if not durable:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            return work(connection)

        return self._patiently(self._engine, alone, patient=patient)

    def read(self, work: Work[T]) -> T:
        """See `Database.read`."""
        snapshot = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        return self._patiently(snapshot, work)

    def damaged(self, what: str) -> DamagedError:
        """See `Database.damaged`."""
        return DamagedError(
            f"{self.name}: holds other values than were stored ({what}); restore the database "
            "from a backup"
        )

    def _patiently(self, engine: sa.Engine, work: Work[T], *, patient: bool = True) -> T:
        """Do it, again and again while a server that was there before is away."""
        away_since = None
        while True:
            try:
                with engine.begin() as connection:
                    done = work(connection)
            except sa.exc.DBAPIError as error:
                self.outages += _is_lost(error)
                if not (patient and self._was_there and _is_lost(error)):
                    raise self._in_words(error) from error
                if away_since is None:
                    away_since = time.monotonic()
                    self.tell(f"{self.name}: does not answer; waiting for it")
                if time.monotonic() - away_since > OUTAGE_SECONDS:
                    raise self._gone(error) from error
                time.sleep(RETRY_SECONDS)
            else:
                self._was_there = True
                if away_since is not None:
                    self.tell(f"{self.name}: answers again")
                return done

    def _gone(self, error: sa.exc.DBAPIError) -> StoreError:
        return StoreError(
            f"{self.name}: has not answered for {OUTAGE_SECONDS:.0f} s ({self._message(error)}); "
            "what it has stored is kept, and the same command goes on once it is back"
        )

    def _in_words(self, error: sa.exc.DBAPIError) -> StoreError:
        """What PostgreSQL says, in words that name a way out."""
        message, state = self._message(error), _state(error)
        if state == "42501":
            return StoreError(
                f"{self.name}: not allowed ({message}); its owner may say: "
                f'CREATE SCHEMA "{self.schema}" AUTHORIZATION your_role'
            )
        if state == "55P03":
            return StoreError(
                f"{self.name}: another program has held it for {BUSY_TIMEOUT:.0f} s ({message}); "
                "end that one and run the command again"
            )
        if state is None:
            return StoreError(
                f"{self.name}: cannot be reached ({message}); check the address, the password "
                "(in ~/.pgpass, say) and that the server runs"
            )
        return StoreError(f"{self.name}: {message}")

    def _message(self, error: sa.exc.DBAPIError) -> str:
        message = "; ".join(line.strip() for line in str(error.orig).strip().splitlines())
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return message


def schema_name(study: str) -> str:
    """The schema of a study: a name that PostgreSQL has no other use for, and keeps whole."""
    name = f"bench-{study}"
    if len(name.encode()) <= _NAME_BYTES:
        return name
    mark = blake2b(name.encode(), digest_size=4).hexdigest()
    kept = name.encode()[: _NAME_BYTES - len(mark) - 1].decode(errors="ignore")
    return f"{kept}-{mark}"


def _parsed(address: str) -> sa.URL:
    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        raise UserError(f"--store: is not the address of a database; give {_ADDRESS}") from None
    if url.drivername not in {"postgres", "postgresql", _DRIVER}:
        raise UserError(
            f"--store: {url.drivername} is not known; give {_ADDRESS} (without --store, results "
            "are kept in a SQLite file below --reports)"
        )
    if "@" in (url.host or ""):
        raise UserError("--store: write an @ in a password as %40")
    if not url.database:
        raise UserError(f"--store: names no database; give {_ADDRESS}")
    return url.set(drivername=_DRIVER)


def _configure(connection: Any, _: object) -> None:
    was = connection.autocommit
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = {int(1000 * BUSY_TIMEOUT)}")
    # One that froze in the middle of a transaction makes way before the others give up.
    connection.execute(f"SET idle_in_transaction_session_timeout = {int(500 * BUSY_TIMEOUT)}")
    connection.autocommit = was


def _state(error: sa.exc.DBAPIError) -> str | None:
    """PostgreSQL's code of an error; None where it was never reached."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _is_lost(error: sa.exc.DBAPIError) -> bool:
    """Whether the server went away: a broken connection (08), a shutdown or a start (57P0)."""
    state = _state(error)
    is_away = state is None or state.startswith(("08", "57P0"))
    return error.connection_invalidated or (isinstance(error, sa.exc.OperationalError) and is_away)
