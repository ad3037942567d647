"""Who trains what: several coordinators share a study and no trial is trained twice.

A *lease* marks a trial that a coordinator trains. Its owner renews it every few seconds; a lease
that another coordinator sees unchanged for longer than `LEASE_SECONDS` is that of a dead one, and
its trial is free. The observer measures with its own monotonic clock, so no two clocks are ever
compared and a clock that jumps, anywhere, changes nothing. On one machine the table of processes
says at once who is alive.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

import psutil
import sqlalchemy as sa

from harness.store.databases import Database, StoreError
from harness.store.tables import LEASES

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 10.0
_OPEN: set[str] = set()
"""The owners in this process: one that could not give back its leases is gone all the same."""

Free = Literal["mine", "elsewhere"]


def machine() -> str:
    """A name for the processes that see each other: host, its start, and the container's view."""
    parts = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(place)
        try:
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text().strip())
        except OSError:  # not Linux: the host's name must do
            continue
    return "/".join(parts)


def started(pid: int) -> float | None:
    """When a process of this machine started, however its clock was set since; None if it ended."""
    try:
        if not psutil.LINUX:
            return psutil.Process(pid).create_time()
        stat = Path(f"/proc/{pid}/stat").read_bytes()  # a name may be cut within a character
    except (OSError, psutil.Error):
        return None
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state == b"Z" else float(fields[18])  # clock ticks since the machine's start


class Leases:
    """The leases of one coordinator, kept alive by a thread of their own."""

    def __init__(self, database: Database) -> None:
        """Take none yet."""
        self._database = database
        self._owner = uuid.uuid4().hex
        _OPEN.add(self._owner)
        self._machine = machine()
        self._seen: dict[str, tuple[str, float, float]] = {}
        self._outages = database.outages
        self._over = Event()
        self._thread: Thread | None = None

    def take(self, connection: sa.Connection, key: str) -> Free:
        """Take a trial, unless another living coordinator has it."""
        query = sa.select(LEASES).where(LEASES.c.fingerprint == key)
        lease = connection.execute(query).one_or_none()
        if lease is not None and lease.owner != self._owner and self._is_alive(lease):
            return "elsewhere"
        self.give_back(connection, key)
        connection.execute(
            sa.insert(LEASES).values(
                fingerprint=key,
                owner=self._owner,
                host=self._machine,
                pid=os.getpid(),
                pid_started=started(os.getpid()),
                renewed=0.0,
            )
        )
        self._begin_to_beat()
        return "mine"

    def give_back(self, connection: sa.Connection, key: str) -> None:
        """Free a trial, whoever has it."""
        connection.execute(sa.delete(LEASES).where(LEASES.c.fingerprint == key))

    def renew(self, connection: sa.Connection) -> None:
        """Tell other coordinators that this one is alive, and look which of them are."""
        own = LEASES.c.owner == self._owner
        connection.execute(sa.update(LEASES).where(own).values(renewed=LEASES.c.renewed + 1))
        self.living(connection)

    def living(self, connection: sa.Connection) -> bool:
        """Whether another living coordinator has any trial."""
        leases = connection.execute(sa.select(LEASES)).all()
        alive = [self._is_alive(one) for one in leases if one.owner != self._owner]
        return any(alive)

    def abandoned(self, connection: sa.Connection) -> set[str]:
        """Keys of the trials that a dead coordinator had taken."""
        leases = connection.execute(sa.select(LEASES)).all()
        return {one.fingerprint for one in leases if not self._is_alive(one)}

    def close(self) -> None:
        """Give back all that is left; where the database is away, the leases run out."""
        self._over.set()
        _OPEN.discard(self._owner)
        if self._thread is None:
            return
        self._thread.join()
        own = LEASES.c.owner == self._owner
        with suppress(StoreError):
            self._database.write(lambda c: c.execute(sa.delete(LEASES).where(own)), patient=False)

    def _is_alive(self, lease: sa.Row[Any]) -> bool:
        if lease.host == self._machine:
            if lease.pid == os.getpid() and lease.owner not in _OPEN:
                return False
            return bool(started(lease.pid) == lease.pid_started)
        now = time.monotonic()
        if self._outages != self._database.outages:  # nobody could renew while it was away
            self._outages = self._database.outages
            self._seen.clear()
        owner, renewed, since = self._seen.get(lease.fingerprint, ("", 0.0, now))
        if (owner, renewed) != (lease.owner, lease.renewed):
            since = now
        self._seen[lease.fingerprint] = (lease.owner, lease.renewed, since)
        return now - since < LEASE_SECONDS

    def _begin_to_beat(self) -> None:
        if self._thread is None:
            beating = Thread(target=self._beat, daemon=True, name="heartbeat")
            beating.start()
            self._thread = beating  # only now: one that Ctrl-C kept from starting cannot be joined

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            try:
                self._database.write(self.renew, durable=False, patient=False)
            except StoreError:  # whoever waits for the database says so
                continue
