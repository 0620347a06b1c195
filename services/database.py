"""The base class of temporary database servers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from services.supervised import SupervisedProcess


class NoServer(Exception):
    """Raised when the server is not installed or does not start."""


class DatabaseServer(ABC):
    """
    A temporary database server; a context manager.

    It listens on a socket in `socket_folder` only, not on a port. The server and its files are
    removed when the process that started it ends.

    Attributes:
        name: the name of the server in messages.
        account: the operating system account to run it as if this process runs as root, because
            the servers refuse to run as root.
        startup_seconds: how long to wait until it listens.
    """

    name: ClassVar[str]
    account: ClassVar[str]
    startup_seconds: ClassVar[int]

    def __init__(self, socket_folder: Path) -> None:
        self.socket_folder = socket_folder
        self.user = self.account if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"swap-user-{self.name.lower()}-"))
        self._process: SupervisedProcess | None = None

    @property
    @abstractmethod
    def socket(self) -> Path:
        """The path of the socket."""

    @abstractmethod
    def _install(self, data: Path) -> list[str | Path]:
        """Return the command that creates the data folder."""

    @abstractmethod
    def _run(self, data: Path, log: Path) -> SupervisedProcess:
        """Start the server process."""

    def start(self) -> Self:
        """Create the data folder, start the server, and wait until it listens."""
        self.socket_folder.mkdir(parents=True, exist_ok=True)
        if self.user:
            for folder in (self.folder, self.socket_folder):
                shutil.chown(folder, self.user, self.user)
        data, log = self.folder / "data", self.folder / "log"
        subprocess.run(
            self._install(data),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
        )
        self._process = self._run(data, log)
        deadline = time.monotonic() + self.startup_seconds
        while not self._listens():
            if time.monotonic() > deadline or not self._process.running:
                reason = log.read_text(errors="replace").strip()
                self.stop()
                raise NoServer(f"{self.name} did not start: {reason}")
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket)) == 0

    def stop(self) -> None:
        """Stop the server and remove its folder."""
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
