"""The installation steps, to the letter, on what `startproject` makes, up to a login over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.browser import Browser
from tests.e2e.inboxes import Inbox, MailInbox
from tests.e2e.project import Server
from tests.e2e.steps import (
    AUTH_USER,
    CACHES,
    EMAIL,
    EMAIL_OTP,
    PHONE,
    PHONE_OTP,
    Site,
    Steps,
    ask,
    follow,
)


def spaced(code: str) -> str:
    """Return a code as people type it."""
    return f" {code[:3]} {code[3:]}"


def check_login(server: Server, steps: Steps, inbox: Inbox) -> None:
    """Log in, out, and in again to a page further inside; try a used code on the way."""
    browser = Browser(server.url)
    ask(browser, "/admin/", steps.typed)
    ((receiver, code),) = inbox.wait_for(1)
    assert receiver == steps.receiver
    browser.submit(otp=spaced(code))
    assert browser.status == 302, browser.said
    assert browser.location == "/admin/"
    browser.follow()
    assert "Site administration" in browser.page, browser.said
    user = re.search(r'id="user-tools">.*?<strong>(.*?)</strong>', browser.page, re.DOTALL)
    assert user[1] == steps.shown
    browser.submit(to="/logout/").follow()
    assert browser.get("/admin/").status == 302

    # Elsewhere the same code is no use, neither without nor after asking for one there.
    other = Browser(server.url)
    assert other.get("/admin/check-otp/").status == 302
    inside = "/admin/auth/group/?o=-1"
    ask(other, inside, steps.typed)
    fresh = inbox.wait_for(2)[1][1]
    other.submit(otp=code)
    assert other.status == 200, other.said
    assert "That code did not work" in other.page, other.said
    assert other.copy().get(inside).status == 302

    # A refused code spoils nothing, and `next` is where one wanted to go.
    other.submit(otp=fresh)
    assert other.status == 302, other.said
    assert other.location == inside, other.said
    assert "Select group to change" in other.follow().page


def create_by_environment(site: Site, steps: Steps) -> None:
    """Make the superuser as a script does."""
    said = site.project.sh("python manage.py createsuperuser --noinput", **steps.superuser)
    assert "Superuser created successfully." in said


def create_in_terminal(site: Site, steps: Steps) -> None:
    """Make the superuser as a person does: asked for the username, and for no password."""
    screen = site.project.in_terminal(
        "python manage.py createsuperuser", [(steps.prompt, steps.typed)]
    )
    assert "Superuser created successfully." in screen
    assert "password" not in screen.lower()


def build_and_log_in(
    steps: Steps, folder: Path, caches: str, create: Callable[[Site, Steps], None]
) -> None:
    """All of it."""
    with follow(steps, folder, CACHES[caches]) as site:
        create(site, steps)
        said = site.project.sh("python manage.py check")
        assert said == "System check identified no issues (0 silenced).\n"
        with Server(site.project) as server:
            check_login(server, steps, site.inbox)
        if isinstance(site.inbox, MailInbox):
            check_mail(site.inbox)


def check_mail(inbox: MailInbox) -> None:
    """It is a proper message, from Django's default address."""
    mail = inbox.smtp.messages[0]
    assert mail["From"] == "webmaster@localhost"
    assert mail["To"] == "ada@example.com"
    assert "127.0.0.1" in mail["Subject"]
    assert mail.get_content_type() == "multipart/alternative"
    assert inbox.wait_for(1)[0][1] in mail.get_body(("html",)).get_content()


@pytest.mark.requirement("R6", "R9", "R23", "R38")
@pytest.mark.parametrize(
    ("caches", "create"),
    [
        ("RedisCache", create_by_environment),
        pytest.param("django-redis", create_in_terminal, marks=pytest.mark.heavy),
    ],
    ids=["RedisCache", "django-redis"],
)
@pytest.mark.parametrize("steps", [EMAIL_OTP, PHONE_OTP], ids=["email", "phone"])
def test_the_steps_to_the_letter(steps, caches, create, tmp_path):
    """Both OTP models, with both cache backends as printed; the superuser made in both ways."""
    build_and_log_in(steps, tmp_path, caches, create)


@pytest.mark.heavy
@pytest.mark.parametrize(
    "steps", [EMAIL, PHONE, AUTH_USER], ids=["to_email", "to_phone", "auth.User"]
)
def test_models_with_a_password(steps, tmp_path):
    """They too are let in by a code."""
    build_and_log_in(steps, tmp_path, "RedisCache", create_by_environment)
