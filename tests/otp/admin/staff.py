"""What tests of the pages about other users share: staff, permissions, and browsers of users."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from swap_user.models import KnownBrowser, LoginSession
from swap_user.testing import log_in
from tests.support import make_user

USER_OPTS = get_user_model()._meta
CHANGE = f"/admin/{USER_OPTS.app_label}/{USER_OPTS.model_name}/"
ROOT = "/admin/sign-in-methods/users/"

SEE_USERS, CHANGE_USERS = f"view_{USER_OPTS.model_name}", f"change_{USER_OPTS.model_name}"
SEE_SESSIONS, SEE_BROWSERS = "view_loginsession", "view_knownbrowser"
ALL = (SEE_USERS, CHANGE_USERS, SEE_SESSIONS, SEE_BROWSERS)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
EVIL = '"><script>alert(1)</script>{{ 7*7 }}'


def page(user: Any) -> str:
    return f"{ROOT}{user.pk}/"


def end_page(user: Any) -> str:
    return f"{ROOT}{user.pk}/end/"


def staff_with(*codenames: str, number: int = 8) -> Any:
    """A member of the staff with these permissions."""
    staff = make_user(number, is_staff=True)
    found = Permission.objects.filter(codename__in=codenames)
    assert found.count() == len(codenames)
    staff.user_permissions.set(found)
    return staff


def browser_of(user: Any, user_agent: str = FIREFOX) -> Client:
    """A browser in which a user is logged in."""
    client = Client(headers={"user-agent": user_agent})
    log_in(client, user)
    row = LoginSession.objects.get(session_key=client.session.session_key)
    row.user_agent = user_agent
    row.save()
    return client


def know(user: Any, name: str = "x", user_agent: str = FIREFOX, network: str = "") -> KnownBrowser:
    """A known browser of a user."""
    return KnownBrowser.objects.create(
        user=user, browser=name, user_agent=user_agent, network=network
    )


def session_of(client: Client) -> LoginSession:
    return LoginSession.objects.get(session_key=client.session.session_key)


def is_in(client: Client) -> bool:
    """Whether the user of a browser is still logged in."""
    return client.get("/admin/sign-in-methods/").status_code in {200, 403}


def names(response: Any) -> list[str]:
    """The names of browsers, in the order of the page."""
    found = re.findall(r"<strong><bdi>(.*?)</bdi></strong>", response.content.decode())
    return [unescape(each) for each in found]
