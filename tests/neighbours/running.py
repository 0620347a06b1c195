"""Runs the site of a test in a process of its own: an app can't be added to this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from tests import ROOT


def run(module: str, *arguments: str) -> Any:
    """Run a module of this folder as a program, and return the JSON that it prints last."""
    command = [sys.executable, "-W", "ignore", "-m", f"tests.neighbours.{module}", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
