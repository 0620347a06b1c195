"""A project with another package, in a process of its own: apps can't be added to a loaded one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import ROOT

_START = """
import json

from django.conf import settings

from tests.settings import {base} as base

ours = {{name: getattr(base, name) for name in dir(base) if name.isupper()}}
ours["DATABASES"] = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
said = {{}}

{settings}

settings.configure(**ours)

import django

django.setup()
"""

_END = """
print(json.dumps(said))
"""


def run_project(
    settings: str, program: str, files: Mapping[str, str] | None = None, base: str = "to_email_otp"
) -> Any:
    """
    Run a program in a project, and return what it has put into ``said``.

    Args:
        settings: Python code that changes ``ours``, the settings of the tests' project.
        program: Python code that is run when Django has loaded the apps.
        files: more files that the project can import or load, by their paths.
        base: the module of settings to begin with.
    """
    start = _START.format(base=base, settings=textwrap.dedent(settings))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", start + textwrap.dedent(program) + _END],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "", "PYTHONPATH": f"{folder}:{ROOT}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
