"""
Serves the projects that the tests build from the pages: it runs their commands and scenarios.

This program loads Django once, then forks for every project. Loading takes longer than all that
is done in most of them. A request is a line of JSON on stdin: the project's folder and environment,
commands for its manage.py, the name of a scenario that follows them ("" for none), and a file for
what is printed. The answer is a line with the exit status.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from tests.docs.scenarios import SCENARIOS
from tests.docs.scenarios.steps import EMAIL, app_code, user_known_by

SECONDS = 60

# What most projects need, and what needs no settings to be loaded.
PRELOADED = [
    "cryptography.hazmat.primitives.ciphers.aead",
    "django.contrib.auth.hashers",
    "django.core.cache.backends.redis",
    "django.core.mail.backends.locmem",
    "django.core.management.commands.check",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.test",
    "django.views.debug",
    "phonenumbers",
    "pyotp",
    "redis",
]

# Commands of a site that is in use.
NEED_A_USER = {"enroll_authenticator", "reset_otp"}
NEED_TABLES = {*NEED_A_USER, "rotate_otp_keys"}


@contextlib.contextmanager
def app_in_reach() -> Iterator[None]:
    """Let an app that reads the secret from the terminal answer what a command asks."""
    from unittest.mock import patch

    terminal = io.StringIO()

    def answer(prompt: str) -> str:
        return app_code(re.search(r"type the secret (\w+)", terminal.getvalue())[1])

    with contextlib.redirect_stdout(terminal), patch("builtins.input", answer):
        try:
            yield
        finally:
            sys.__stdout__.write(terminal.getvalue())


@contextlib.contextmanager
def deliveries_awaited() -> Iterator[None]:
    """Deliver as the project does, in threads, and wait for it: what was sent is looked at next."""
    from unittest.mock import patch

    from swap_user.otp.dispatchers import ThreadDispatcher
    from swap_user.testing import wait_for_deliveries

    submit = ThreadDispatcher._submit

    def submit_and_wait(*arguments: Any) -> None:
        submit(*arguments)
        assert wait_for_deliveries(SECONDS / 2)

    with patch.object(ThreadDispatcher, "_submit", submit_and_wait):
        yield


def main(name: str, commands: list[str]) -> None:
    """Run the commands in the project of the current folder, then check it and play a scenario."""
    import django
    from django.core.management import call_command, execute_from_command_line
    from django.test.utils import setup_test_environment

    for command in commands:
        arguments = shlex.split(command)
        if arguments[1] in NEED_TABLES:
            django.setup()
            call_command("migrate", verbosity=0)
        if arguments[1] in NEED_A_USER:
            user_known_by(EMAIL)
        with app_in_reach():
            execute_from_command_line(arguments)
    if name:
        django.setup()
        call_command("check", fail_level="WARNING")
        call_command("migrate", verbosity=0)
        setup_test_environment()
        with deliveries_awaited():
            SCENARIOS.get(name, lambda: None)()


def child(request: dict[str, Any]) -> None:
    """Become a process of the project."""
    signal.alarm(SECONDS)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"], DJANGO_SETTINGS_MODULE="mysite.settings")
    sys.path.insert(0, request["folder"])
    status = 1
    try:
        main(request["scenario"], request["commands"])
        status = 0
    except SystemExit as end:
        status = 1 if end.code else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def serve() -> None:
    """Answer requests until there are no more."""
    for module in PRELOADED:
        importlib.import_module(module)
    for line in sys.stdin:
        if not (pid := os.fork()):
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(status, flush=True)


if __name__ == "__main__":
    serve()
