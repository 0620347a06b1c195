"""The migrate command beside another package's, in either order."""

import subprocess
import sys

import pytest

from tests import ROOT

PROJECT = """
import sys
from django.conf import settings

ours = ["swap_user", "swap_user.to_email_otp"]
other = ["tests.management.other_migrate"]
settings.configure(
    SECRET_KEY="only for this test, and longer than fifty characters, it is",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        *(ours + other if sys.argv[1] == "first" else other + ours),
    ],
    AUTH_USER_MODEL="swap_to_email_otp.EmailOTPUser",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
from django.core.management import call_command

django.setup()
call_command("migrate", "swap_to_email_otp", skip_checks=True)
if sys.argv[1] == "first":
    call_command("migrate", "swap_to_email", skip_checks=True)
"""


@pytest.mark.parametrize("place", ["first", "last"])
def test_another_package_overrides_migrate(place):
    """The other command runs in either order, and knows the old label if ours comes first."""
    done = subprocess.run(
        [sys.executable, "-c", PROJECT, place], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "other migrate: swap_to_email_otp"
    if place == "first":
        assert lines[1:] == [
            "This project has swap_to_email_otp, not swap_to_email. Migrating all apps.",
            "other migrate: None",
        ]
