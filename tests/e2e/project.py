"""A real project made by `startproject`, and its server processes."""

from __future__ import annotations

import json
import os
import pty
import re
import secrets
import select
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.core.signing import b64_decode

from services.smtp import SMTPServer
from services.supervised import SupervisedProcess
from tests import ROOT
from tests.e2e.browser import SECONDS, Browser

# A venv's interpreter with the built wheel in it: then that is what is tested, not the checkout.
WHEEL_PYTHON = os.environ.get("SWAP_USER_WHEEL_PYTHON", "")


def _environment() -> dict[str, str]:
    """Return what a person's shell would have: nothing that tests or pytest-django have set."""
    ours = re.compile(r"DJANGO_|PYTEST|PYTHON|SWAP_USER_|REDIS_|DATABASE$|COVERAGE", re.IGNORECASE)
    clean = {name: value for name, value in os.environ.items() if not ours.match(name)}
    clean["PYTHONUNBUFFERED"] = "1"
    if not WHEEL_PYTHON:
        clean["PYTHONPATH"] = str(ROOT)
    return clean


class Project:
    """What `django-admin startproject mysite` makes in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mysite"
        self.python = WHEEL_PYTHON or sys.executable
        self.environment = _environment()
        self._run("-m", "django", "startproject", "mysite", cwd=folder)
        self.settings = self.folder / "mysite/settings.py"
        where = self._run("-c", "import swap_user; print(swap_user.__file__)", cwd=folder).strip()
        assert Path(where).is_relative_to(ROOT / "swap_user") is not bool(WHEEL_PYTHON), where

    def replace(self, old: str, new: str) -> None:
        """Edit the settings, as in an editor."""
        text = self.settings.read_text()
        assert text.count(old) == 1, f"{old!r} is not once in the settings of startproject"
        self.settings.write_text(text.replace(old, new))

    def append(self, text: str) -> None:
        """Add to the end of the settings."""
        with self.settings.open("a") as settings:
            settings.write(f"\n{text}\n")

    def send_mail_to(self, smtp: SMTPServer) -> None:
        """Name the SMTP server where this Django's settings name it."""
        console = "'BACKEND': 'django.core.mail.backends.console.EmailBackend',"
        if "MAILERS" in self.settings.read_text():  # Django 6.1 and later
            self.replace(
                console,
                "'BACKEND': 'django.core.mail.backends.smtp.EmailBackend',\n"
                f"        'OPTIONS': {{'host': '{smtp.host}', 'port': {smtp.port}}},",
            )
        else:
            self.append(f'EMAIL_HOST = "{smtp.host}"\nEMAIL_PORT = {smtp.port}')

    def sh(self, command: str, **environment: str) -> str:
        """Run a command as printed, `python manage.py …`, and return what it said."""
        program, *argv = command.split()
        assert program == "python"
        return self._run(*argv, cwd=self.folder, **environment)

    def _run(self, *argv: str, cwd: Path, **environment: str) -> str:
        done = subprocess.run(
            [self.python, *argv],
            cwd=cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}"
        return done.stdout

    def in_terminal(self, command: str, answers: Sequence[tuple[str, str]]) -> str:
        """Run a command in a terminal, and type each answer after its prompt; return the screen."""
        ours, theirs = pty.openpty()
        try:
            with subprocess.Popen(
                [self.python, *command.split()[1:]],
                cwd=self.folder,
                env=self.environment,
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            ) as process:
                os.close(theirs)
                try:
                    return self._type(process, ours, answers)
                finally:
                    process.kill()
        finally:
            os.close(ours)

    @staticmethod
    def _type(
        process: subprocess.Popen[bytes], terminal: int, answers: Sequence[tuple[str, str]]
    ) -> str:
        screen, seen, left = "", 0, list(answers)
        deadline = time.monotonic() + SECONDS
        while True:
            assert time.monotonic() < deadline, screen
            if not select.select([terminal], [], [], 0.1)[0]:
                continue
            try:
                said = os.read(terminal, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                said = b""
            if not said:
                break
            screen += said.decode()
            if left and left[0][0] in screen[seen:]:
                seen = len(screen)
                os.write(terminal, f"{left.pop(0)[1]}\n".encode())
        assert process.wait(timeout=SECONDS) == 0, screen
        assert not left, f"{screen}\nnever asked: {left}"
        return screen

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Look into the database, or change it, behind Django's back."""
        connection = sqlite3.connect(self.folder / "db.sqlite3", timeout=20)
        try:
            connection.execute("PRAGMA synchronous=OFF")  # a test need not survive a power cut
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def copy_session(self, browser: Browser, at: str = "") -> Browser:
        """Return a browser with a session of its own that holds all that ``browser``'s does."""
        twin, key = browser.copy(at), secrets.token_hex(16)
        for cookie in twin.cookies:
            if cookie.name == "sessionid":
                self.sql(
                    "INSERT INTO django_session SELECT ?, session_data, expire_date "
                    "FROM django_session WHERE session_key = ?",
                    key,
                    cookie.value,
                )
                cookie.value = key
        return twin

    def logged_in_sessions(self) -> int:
        """Count the sessions in the database in which a user is logged in."""
        return sum(
            "_auth_user_id" in _unsigned(data)
            for (data,) in self.sql("SELECT session_data FROM django_session")
        )


def _unsigned(data: str) -> dict[str, Any]:
    """Read what Django has signed, without its key: in JSON, perhaps compressed."""
    payload = data.partition(":")[0]
    raw = b64_decode(payload.removeprefix(".").encode())
    content: dict[str, Any] = json.loads(zlib.decompress(raw) if payload[0] == "." else raw)
    return content


class Server:
    """`manage.py runserver` in a process of its own, on a free port; a context manager."""

    def __init__(self, project: Project, name: str = "server") -> None:
        self._project = project
        self._log = project.folder / f"{name}.log"
        self._process: SupervisedProcess | None = None

    def start(self) -> Self:
        """Start it; `wait` until it can be used."""
        environment = [f"{name}={value}" for name, value in self._project.environment.items()]
        # Supervised: it goes with us, however that happens. runserver is threaded, as gunicorn with
        # threads is, and it is what every project has; port 0 lets it choose a free one.
        self._process = SupervisedProcess(
            [
                *("env", "-i", *environment, self._project.python),
                *(self._project.folder / "manage.py", "runserver", "--noreload", "127.0.0.1:0"),
            ],
            log=self._log,
            remove=self._project.folder,
        )
        return self

    def wait(self) -> Self:
        """Wait until it listens."""
        assert self._process
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"server at (http://127\.0\.0\.1:\d+)/", self.said)):
            assert self._process.running, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)
        self.url = found[1]
        return self

    @property
    def said(self) -> str:
        """Everything it has printed."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        try:
            return self.start().wait()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"The server said:\n{self.said}")
            return
        # Whatever was asked of it: never a 500.
        assert "Traceback" not in self.said, self.said
        assert not re.search(r'" 5(?!03)\d\d ', self.said), self.said
