"""A throwaway MariaDB: its own folder and socket, no port, gone with who started it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from demo.supervised import SupervisedProcess

STARTUP_SECONDS = 60


class NoMariaDB(Exception):
    """This machine has no MariaDB server to start, or it would not start."""


def find_mariadb() -> tuple[str, str]:
    """Find the server and what makes its data folder; Debian keeps the server in sbin."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    server = shutil.which("mariadbd", path=path)
    install = shutil.which("mariadb-install-db", path=path)
    if server and install:
        return server, install
    raise NoMariaDB("No MariaDB server here: install one (apt install mariadb-server).")


class MariaDBServer:
    """Listens on the socket `mariadb.sock` in `socket_folder`; a context manager.

    Its user `root` has no password.
    """

    def __init__(self, socket_folder: Path) -> None:
        self.server, self._install = find_mariadb()
        self.socket = socket_folder / "mariadb.sock"
        # It refuses to run as root.
        self.user = "mysql" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="swap-user-mariadb-"))
        self._process: SupervisedProcess | None = None

    def start(self) -> Self:
        """Make a data folder, start the server, and wait until it listens."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        if self.user:
            for folder in (self.folder, self.socket.parent):
                shutil.chown(folder, self.user, self.user)
        data = self.folder / "data"
        subprocess.run(
            [
                *(self._install, "--no-defaults", f"--datadir={data}", "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
        )
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
        log = self.folder / "log"
        self._process = SupervisedProcess(
            [
                *(self.server, "--no-defaults", "--skip-networking"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            log=log,
            remove=self.folder,
            user=self.user,
        )
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._listens():
            if time.monotonic() > deadline or not self._process.running:
                said = log.read_text(errors="replace").strip()
                self.stop()
                raise NoMariaDB(f"MariaDB did not start: {said}")
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

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
