"""A temporary MariaDB server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from services.database import DatabaseServer, NoServer
from services.supervised import SupervisedProcess


def find_mariadb() -> tuple[str, str]:
    """Return the paths of the server and of the program that creates its data folder."""
    # On Debian the server is in sbin.
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    server = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    if server and install:
        return server, install
    raise NoServer("MariaDB is not installed: apt install mariadb-server.")


class MariaDBServer(DatabaseServer):
    """A temporary MariaDB server. Its user `root` has no password."""

    name = "MariaDB"
    account = "mysql"
    startup_seconds = 60

    def __init__(self, socket_folder: Path) -> None:
        self.server, self.installer = find_mariadb()
        super().__init__(socket_folder)

    @property
    def socket(self) -> Path:
        return self.socket_folder / "mariadb.sock"

    def _install(self, data: Path) -> list[str | Path]:
        return [
            *(self.installer, "--no-defaults", f"--datadir={data}", "--skip-test-db"),
            "--auth-root-authentication-method=normal",
        ]

    def _run(self, data: Path, log: Path) -> SupervisedProcess:
        options = {
            "datadir": str(data),
            "socket": str(self.socket),
            "pid-file": str(self.folder / "pid"),
            "character-set-server": "utf8mb4",
            "max-connections": "300",
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": "0",
            "innodb-doublewrite": "0",
            "sync-binlog": "0",
        }
        return SupervisedProcess(
            [
                *(self.server, "--no-defaults", "--skip-networking"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=log,
            remove=self.folder,
            user=self.user,
        )
