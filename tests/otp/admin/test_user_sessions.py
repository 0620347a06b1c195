"""Staff see where a user is logged in, and the user's known browsers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from swap_user.models import KnownBrowser, LoginSession
from swap_user.otp.sessions import engines
from swap_user.testing import log_in
from tests.otp.admin.staff import (
    ALL,
    CHANGE,
    EVIL,
    FIREFOX,
    SEE_BROWSERS,
    SEE_SESSIONS,
    SEE_USERS,
    browser_of,
    end_page,
    know,
    names,
    page,
    session_of,
    staff_with,
)
from tests.otp.pages.login.helpers import enter, words
from tests.support import configure, make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


@pytest.fixture
def clerk(client: Client) -> Any:
    """A member of the staff with all permissions on users, logged in."""
    user = staff_with(*ALL)
    log_in(client, user)
    return user


@pytest.fixture
def owner(db: None) -> Any:
    return make_user(1)


def many_sessions(owner: Any, number: int) -> None:
    """Sessions in the table of sessions, each with its record."""
    model = engines.session_model()
    later = timezone.now() + timedelta(days=1)
    keys = [f"key{i:029}" for i in range(number)]
    model.objects.bulk_create(
        model(session_key=key, session_data="", expire_date=later) for key in keys
    )
    LoginSession.objects.bulk_create(
        LoginSession(user=owner, session_key=key, expires_at=later, user_agent=f"Agent {i}")
        for i, key in enumerate(keys)
    )


def test_what_is_seen(client: Client, clerk: Any, owner: Any) -> None:
    """The browsers of this user, and of no other one."""
    browser_of(owner)
    browser_of(make_user(2), "Other/1.0")
    know(owner, user_agent="Opera OPR/1", network="192.0.2.0/24")
    know(clerk, user_agent="Clerk/1.0")
    response = client.get(page(owner))
    assert names(response) == ["Firefox, Linux", "Opera"]
    assert "192.0.2.0/24" in words(response)
    assert username(1) in words(response)
    assert session_of(client).session_key not in response.content.decode()
    for row in LoginSession.objects.all():
        assert row.session_key not in response.content.decode()
    for row in KnownBrowser.objects.all():
        assert f">{row.browser}<" not in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_what_a_browser_calls_itself_is_escaped(client: Client, clerk: Any, owner: Any) -> None:
    """A visitor can write anything into the header."""
    browser_of(owner, EVIL)
    know(owner, user_agent=EVIL, network="<i>")
    response = client.get(page(owner))
    assert names(response) == [EVIL, EVIL]
    assert "<script>alert" not in response.content.decode()
    assert "<i>" not in response.content.decode()


@pytest.mark.user_model("email address")
def test_a_name_with_markup_is_escaped(client: Client, clerk: Any, owner: Any) -> None:
    """On both pages, in the title, the breadcrumbs and the text."""
    name = '"<b>x</b>"@example.com'
    type(owner).objects.filter(pk=owner.pk).update(**{owner.USERNAME_FIELD: name})
    for address in (page(owner), end_page(owner)):
        response = client.get(address)
        assert response.status_code == 200
        assert "<b>x</b>" not in response.content.decode()
        assert name in words(response)


def test_nothing_stored_is_unknown(client: Client, clerk: Any, owner: Any, settings: Any) -> None:
    """With OTP_SESSION_RETENTION = 0 neither browsers nor networks are stored."""
    configure(settings, OTP_SESSION_RETENTION=0)
    theirs = Client(headers={"user-agent": FIREFOX})
    theirs.post("/admin/login/", {"username": username(1)})
    from swap_user.testing import outbox

    owner.is_staff = True
    owner.save()
    assert enter(theirs, outbox[-1].otp).status_code == 302
    response = client.get(page(owner))
    assert names(response) == ["Unknown browser", "Unknown browser"]
    assert words(response).count("Unknown network") == 2
    assert "Firefox" not in words(response)


def test_a_user_who_is_nowhere(client: Client, clerk: Any, owner: Any) -> None:
    """The page says so."""
    assert "This user is not logged in anywhere." in words(client.get(page(owner)))


def test_sessions_that_are_gone_are_not_listed(client: Client, clerk: Any, owner: Any) -> None:
    """A record may be older than its session."""
    theirs = browser_of(owner)
    theirs.session.delete()
    assert names(client.get(page(owner))) == []


def test_a_thousand_sessions(client: Client, clerk: Any, owner: Any) -> None:
    """They are paged, and cost no query for each. Odd page numbers are forgiven."""
    counts = []
    for number in (2, 1000):
        LoginSession.objects.filter(user=owner).delete()
        engines.session_model().objects.filter(session_key__startswith="key").delete()
        many_sessions(owner, number)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get(page(owner))
        counts.append(len(queries))
    # The keys are looked up in two statements instead of one.
    assert counts[1] - counts[0] <= 1
    assert len(names(response)) == 50
    assert "Page 1 of 20" in words(response)
    seen = {name for n in (1, 2, 20) for name in names(client.get(page(owner), {"page": n}))}
    assert len(seen) == 150
    for odd in ("0", "-1", "x", "9999", "\x00", "1e9", "٣"):
        assert client.get(page(owner), {"page": odd}).status_code == 200


def test_one_permission_of_two(client: Client, owner: Any) -> None:
    """Each list needs its own, and without permission to change nothing can be ended."""
    browser_of(owner)
    know(owner)
    for number, codename, titles in (
        (11, SEE_SESSIONS, {"otp-sessions"}),
        (12, SEE_BROWSERS, {"otp-browsers"}),
    ):
        log_in(client, staff_with(SEE_USERS, codename, number=number))
        text = client.get(page(owner)).content.decode()
        for title in ("otp-sessions", "otp-browsers"):
            assert (f'id="{title}"' in text) == (title in titles)
        assert 'name="session"' not in text
        assert 'name="browser"' not in text
        assert end_page(owner) not in text


def test_link_on_the_page_of_a_user(client: Client, clerk: Any, owner: Any) -> None:
    """In the list of tools, once; on no other page, and not for staff who may not see them."""
    link = f'<a href="{page(owner)}">Sessions</a>'
    assert client.get(f"{CHANGE}{owner.pk}/change/").content.decode().count(link) == 1
    for address in (CHANGE, f"{CHANGE}{owner.pk}/history/", f"{CHANGE}add/", "/admin/"):
        assert ">Sessions</a>" not in client.get(address).content.decode()
    log_in(client, staff_with(SEE_USERS, number=9))
    assert ">Sessions</a>" not in client.get(f"{CHANGE}{owner.pk}/change/").content.decode()


def test_no_link_to_a_superuser(client: Client, clerk: Any) -> None:
    """Staff could not open it."""
    boss = make_user(3, is_superuser=True)
    response = client.get(f"{CHANGE}{boss.pk}/change/")
    assert response.status_code == 200
    assert ">Sessions</a>" not in response.content.decode()


def test_the_link_costs_no_query(client: Client, owner: Any) -> None:
    """Permissions are loaded once for a request."""
    asked = []
    for number, codenames in ((8, (SEE_USERS,)), (9, (SEE_USERS, SEE_SESSIONS))):
        log_in(client, staff_with(*codenames, number=number))
        client.get("/admin/")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{CHANGE}{owner.pk}/change/")
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_names(owner: Any) -> None:
    """The URL names that the documentation names."""
    assert reverse("admin:user-sessions", args=[owner.pk]) == page(owner)
    assert reverse("admin:end-user-sessions", args=[owner.pk]) == end_page(owner)


def test_another_language(client: Client, clerk: Any, owner: Any) -> None:
    """Times are written as in the language of the staff."""
    browser_of(owner)
    with translation.override("de"):
        response = client.get(page(owner), headers={"accept-language": "de"})
    assert response.status_code == 200


def test_sessions_in_cookies(client: Client, owner: Any, settings: Any) -> None:
    """They can't be listed. They can be ended if the user model has a security stamp."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    log_in(client, staff_with(*ALL))
    response = client.get(page(owner))
    assert "can’t be listed" in words(response)
    has_stamp = hasattr(owner, "rotate_security_stamp")
    assert ("End all sessions" in words(response)) == has_stamp
