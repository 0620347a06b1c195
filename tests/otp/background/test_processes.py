"""Deliveries of real processes: one that ends at once, and a worker of a task queue."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import django
import pytest

from tests import ROOT

EMAIL = "ada@example.com"

SETTINGS = """
import os
import django
from pathlib import Path
from tests.settings.to_email_otp import *

FOLDER = Path(__file__).parent
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
INSTALLED_APPS = [*INSTALLED_APPS, "django_tasks_db"]
if django.VERSION < (6, 0):
    INSTALLED_APPS.append("django_tasks")
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
SWAP_USER = {
    "OTP_SENDER_CLASS": "sender." + os.environ["SENDER"],
    "OTP_DISPATCHER": f"swap_user.otp.dispatchers.{os.environ['DISPATCHER']}Dispatcher",
    "OTP_DIGITS": 10,
}
"""

SENDER = """
import threading
from pathlib import Path
from swap_user.otp.senders import AbstractOTPSender

class FileSender(AbstractOTPSender):
    def send(self, receiver, otp, **kwargs):
        with (Path(__file__).parent / "sent").open("a") as sent:
            sent.write(f"{receiver} {otp}\\n")

class HangingSender(AbstractOTPSender):
    def send(self, receiver, otp, **kwargs):
        threading.Event().wait()
"""

SEND = f"""
import django
django.setup()
from swap_user.otp import send_code
from swap_user.otp.background import lifecycle
lifecycle.EXIT_LIMIT = 1.0
send_code(None, "{EMAIL}")
"""

SEND_IN_ORDER = f"""
import django
django.setup()
import time
from django.contrib.auth import get_user_model
from swap_user.otp.delivery.send_code_job import deliver_code
from swap_user.otp.dispatchers import dispatch
get_user_model().objects.create_user(email="known@example.com")
for name, browser in [("{EMAIL}", ""), ("known@example.com", "a1b2")] * 2 + [("{EMAIL}", "")]:
    expires_at = time.time() + 60
    kwargs = dict(counter=10**6, digits=6, expires_at=expires_at, host="", language=None)
    dispatch(deliver_code, name, None, browser=browser, **kwargs)
"""


class Project:
    """Settings, a sender and a database of its own, and programs that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "sender.py").write_text(SENDER)
        self.run("-m", "django", "migrate", "-v0")
        self.run("-m", "django", "createsuperuser", "--noinput", "--email", EMAIL)

    def run(self, *arguments, sender="FileSender", dispatcher="Thread"):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": f"{self.folder}:{ROOT}",
                "DJANGO_SETTINGS_MODULE": "settings",
                "SENDER": sender,
                "DISPATCHER": dispatcher,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    @property
    def sent(self) -> list[list[str]]:
        path = self.folder / "sent"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="module")
def made(tmp_path_factory, shared_redis):
    """The project of this module."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(made):
    """The same; nothing was sent yet."""
    (made.folder / "sent").unlink(missing_ok=True)
    return made


@pytest.mark.heavy
@pytest.mark.parametrize("end", ["", "import sys; sys.exit()"])
def test_a_process_that_ends_at_once_delivers(project, end):
    """What send_code took is sent before the program is gone."""
    stderr = project.run("-c", SEND + end)
    ((receiver, code),) = project.sent
    assert receiver == EMAIL
    assert len(code) == 10
    assert not stderr


@pytest.mark.heavy
def test_a_sender_that_hangs_does_not_hold_a_process_that_ends(project):
    """It is left after the limit, and the log says so."""
    began = time.monotonic()
    stderr = project.run("-c", SEND, sender="HangingSender")
    assert time.monotonic() - began < 60
    assert "jobs lost at exit: count=1" in stderr
    assert project.sent == []


@pytest.mark.heavy
@pytest.mark.requirement("R30")
def test_a_real_worker_delivers(project):
    """What is in the queue before and after holds neither code nor secret."""
    project.run("-c", SEND, dispatcher="Task")
    assert project.sent == []
    before = queue(project)
    worker = ("-m", "django", "db_worker", "--batch", "--no-startup-delay", "--no-reload")
    project.run(*worker, dispatcher="Task")
    ((receiver, code),) = project.sent
    after = queue(project)
    assert receiver == EMAIL
    assert "send_code" in before
    assert "SUCCESSFUL" in after
    assert code not in before + after


@pytest.mark.heavy
def test_a_real_worker_delivers_to_known_browsers_first(project):
    """Whatever others have asked for before."""
    project.run("-c", SEND_IN_ORDER, dispatcher="Task")
    worker = ("-m", "django", "db_worker", "--batch", "--no-startup-delay", "--no-reload")
    project.run(*worker, dispatcher="Task")
    assert [receiver for receiver, _ in project.sent] == ["known@example.com"] * 2 + [EMAIL] * 3


@pytest.mark.heavy
def test_a_real_worker_delivers_what_the_alpha_has_queued(project):
    """A task that waits under the old names of module and job still runs after an upgrade."""
    project.run("-c", SEND, dispatcher="Task")
    names = [
        ("swap_user.otp.background.django_tasks.run_job", "swap_user.otp.tasks.run_job"),
        ('"send_code"', '"swap_user.otp.delivery_job.deliver"'),
    ]
    rename(project, names)
    assert all(old in queue(project).replace("\\", "") for _, old in names)
    worker = ("-m", "django", "db_worker", "--batch", "--no-startup-delay", "--no-reload")
    project.run(*worker, dispatcher="Task")
    ((receiver, _code),) = project.sent
    assert receiver == EMAIL


@pytest.mark.heavy
def test_a_worker_leaves_a_sender_that_hangs(project):
    """It goes on with the next task after the time limit."""
    limit = "from django.conf import settings\nsettings.SWAP_USER['OTP_SEND_TIME_LIMIT'] = 1\n"
    project.run("-c", SEND, dispatcher="Task")
    worker = (
        "from django.core.management import call_command\n"
        "import django; django.setup()\n"
        "call_command('db_worker', batch=True, startup_delay=False, reload=False)\n"
    )
    stderr = project.run("-c", limit + worker, dispatcher="Task", sender="HangingSender")
    assert "error=TimedOut: not done after 1 s" in stderr
    assert "READY" not in queue(project)


def rename(project, names):
    """Replace texts in the tasks that wait."""
    database = sqlite3.connect(project.folder / "db.sqlite3")
    try:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'django_tasks%'"
        ).fetchone()
        for new, old in names:
            for column in ("task_path", "args_kwargs"):
                database.execute(
                    f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE status = 'READY'",
                    (new, old),
                )
        database.commit()
    finally:
        database.close()


def queue(project):
    """Return every cell of the queue's table, as text."""
    database = sqlite3.connect(project.folder / "db.sqlite3")
    try:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE type='table' AND name LIKE 'django_tasks%'"
        ).fetchone()
        return json.dumps(database.execute(f"SELECT * FROM {table}").fetchall(), default=str)
    finally:
        database.close()


def test_the_backport_is_what_django_5_2_has():
    """Which of the two frameworks is in use."""
    from swap_user.otp.background.django_tasks import run_job

    framework = "django." if django.VERSION >= (6, 0) else "django_tasks."
    assert type(run_job).__module__.startswith(framework)
