"""Builds the projects of the pages, and runs their commands and scenarios."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import ROOT
from tests.docs.reading import PROJECTS, REDIS_URL, SETTINGS, Project, pyproject
from tests.testing.projects import PLUGIN


class Django:
    """Runs commands and scenarios of projects; see server.py."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.docs.server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, commands: list[str], folder: Path, env: dict[str, str], scenario: str) -> None:
        """Run commands of the project in this folder, and a scenario after them."""
        output = folder.parent / "output"
        request = {
            "folder": str(folder),
            "env": env,
            "commands": [command.removeprefix("python ") for command in commands],
            "scenario": scenario,
            "output": str(output),
        }
        print(json.dumps(request), file=self._process.stdin, flush=True)
        status = self._process.stdout.readline().strip()
        assert status == "0", f"{commands} {scenario}: {status}\n{output.read_text()}"

    def end(self) -> None:
        self._process.communicate(timeout=10)


def install(command: str, *_: object) -> None:
    """See that it installs a clone; doing so is another test's business (test_packaging.py)."""
    assert command == "pip install ../" + pyproject()["project"]["name"]


def start_project(command: str, *_: object) -> None:
    """Every project begins with this, see `start`."""
    assert command == "django-admin startproject mysite ."


def make(command: str, *_: object) -> None:
    """See that there is such a target; the commands themselves have tests of their own."""
    target = command.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


MANAGE = "python manage.py "

MAKE_KEY = MANAGE + "generate_otp_key"


def run_pytest(command: str, folder: Path, env: dict[str, str]) -> None:
    """Run the tests of a project, with the plugin of the package."""
    mine = {name: text for name, text in env.items() if not name.startswith("PYTEST_")}
    options = [*command.split()[1:], "-p", "no:randomly", *PLUGIN]
    argv = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(argv, cwd=folder, env=mine, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


_RUNNERS: dict[str, Callable[..., None]] = {
    "pytest": run_pytest,
    "pip install ": install,
    "django-admin startproject ": start_project,
    "make ": make,
}


def runner(command: str) -> Callable[..., None] | None:
    return next((run for start, run in _RUNNERS.items() if command.startswith(start)), None)


# The provider's client that the pages say is the reader's own.
PUSH_API = """
sent = []


class PushAPI:
    @staticmethod
    def send(to, title, text):
        sent.append((to, title, text))
"""

# Shown on the same page, for the project before.
TEST_SETTINGS = "from mysite.settings import *\n"

BROUGHT_ALONG = {
    "senders": {"mysite/push.py": PUSH_API},
    "testing-pages": {"mysite/test_settings.py": TEST_SETTINGS},
}


def start(folder: Path) -> None:
    """Do what `django-admin startproject mysite .` does."""
    from django.core.management.templates import TemplateCommand

    folder.mkdir()
    TemplateCommand().handle("project", "mysite", str(folder), **_START_OPTIONS)


_START_OPTIONS: dict[str, Any] = {
    "verbosity": 0,
    "template": None,
    "extensions": ["py"],
    "files": [],
    "exclude": None,
    "secret_key": "only for this test, and long enough for every check of Django: 5Zq!x8R0mVw2",
}


def with_server(text: str, redis_url: str) -> str:
    """Replace the server of the pages, and keep the number of a database."""
    number = "?db=" if redis_url.startswith("unix:") else "/"
    text = re.sub(rf"{re.escape(REDIS_URL)}/(\d+)", rf"{redis_url}{number}\1", text)
    return text.replace(REDIS_URL, redis_url)


def lineage(name: str) -> list[Project]:
    project = PROJECTS[name]
    return [*(lineage(project.base) if project.base else []), project]


def build(name: str, folder: Path, redis_url: str, runs: Django, *, commands: bool) -> Built:
    """
    Make the project `name` by following its page.

    Args:
        name: which.
        folder: where; made here.
        redis_url: the server to use in place of the one in the pages.
        runs: what runs it.
        commands: run what the page itself, not the pages before it, says to run.
    """
    start(folder)
    env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    env |= {"PYTHONPATH": str(ROOT), "SECRET_KEY": _START_OPTIONS["secret_key"] + "even longer"}
    built = Built(folder, env, runs)
    (*ancestors, last) = lineage(name)
    for project in (*ancestors, last):
        for path, text in BROUGHT_ALONG.get(project.name, {}).items():
            (folder / path).write_text(text)
        for block in project.blocks:
            if block.language != "sh":
                built.write(block.title, with_server(block.body, redis_url))
            elif commands and project is last:
                built.run(block.commands)
    return built


@dataclass
class Built:
    """A project on disk."""

    folder: Path
    env: dict[str, str]
    django: Django
    waiting: list[str] = field(default_factory=list)

    def run(self, commands: list[str]) -> None:
        """Run commands; those of the project wait until it changes, and then share a process."""
        for command in commands:
            if command.startswith(MANAGE):
                self.waiting.append(command)
            else:
                runner(command)(command, self.folder, self.env)
            if command == MAKE_KEY:
                # What it printed is what the pages keep in the environment.
                self.catch_up()
                output = (self.folder.parent / "output").read_text()
                self.env["OTP_ENCRYPTION_KEYS"] = output.split()[-1]

    def catch_up(self) -> None:
        """Run the commands that wait."""
        if self.waiting:
            self.django.run(self.waiting, self.folder, self.env, "")
            self.waiting = []

    def write(self, title: str, text: str) -> None:
        """Write a block to its file."""
        self.catch_up()
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        if title == SETTINGS:
            text = f"{path.read_text()}\n{text}"
        path.write_text(text)

    def use(self, scenario: str) -> None:
        """Check the project and run its scenario."""
        self.django.run(self.waiting, self.folder, self.env, scenario)
