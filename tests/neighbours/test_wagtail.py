"""The admin of Wagtail with the login of this package, as docs/reference/neighbours.md says."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.docs.reading import BLOCKS
from tests.neighbours.projects import run_project
from tests.neighbours.test_password_forms import WAGTAIL
from tests.user_models import UserModel

pytestmark = [
    pytest.mark.neighbour("wagtail"),
    pytest.mark.skipif(
        UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
    ),
    pytest.mark.skipif(find_spec("wagtail") is None, reason="wagtail is not installed"),
]

SETTINGS = """
exec({lines!r}, ours)
ours["INSTALLED_APPS"].append("wagtail.contrib.settings")
labels = [name.rpartition(".")[2] for name in ours["INSTALLED_APPS"]]
ours["MIGRATION_MODULES"] = dict.fromkeys([
    *labels, "swap_to_email_otp", "wagtailcore", "wagtailadmin", "wagtailimages", "wagtaildocs",
    "wagtailusers", "wagtailsearch",
])
ours = {{name: value for name, value in ours.items() if name.isupper()}}
"""

PROGRAM = """
from django.core.management import call_command
from django.test import Client

call_command("migrate", run_syncdb=True, verbosity=0)
from swap_user.testing import outbox
from tests.support import make_user, username

from wagtail.models import Locale, Page

# What its migrations would create.
Page.add_root(title="Root", slug="root", locale=Locale.objects.create(language_code="en"))
make_user(1, is_staff=True, is_superuser=True)
client = Client()


def step(url, data=None):
    response = client.post(url, data) if data is not None else client.get(url)
    return [response.status_code, response.get("Location", "")]


said["no login"] = step("/cms/")
said["its login"] = step("/cms/login/?next=/cms/")
start = "/account/login/?next=/cms/"
step(start, {"username": username()})
said["in"] = step("/account/check-otp/?next=/cms/", {"otp": outbox[-1].otp})
said["index"] = step("/cms/")
page = client.get("/cms/account/").content.decode()
said["asks for a password"] = 'type="password"' in page
said["reset"] = step("/cms/password_reset/")[0]
said["out"] = step("/cms/logout/", {})
said["after"] = step("/cms/")
"""


def blocks() -> dict[str, str]:
    """Return the code of the page, by the file."""
    return {
        each.title: each.body
        for each in BLOCKS
        if each.where.startswith("docs/reference/neighbours.md") and "WAGTAIL" in each.body.upper()
    }


def test_the_admin(shared_redis: Any) -> None:
    """Our pages log in, its own page for passwords leads there, and it logs out."""
    code = blocks()
    said = run_project(
        WAGTAIL + SETTINGS.format(lines=code["mysite/settings.py"]),
        PROGRAM,
        {"urls.py": code["mysite/urls.py"]},
    )
    login = "/account/login/?next=/cms/"
    assert said["no login"] == [302, login]
    assert said["its login"] == [302, login]
    assert said["in"] == [302, "/cms/"]
    assert said["index"][0] == 200
    assert not said["asks for a password"]
    assert said["reset"] == 404
    assert said["out"][0] == 302
    assert said["after"] == [302, login]
