"""A temporary PostgreSQL server."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from services.database import DatabaseServer, NoServer
from services.supervised import SupervisedProcess


def find_postgres() -> Path:
    """Return the folder of `initdb` and `postgres`, which is not on the PATH on Debian."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found := debian[-1:] or shutil.which("postgres"):
        return Path(found if isinstance(found, str) else found[0]).parent
    raise NoServer("PostgreSQL is not installed: apt install postgresql.")


class PostgresServer(DatabaseServer):
    """A temporary PostgreSQL server. Its superuser is `postgres`."""

    name = "PostgreSQL"
    account = "postgres"
    startup_seconds = 30

    def __init__(self, socket_folder: Path) -> None:
        self.binaries = find_postgres()
        super().__init__(socket_folder)

    @property
    def socket(self) -> Path:
        return self.socket_folder / ".s.PGSQL.5432"

    def _install(self, data: Path) -> list[str | Path]:
        initdb: list[str | Path] = [self.binaries / "initdb", "--pgdata", data, "--no-sync"]
        return [*initdb, "--auth", "trust", "--username", "postgres", "--encoding", "UTF8"]

    def _run(self, data: Path, log: Path) -> SupervisedProcess:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "300",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
        }
        return SupervisedProcess(
            [
                *(self.binaries / "postgres", "-D", data),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=log,
            remove=self.folder,
            stop=signal.SIGINT,  # a shutdown that does not wait for clients
            end=signal.SIGQUIT,  # after SIGKILL, its workers and shared memory would remain
            user=self.user,
        )
