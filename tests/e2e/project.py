"""A real project made by `startproject`, its server processes, and a browser that keeps cookies."""

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
from copy import copy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPHandler, OpenerDirector

from django.core.signing import b64_decode

from services.smtp import SMTPServer
from services.supervised import SupervisedProcess
from tests import ROOT

SECONDS = 60  # for anything to happen at all; a busy CI machine can be slow

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
        """Count the sessions in the database in which somebody is logged in."""
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


@dataclass
class Form:
    """One form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", "")))
        elif tag == "input" and self.found and "name" in values:
            self.found[-1].fields[values["name"]] = values.get("value", "")


class Browser:
    """Keeps cookies and fills in forms. It shows a redirect as such; `follow` follows it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self.status = 0
        self.page = ""
        self.location = ""
        # Not build_opener(): it would follow redirects, raise for errors, and load certificates.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())
        self._opener.add_handler(HTTPCookieProcessor(self.cookies))

    @property
    def path(self) -> str:
        """Where it is: path and query."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def said(self) -> str:
        """What the page says, for the message of an assertion: a debug page alone has 100 kB."""
        text = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", self.page)
        return f"{self.status} {self.path}: {' '.join(text.split())[:1000]}"

    def get(self, path: str) -> Self:
        """Open a page."""
        return self._open(path, None)

    def submit(self, to: str = "", **fields: str) -> Self:
        """Fill in and send the form that has these fields, or whose action ends with ``to``."""
        forms = _Forms()
        forms.feed(self.page)
        for form in forms.found:
            if fields.keys() <= form.fields.keys() and form.action.endswith(to):
                return self._open(form.action, urlencode(form.fields | fields).encode())
        raise AssertionError(f"no form with {sorted(fields)} for {to!r} in {self.said}")

    def follow(self) -> Self:
        """Go where it was redirected to, until there is a page."""
        for _ in range(5):
            if self.status not in {301, 302, 303}:
                break
            self.get(self.location)
        assert self.status == 200, self.said
        return self

    def _open(self, path: str, data: bytes | None) -> Self:
        url = urljoin(self.url, path)
        assert urlsplit(url).netloc == urlsplit(self.url).netloc, f"led away to {url}"
        with self._opener.open(url, data, timeout=SECONDS) as response:
            self.url = url
            self.status = response.status
            self.location = response.headers.get("Location", "")
            self.page = response.read().decode()
        return self

    def copy(self, at: str = "") -> Browser:
        """Return another with the same cookies and the same page open, perhaps at another server.

        A cookie belongs to a host, not to a port of it.
        """
        twin = Browser(urljoin(at or self.url, self.path))
        for cookie in self.cookies:
            twin.cookies.set_cookie(copy(cookie))
        twin.status, twin.page, twin.location = self.status, self.page, self.location
        return twin


CODE = r"\b\d{6}\b"


class Inbox(Protocol):
    """Where the codes arrive."""

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """Wait until ``count`` messages are there; return receiver and code, oldest first."""


class MailInbox:
    """Codes from the mail that an SMTP server got."""

    def __init__(self, smtp: SMTPServer) -> None:
        self.smtp = smtp

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """See Inbox.wait_for()."""
        deadline = time.monotonic() + SECONDS
        while True:
            # Those without a code tell the owner of something.
            sent = [
                (str(mail["To"]), code_in(text))
                for mail in self.smtp.messages
                if re.search(CODE, text := mail.get_body(("plain",)).get_content())
            ]
            if len(sent) >= count:
                return sent
            assert time.monotonic() < deadline, sent
            time.sleep(0.01)


class FileInbox:
    """Codes from the file that the project's own sender writes."""

    def __init__(self, project: Project) -> None:
        self.path = project.folder / "sent"
        (project.folder / "sender.py").write_text(
            SENDER.replace("        # implement your logic here.", self._logic)
        )

    @property
    def _logic(self) -> str:
        return (
            f"        with open({str(self.path)!r}, 'a') as sent:\n"
            "            sent.write(f'{receiver} {otp}\\n')"
        )

    def wait_for(self, count: int) -> list[tuple[str, str]]:
        """See Inbox.wait_for()."""
        deadline = time.monotonic() + SECONDS
        while True:
            lines = self.path.read_text().splitlines() if self.path.exists() else []
            if len(lines) >= count:
                return [(receiver, code) for receiver, code in map(str.split, lines)]
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)


# sender.py as the steps print it.
SENDER = """\
from swap_user.otp.senders import AbstractOTPSender

class MyPhoneOTPSender(AbstractOTPSender):

    def send(self, receiver: str, otp: str, **kwargs):
        # implement your logic here.
        # For example, interaction with sms/push API.
        pass
"""


def code_in(text: str) -> str:
    """Return the one code in a message."""
    (code,) = re.findall(CODE, text)
    return code
