"""Apps that log in at the same time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.client import HTTPConnection
from threading import Barrier
from typing import Any

PLENTY = 120  # seconds

Body = dict[str, Any]


@dataclass
class App:
    """
    An app of one user.

    Attributes:
        port: the port of the server.
        number: its number, which makes its address.
        name: the username.
        seconds: how long each of its requests took, by method and path.
    """

    port: int
    number: int
    name: str
    flow: str = ""
    token: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def ask(self) -> None:
        """Ask for a code."""
        status, answer = self._send("POST", "code/", username=self.name, client="app")
        assert status == 202, answer
        self.flow = answer["flow"]

    def enter(self, otp: str) -> None:
        """Log in with a code."""
        sent = {"username": self.name, "otp": otp, "flow": self.flow}
        status, answer = self._send("POST", "session/", **sent)
        assert status == 200, answer
        self.token = answer["session_token"]

    def look(self) -> None:
        """See who is logged in."""
        status, answer = self._send("GET", "session/")
        assert status == 200, answer
        assert answer["user"]["username"] == self.name

    def _send(self, method: str, path: str, **members: str) -> tuple[int, Body]:
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": f"203.{self.number // 250}.{self.number % 250}.7",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = json.dumps(members) if members else None
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PLENTY)
        began = time.perf_counter()
        try:
            connection.request(method, f"/api/auth/{path}", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        self.seconds[f"{method} {path}"] = time.perf_counter() - began
        return response.status, answer


def apps_of(port: int, names: Sequence[str]) -> list[App]:
    """Return an app for each user."""
    return [App(port, number, name) for number, name in enumerate(names)]


def at_once(apps: Sequence[App], do: Callable[[App], object]) -> None:
    """Let all apps do the same at the same moment, and wait for all of them."""
    together = Barrier(len(apps))

    def begin(app: App) -> None:
        together.wait(PLENTY)
        do(app)

    with ThreadPoolExecutor(len(apps)) as pool:
        for done in [pool.submit(begin, app) for app in apps]:
            done.result(PLENTY)


def codes_in(messages: Sequence[EmailMessage]) -> dict[str, str]:
    """Return the codes in messages, by the usernames."""
    codes = {}
    for message in [*messages]:
        body = message.get_body(("plain",))
        assert body is not None
        codes[str(message["To"])] = re.findall(r"\b\d{6}\b", body.get_content())[0]
    return codes


def lags(port: int) -> list[float]:
    """Return the lags of the server's event loop since the last call, in seconds."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PLENTY)
    try:
        connection.request("GET", "/lag")
        found: list[float] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return found
