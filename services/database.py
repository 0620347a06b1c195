"""What the throwaway database servers share: a folder and a socket of their own, and an end."""

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
    """This machine has no such server to start, or it would not start."""


class DatabaseServer(ABC):
    """
    Listens on a socket in `socket_folder`, and on no port; a context manager.

    Gone with who started it, its folder too.
    """

    name: ClassVar[str]
    account: ClassVar[str]  # who it runs as where root starts it, which it refuses to run as
    startup_seconds: ClassVar[int]

    def __init__(self, socket_folder: Path) -> None:
        self.socket_folder = socket_folder
        self.user = self.account if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"swap-user-{self.name.lower()}-"))
        self._process: SupervisedProcess | None = None

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Where it listens."""

    @abstractmethod
    def _install(self, data: Path) -> list[str | Path]:
        """Return the command that makes the data folder."""

    @abstractmethod
    def _run(self, data: Path, log: Path) -> SupervisedProcess:
        """Start it."""

    def start(self) -> Self:
        """Make a data folder, start the server, and wait until it listens."""
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
                said = log.read_text(errors="replace").strip()
                self.stop()
                raise NoServer(f"{self.name} did not start: {said}")
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
