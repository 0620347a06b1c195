"""Task queues: the code of docs/howto/queues.md, and a worker that sends what was requested."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests import ROOT
from tests.docs.reading import BLOCKS
from tests.neighbours.projects import run_project
from tests.neighbours.registry import NEIGHBOURS
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.requirement("R30"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
    ),
]

PAGE = "docs/howto/queues.md"

# What each queue needs before the module of the page is imported, and how its worker runs once.
START = {
    "celery": """
import celery
app = celery.Celery("site", broker=location.replace("unix", "redis+socket"))
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=False)
app.set_default()
app.autodiscover_tasks()
""",
    "rq": "",
    "dramatiq": """
import dramatiq, redis
from dramatiq.brokers.redis import RedisBroker
broker = RedisBroker(client=redis.Redis.from_url(location))
dramatiq.set_broker(broker)
""",
    "django_q": "",
}

WORK = {
    "celery": """
from celery.contrib.testing.worker import start_worker
with start_worker(app, pool="solo", perform_ping_check=False):
    wait()
""",
    "rq": """
from rq import SimpleWorker
from mysite import tasks
SimpleWorker([tasks.queue], connection=tasks.queue.connection).work(burst=True)
""",
    "dramatiq": """
from mysite import tasks
worker = dramatiq.Worker(broker, worker_timeout=100)
worker.start()
broker.join("codes")
worker.join()
worker.stop()
""",
    "django_q": """
call_command("qcluster", run_once=True)
""",
}

SETTINGS = """
import os
folder = os.environ["PYTHONPATH"].partition(":")[0]
ours["DATABASES"]["default"]["NAME"] = f"{{folder}}/db.sqlite3"
location = ours["CACHES"]["default"]["LOCATION"]
if "{module}" == "django_q":
    ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "django_q"]
ours["Q_CLUSTER"] = {{"redis": location, "max_attempts": 1, "workers": 1}}
ours["SWAP_USER"] = {{
    **ours["SWAP_USER"], "OTP_SENDER_CLASS": "sending.FileSender",
    "OTP_DISPATCHER": "{dispatcher}",
}}
"""

SENDING = """
from pathlib import Path
from swap_user.otp.senders import AbstractOTPSender

class FileSender(AbstractOTPSender):
    def send(self, receiver, otp, **kwargs):
        with (Path(__file__).parent / "sent.txt").open("a") as file:
            file.write(f"{receiver} {otp}\\n")
    def notify(self, user, subject, text, **kwargs):
        pass
"""

SITE = """
import time
from pathlib import Path
import sending
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from tests.support import make_user, username

SENT = Path(sending.__file__).with_name("sent.txt")


def wait():
    until = time.monotonic() + 60
    while not SENT.exists() and time.monotonic() < until:
        time.sleep(0.05)


make_user()
client = Client()
client.post("/account/login/", {"username": username()})
Client().post("/account/login/", {"username": "nobody@example.com"})
said["before"] = SENT.exists()
"""

END = """
lines = SENT.read_text().split()
said["sent"] = lines[0::2]
said["expected"] = username()
response = client.post("/account/check-otp/", {"otp": lines[-1]})
said["login"] = response.status_code
"""


def block_of(module: str) -> str:
    """Return the code of the page that imports a package. Celery needs none."""
    if module == "celery":
        return ""
    (block,) = [
        each
        for each in BLOCKS
        if each.where.startswith(PAGE)
        and each.title == "mysite/tasks.py"
        and f"{module}" in each.body.split("\n\n")[0]
    ]
    return block.body


@pytest.mark.parametrize(
    ("module", "dispatcher"),
    [
        pytest.param(
            "celery",
            "swap_user.otp.dispatchers.CeleryDispatcher",
            marks=pytest.mark.neighbour("celery"),
        ),
        pytest.param("rq", "mysite.tasks.RQDispatcher", marks=pytest.mark.neighbour("rq")),
        pytest.param(
            "dramatiq", "mysite.tasks.DramatiqDispatcher", marks=pytest.mark.neighbour("dramatiq")
        ),
        pytest.param(
            "django_q", "mysite.tasks.QDispatcher", marks=pytest.mark.neighbour("django-q2")
        ),
    ],
)
def test_a_worker_delivers(module: str, dispatcher: str, shared_redis: Any) -> None:
    """Nothing is sent before the worker runs. Then the code arrives, and logs the visitor in."""
    assert dispatcher in (ROOT / PAGE).read_text()
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    said = run_project(
        SETTINGS.format(module=module, dispatcher=dispatcher),
        START[module] + SITE + WORK[module] + END,
        {"mysite/__init__.py": "", "mysite/tasks.py": block_of(module), "sending.py": SENDING},
    )
    assert not said["before"]
    assert said["sent"] == [said["expected"]]
    assert said["login"] == 302


@pytest.mark.parametrize(
    ("module", "package"),
    [("celery", "celery"), ("rq", "rq"), ("dramatiq", "dramatiq"), ("django_q", "django-q2")],
)
def test_the_number_of_lines(module: str, package: str) -> None:
    """The table says how many lines the page has, with that of the setting."""
    lines = [line for line in block_of(module).splitlines() if line]
    expected = f"{len(lines) + 1} lines" if lines else "1 line"
    assert NEIGHBOURS[package].works == expected
