"""No step can be skipped, no page seen without a login, and no way leads off the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import URLPattern, URLResolver

from swap_user.testing import outbox
from tests.otp.pages import own_urls
from tests.otp.pages.login.helpers import (
    CHECK,
    INDEX,
    LOGIN,
    LOGOUT,
    RESEND,
    STEP_UP,
    STEPS,
    ask,
    code,
    enter,
    field,
)
from tests.otp.pages.sites import ADMIN, OWN
from tests.support import make_user, username

pytestmark = pytest.mark.django_db


def addresses(patterns: Any, prefix: str) -> Iterator[str]:
    """Every address of a site, with something in place of its arguments."""
    for entry in patterns:
        route = str(entry.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        route = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route)
        route = re.sub(r"\(\?P<url>[^)]*\)", "nothing-here/", route)
        route = re.sub(r"<uuid:[^>]*>", str(UUID(int=1)), route)
        route = re.sub(r"<[^>]*>", "1", route)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, prefix + route)
        else:
            assert isinstance(entry, URLPattern)
            yield prefix + route


ADDRESSES = {
    ADMIN: sorted({*addresses(admin.site.get_urls(), INDEX)} - {*STEPS}),
    OWN: sorted({*addresses(own_urls.urlpatterns, "/")} - {*STEPS}),
}

# Pages for visitors: a sign-up, if the project wants it, and those to which messages lead.
FOR_VISITORS = {
    "/admin/sign-up/",
    "/admin/change-username/undo/",
    "/admin/not-me/",
}

# Where else one is led than to the login page and back.
ELSEWHERE = {
    (ADMIN, LOGOUT): INDEX,
    (OWN, STEP_UP): LOGIN,  # it leads to where ``next`` says
}


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("half_way", [False, True])
def test_no_page_without_a_login(client: Client, site: str, half_way: bool) -> None:
    """Nor with the first step alone."""
    assert len(ADDRESSES[site]) > 8
    if half_way:
        code(client)
    for address in ADDRESSES[site]:
        if (site, address) == (OWN, LOGOUT):
            continue  # it shows nothing but that one is logged out, see test_logout.py
        if address in FOR_VISITORS:
            for method in [client.get, client.post]:
                assert method(address).status_code == 404
            continue
        to_login = f"{LOGIN}?{urlencode({'next': address}, safe='/')}"
        for method in [client.get, client.post]:
            response = method(address)
            assert response.status_code == 302
            assert response["Location"] == ELSEWHERE.get((site, address), to_login)


@pytest.mark.requirement("R38")
def test_account_comes_from_the_session_never_from_the_form(client: Client, staff: Any) -> None:
    """A username in the second form is ignored."""
    make_user(5, is_staff=True)
    otp = code(client)
    enter(client, otp, username=username(5))
    assert client.session[SESSION_KEY] == str(staff.pk)


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "////evil.example",
        "http:///evil.example/",
        "https:evil.example",
        "https:/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\t//evil.example",
        " //evil.example",
        "\x08//evil.example",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
        "https://[evil",
        "ftp://testserver/",
        "javascript:alert(1)",
        "data:text/html,x",
        "\x00",
    ],
)
def test_next_stays_on_this_host(client: Client, target: str) -> None:
    """A target on another host, or of another scheme, is dropped."""
    assert field(client.get(LOGIN, {"next": target}), "next")["value"] == ""
    assert ask(client, next=target)["Location"] == CHECK
    page = client.get(CHECK, {"next": target})
    assert field(page, "next")["value"] == ""
    assert "evil" not in page.content.decode()
    assert client.post(RESEND, {"next": target})["Location"] == CHECK
    assert enter(client, outbox[-1].otp, next=target)["Location"] == INDEX


@pytest.mark.requirement("R38")
def test_next_keeps_to_https(client: Client) -> None:
    """A secure page does not lead to an insecure one."""
    response = client.post(
        LOGIN, {"username": username(), "next": "http://testserver/admin/"}, secure=True
    )
    assert response["Location"] == CHECK


@pytest.mark.parametrize("step", STEPS)
def test_forged_requests_are_refused(step: str) -> None:
    """Every step checks the CSRF token."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(step, {"username": username(), "otp": "1"}).status_code == 403
