"""A throwaway PostgreSQL: its own folder and socket, no port, gone with who started it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.supervised import SupervisedProcess

STARTUP_SECONDS = 30


class NoPostgres(Exception):
    """This machine has no PostgreSQL server to start, or it would not start."""


def find_postgres() -> Path:
    """Find the folder with `initdb` and `postgres` in it; Debian keeps them off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found := debian[-1:] or shutil.which("postgres"):
        return Path(found if isinstance(found, str) else found[0]).parent
    raise NoPostgres("No PostgreSQL server here: install one (apt install postgresql).")


class PostgresServer:
    """Listens on a socket in `socket_folder` as the superuser `postgres`; a context manager."""

    def __init__(self, socket_folder: Path) -> None:
        self.binaries = find_postgres()
        self.socket_folder = socket_folder
        # It refuses to run as root.
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="swap-user-postgres-"))
        self._process: SupervisedProcess | None = None

    def start(self) -> Self:
        """Make a database cluster, start it, and wait until it listens."""
        self.socket_folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            for folder in (self.folder, self.socket_folder):
                shutil.chown(folder, self.user, self.user)
        data = self.folder / "data"
        initdb: list[str | Path] = [self.binaries / "initdb", "--pgdata", data, "--no-sync"]
        subprocess.run(
            [*initdb, "--auth", "trust", "--username", "postgres", "--encoding", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
        )
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "300",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        log = self.folder / "log"
        self._process = SupervisedProcess(
            [
                *(self.binaries / "postgres", "-D", data),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=log,
            remove=self.folder,
            stop=signal.SIGINT,  # don't wait for clients
            end=signal.SIGQUIT,  # SIGKILL would leave its workers and shared memory behind
            user=self.user,
        )
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._listens():
            if time.monotonic() > deadline or not self._process.running:
                said = log.read_text(errors="replace").strip()
                self.stop()
                raise NoPostgres(f"PostgreSQL did not start: {said}")
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket_folder / ".s.PGSQL.5432")) == 0

    def stop(self) -> None:
        """End it and remove its folder."""
        if self._process:
            self._process.stop()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
