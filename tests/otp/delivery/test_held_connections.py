"""No database connection is kept while a message is sent, however many databases there are."""

import json
import os
import subprocess
import sys
import uuid

import pytest
from django.conf import settings

from tests import ROOT
from tests.otp.delivery.held_connections.scenario import MESSAGES

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("psycopg_pool")

pytestmark = pytest.mark.postgres

SCRIPT = """
import json, os
from tests.otp.delivery.held_connections.scenario import WaitingServer, play
with WaitingServer() as smtp:
    os.environ["HELD_SMTP_PORT"] = str(smtp.port)
    import django
    django.setup()
    print(json.dumps(play(smtp)))
"""


@pytest.fixture
def database():
    """A database of the test's own on the server of the run."""
    server = settings.DATABASES["default"]
    name, options = f"held_{uuid.uuid4().hex[:8]}", {"host": server["HOST"], "user": "postgres"}
    with psycopg.connect(dbname="postgres", autocommit=True, **options) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("dispatcher", ["Thread", "Task"])
def test_a_pool_of_two_serves_other_requests(database, shared_redis, dispatcher):
    """Six messages wait for the mail server, codes and notices, and no connection waits with it."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.otp.delivery.held_connections.settings",
            "HELD_DATABASE": database,
            "HELD_HOST": settings.DATABASES["default"]["HOST"],
            "HELD_DISPATCHER": dispatcher,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    for what in ("codes", "notices") if dispatcher == "Thread" else ("worker",):
        assert seen[f"{what}: in use"] == [0, 0]
        assert seen[f"{what}: others"] == [MESSAGES] * MESSAGES
    assert seen["sent"] == (2 * MESSAGES if dispatcher == "Thread" else 1)
