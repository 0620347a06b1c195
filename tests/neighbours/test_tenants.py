"""With django-tenants, each tenant is apart: its users, codes, limits, browsers and deliveries."""

import json
import os
import subprocess
import sys
import uuid

import pytest
from django.conf import settings

from tests import ROOT
from tests.support import CACHE_BACKENDS

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("django_tenants")

pytestmark = [pytest.mark.postgres, pytest.mark.neighbour("django-tenants")]

SCRIPT = """
import json
import django
django.setup()
from tests.neighbours.tenancy.scenario import play
print(json.dumps(play()))
"""


@pytest.fixture
def database():
    """A database of the test's own on the server of the run."""
    server = settings.DATABASES["default"]
    name, options = f"tenants_{uuid.uuid4().hex[:8]}", {"host": server["HOST"], "user": "postgres"}
    with psycopg.connect(dbname="postgres", autocommit=True, **options) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield name
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("cache", CACHE_BACKENDS)
def test_two_tenants(database, shared_redis, cache):
    """Two schemas, the same email address in both."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.neighbours.tenancy.settings",
            "TENANTS_DATABASE": database,
            "TENANTS_HOST": settings.DATABASES["default"]["HOST"],
            "TENANTS_CACHE": CACHE_BACKENDS[cache],
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    users = {"one": 10, "two": 11}
    for place in ("sent in threads", "sent by the worker"):
        assert [entry[:2] for entry in seen[place]] == [["one", "[10]"], ["two", "[11]"]], place
    for asked in users:
        for entered, pk in users.items():
            expected = pk if asked == entered else None
            assert seen[f"code of {asked} in {entered}"] == expected
    assert (seen["browser known in one"], seen["browser known in two"]) == (True, False)
    assert (seen["limited in one"], seen["limited in two"]) == (True, False)
    assert (seen["wrong guesses in one"], seen["wrong guesses in two"]) == (16, 1)
    assert seen["sent before the worker runs"] == []
    assert seen["schema of the worker"] == "public"
