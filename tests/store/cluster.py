"""A PostgreSQL server of the tests' own, from Debian's package, gone afterwards."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "s3cret-word"


class Cluster:
    """A server that listens on a socket in its own folder.

    Attributes:
        shared: The address of a database for studies that do not meet, each in its own schema.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as_user: list[str] = []
        if getpass.getuser() == "root":  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
            self._as_user = ["runuser", "-u", "postgres", "--"]
        self._data = str(self.folder / "data")
        trusting = ["--auth=trust", "--username=bench", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "--no-sync", *trusting, "-D", self._data)
        self.start()
        self.shared = self.new_database()

    def start(self) -> None:
        """Start the server; returns once it answers."""
        options = f"-F -k {self.folder} -c listen_addresses=''"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Stop the server at once: open transactions are broken off."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop the server for good."""
        self.stop()
        shutil.rmtree(self.folder)

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"results_{uuid.uuid4().hex[:8]}"
        self._run("createdb", "-h", str(self.folder), "-U", "bench", name)
        return f"postgresql+psycopg://bench:{PASSWORD}@/{name}?host={self.folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(PROGRAMS[-1] / program), *arguments]
        # its server must not hold on to pipes of this process
        log = self.folder / f"{program}.log"
        with log.open("wb") as said:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                check=False,
                cwd=self.folder,
                env={**os.environ, "LC_ALL": "C"},
            )
        assert done.returncode == 0, log.read_text(errors="replace")
