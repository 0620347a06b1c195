"""The demo as a process, and what a visitor does in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from services.redis import free_port
from tests import ROOT


class Demo:
    """A running demo, in a copy of its folder; what it says is redirected to a file."""

    def __init__(self, folder: Path, **environment: str) -> None:
        clean = {k: v for k, v in os.environ.items() if k != "REDIS_URL"}
        clean["PORT"] = str(free_port())  # tests run side by side
        self.output = folder / f"said-{time.monotonic_ns()}"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                cwd=folder,
                env=clean | {"PYTHONPATH": f"{folder}:{ROOT}", "TMPDIR": str(folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def address(self) -> str:
        """The URL that it prints, once it is ready."""
        self.wait_for("Ctrl-C")
        return self.wait_for(r"Open +(\S+/)")[1]

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it has said this."""
        deadline = time.monotonic() + 60
        while not (found := re.search(pattern, self.said)):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)
        return found

    def end(self, number: signal.Signals = signal.SIGINT) -> None:
        """Interrupt it, and see that nothing is left."""
        self.process.send_signal(number)
        assert self.process.wait(timeout=15) == 0, self.said
        assert "Traceback" not in self.said


class Browser:
    """Keeps cookies and fills in forms."""

    def __init__(self) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, url: str) -> str:
        return self.open(url)

    def post(self, to: str = "", **fields: str) -> str:
        """
        Send a form of the page: back to its own address, or the one with this action.

        Args:
            to: the path that the form is sent to. By default the first form, and this page.
            fields: what is filled in.
        """
        forms = re.findall(r'<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>', self.page, re.DOTALL)
        text = next(body for action, body in forms if action == to) if to else self.page
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
        values = {name: unescape(value) for name, value in hidden.items()} | fields
        origin = re.match(r"\w+://[^/]+", self.url)[0]
        return self.open(origin + to if to else self.url, urlencode(values).encode())

    def open(self, url: str, data: bytes | None = None) -> str:
        """Follow redirects from this URL, after a POST of the data if there are any."""
        with self._opener.open(url, data, timeout=20) as answer:
            self.url, self.page, self.headers = answer.url, answer.read().decode(), answer.headers
        return self.page
