"""One trial: a server accepts messages, gets a signal, and ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.servers.commands import SERVERS
from services.redis import RedisServer, free_port
from services.smtp import SMTPServer

PLENTY = 60  # seconds
SETTINGS = "benchmarks.servers.settings"

# A row for each account, and a line with the account key and the primary key of each.
ACCOUNTS = """
import sys
import django; django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from swap_user.otp.store import keys
call_command("migrate", verbosity=0)
for number in range(int(sys.argv[1])):
    user = get_user_model().objects.create(email=f"user{number}@example.com")
    print(user.email, keys.account_key(user.email), user.pk)
"""


@dataclass(frozen=True)
class Result:
    """
    What became of the messages of a server, by the names of their accounts.

    Attributes:
        sent: one for each message that the mail server has.
        logged: one for each line about a message that was not sent.
        signalled: one for each signal.
        seconds: from the signal to the end of the process.
        output: what the server printed.
    """

    sent: Sequence[str]
    logged: Sequence[str]
    signalled: Sequence[str]
    seconds: float
    output: str = field(repr=False)

    names: frozenset[str] = field(repr=False)

    @property
    def lost(self) -> int:
        """The number of messages that were neither sent nor logged."""
        return len(self.names - {*self.sent, *self.logged})

    @property
    def twice(self) -> int:
        """The number of messages that were sent once more."""
        return len(self.sent) - len({*self.sent})

    @property
    def both(self) -> int:
        """The number of messages that arrived although the line says "not sent", as it warns."""
        return len({*self.sent} & {*self.logged})

    @property
    def is_peaceful(self) -> bool:
        """Whether each message was sent, or logged and signalled, and only once."""
        once = not self.twice and len(self.logged) == len({*self.logged})
        return once and not self.lost and sorted(self.logged) == sorted(self.signalled)


class Site:
    """The accounts, Redis and the mail server of all trials."""

    def __init__(
        self, folder: Path, redis: RedisServer, smtp: SMTPServer, *, messages: int, seconds: float
    ) -> None:
        self.folder, self.redis, self.smtp = folder, redis, smtp
        self.log, self.signals = folder / "log", folder / "signals"
        self.environment = {
            **{name: value for name, value in os.environ.items() if "DJANGO" not in name},
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "SERVERS_DATABASE": str(folder / "db.sqlite3"),
            "SERVERS_REDIS": redis.url,
            "SERVERS_SMTP_PORT": str(smtp.port),
            "SERVERS_LOG": str(self.log),
            "SERVERS_SIGNALS": str(self.signals),
            "SERVERS_SECONDS": str(seconds),
        }
        made = subprocess.run(
            [sys.executable, "-c", ACCOUNTS, str(messages)],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        # The log names an account by its account key, or a user by the primary key.
        self.names: dict[str, str] = {}
        for line in made.stdout.splitlines():
            name, *ids = line.split()
            self.names |= dict.fromkeys(ids, name)

    def end(self, server: str, number: signal.Signals, *, drained: bool = True) -> Result:
        """Start a server, let it accept a message for each account, and end it by a signal."""
        self.redis.flush()
        self.smtp.messages.clear()
        self.log.write_text("")
        self.signals.write_text("")
        with self._started(server, drained=drained) as (process, port):
            names = sorted(set(self.names.values()))
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda each: ask(port, *each), enumerate(names)))
            # A terminal sends SIGINT to the workers too.
            send = os.killpg if number == signal.SIGINT else os.kill
            send(process.pid, number)
            began = time.monotonic()
            try:
                process.wait(PLENTY)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"{server} did not end within {PLENTY} s") from None
            seconds = time.monotonic() - began
        return self._result(names, seconds)

    @contextmanager
    def _started(
        self, server: str, *, drained: bool
    ) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        flag = {"SERVERS_DRAINED": "yes" if drained else "no", "SERVER": server}
        with self.running(SERVERS[server], **flag) as started:
            yield started

    @contextmanager
    def running(
        self, command: Sequence[str], **environment: str
    ) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
        """
        Run a server, and yield its process and its port.

        Args:
            command: the command, in which PORT stands for the port.
            environment: variables of the environment, beyond those of the site.
        """
        port, output = free_port(), self.folder / "output"
        with (
            output.open("wb") as file,
            subprocess.Popen(
                [part.replace("PORT", str(port)) for part in command],
                env=self.environment | environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            ) as process,
        ):
            try:
                deadline = time.monotonic() + PLENTY
                while not is_up(port):
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{command} did not start: {output.read_text()}")
                    time.sleep(0.05)
                yield process, port
            finally:
                # Nothing of the server may be left, and no worker either.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _result(self, names: Sequence[str], seconds: float) -> Result:
        time.sleep(self.smtp.seconds)  # what has reached the mail server may arrive still
        log = self.log.read_text()
        lines = re.findall(r"^(?:job dropped|job failed|code not sent): .*", log, re.MULTILINE)
        ids = [re.search(r"\b(?:account|user)=(\w+)", line) for line in lines]
        logged = [self.names[found[1]] for found in ids if found]
        signalled = [self.names[line] for line in self.signals.read_text().split()]
        sent = [str(message["To"]) for message in self.smtp.messages]
        output = (self.folder / "output").read_text(errors="replace")
        return Result(sent, logged, signalled, seconds, output, frozenset(names))


def is_up(port: int) -> bool:
    """Return whether the server answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 404
    except OSError:
        return False
    finally:
        connection.close()


def ask(port: int, number: int, name: str) -> None:
    """Ask for a code for this account, from an address that nobody else has."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PLENTY)
    try:
        address = f"203.{number // 250}.{number % 250}.7"
        connection.request("GET", f"/ask?name={name}", headers={"X-Forwarded-For": address})
        status = connection.getresponse().status
        if status != 200:
            raise RuntimeError(f"status {status}")
    finally:
        connection.close()
