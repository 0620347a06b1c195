"""With django-axes beside us no code comes into its tables (R41), and it counts by username."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests import ROOT
from tests.neighbours.projects import run_project

pytestmark = [
    pytest.mark.neighbour("django-axes"),
    pytest.mark.skipif(find_spec("axes") is None, reason="django-axes is not installed"),
]

# A process of its own: an app can't be added to one whose apps are loaded.
PROJECT = """
import json, logging, sys
from io import StringIO

from django.conf import settings

from tests.settings import to_email_otp as base

ours = {name: getattr(base, name) for name in dir(base) if name.isupper()}
ours["INSTALLED_APPS"] = (
    ["axes", *base.INSTALLED_APPS] if sys.argv[1] == "first" else [*base.INSTALLED_APPS, "axes"]
)
ours["MIDDLEWARE"] = [*base.MIDDLEWARE, "axes.middleware.AxesMiddleware"]
ours["AUTHENTICATION_BACKENDS"] = ["axes.backends.AxesBackend", *base.AUTHENTICATION_BACKENDS]
ours["AXES_FAILURE_LIMIT"] = 100
ours["AXES_SENSITIVE_PARAMETERS"] = ["username", "ip_address", "otp"]
ours["AXES_ENABLE_ACCESS_FAILURE_LOG"] = True
ours["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
settings.configure(**ours)

import django

django.setup()
log = StringIO()
logging.getLogger().addHandler(logging.StreamHandler(log))
logging.getLogger().setLevel(logging.DEBUG)
logging.getLogger("django.db").setLevel(logging.INFO)

from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)

from axes.models import AccessAttempt, AccessFailureLog
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.testing import outbox
from tests.support import make_user, username

user = make_user(is_staff=True)
client, other = Client(), Client()
client.post("/admin/login/", {"username": username()})
other.post("/admin/login/", {"username": username(7)})
codes = [outbox[0].otp, *generate_recovery_codes(user)[:2], "483920"]
# Right codes in a browser that they don't count in, and a wrong one.
for code in codes:
    assert other.post("/admin/check-otp/", {"otp": code}).status_code == 200
attempts = [
    {field: str(value) for field, value in row.items()}
    for model in (AccessAttempt, AccessFailureLog)
    for row in model.objects.values()
]
print(json.dumps({"codes": codes, "attempts": attempts, "log": log.getvalue()}))
"""


@pytest.mark.requirement("R41")
@pytest.mark.parametrize("place", ["first", "last"])
def test_codes_are_masked(shared_redis, place):
    """Whichever of the two is installed first."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROJECT, place],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["attempts"], "axes has seen no failure"
    assert any("otp=****" in row.get("post_data", "") for row in said["attempts"])
    stored = json.dumps(said["attempts"])
    for code in said["codes"]:
        assert code not in stored
        assert code not in said["log"]


SETTINGS = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "axes"]
ours["MIDDLEWARE"] = [*ours["MIDDLEWARE"], "axes.middleware.AxesMiddleware"]
ours["AUTHENTICATION_BACKENDS"] = [
    "axes.backends.AxesStandaloneBackend", *ours["AUTHENTICATION_BACKENDS"],
]
ours |= {
    "AXES_FAILURE_LIMIT": 3, "AXES_LOCKOUT_PARAMETERS": ["username"],
    "AXES_SENSITIVE_PARAMETERS": ["username", "ip_address", "otp"],
}
"""

COUNT = """
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
from axes.models import AccessAttempt
from swap_user.testing import outbox
from tests.support import make_user, username


def log_in(name, code=None):
    client = Client()
    client.post("/account/login/", {"username": name})
    code = code or outbox[-1].otp
    return client.post("/account/check-otp/", {"otp": code}).status_code


make_user(1), make_user(2)
said["expected"] = username()
said["wrong"] = [log_in(username(), "00000000") for _ in range(3)]
said["counted"] = list(AccessAttempt.objects.values_list("username", "failures_since_start"))
said["right"], said["other"] = log_in(username()), log_in(username(2))
"""


def test_wrong_codes_are_counted_by_username(shared_redis):
    """Also if the model has no field ``username``. Whoever is locked out there can't log in."""
    said = run_project(SETTINGS, COUNT)
    assert said["counted"] == [[said["expected"], 3]]
    assert said["wrong"] == [200, 200, 429]
    assert (said["right"], said["other"]) == (429, 302)
