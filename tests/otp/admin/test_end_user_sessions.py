"""Staff end the sessions of a user, one or all, and forget known browsers."""

from __future__ import annotations

import logging
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE as CHANGED
from django.contrib.admin.models import LogEntry
from django.test import Client

from swap_user.models import KnownBrowser, LoginSession
from swap_user.testing import log_in
from tests.otp.admin.staff import (
    ALL,
    CHANGE,
    EVIL,
    browser_of,
    end_page,
    is_in,
    know,
    page,
    session_of,
    staff_with,
)
from tests.otp.pages.login.helpers import words
from tests.otp.pages.methods.helpers import freshen, make_stale
from tests.support import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


@pytest.fixture
def clerk(client: Client) -> Any:
    """A member of the staff with all permissions on users, logged in."""
    user = staff_with(*ALL)
    log_in(client, user)
    return user


@pytest.fixture
def owner(db: None) -> Any:
    """A user whose sessions are ended; staff, so that a page of the admin shows who is in."""
    return make_user(1, is_staff=True)


def logged(caplog: Any) -> list[str]:
    return [each.getMessage() for each in caplog.records if "by staff" in each.getMessage()]


def test_one_session(client: Client, clerk: Any, owner: Any, caplog: Any) -> None:
    """The others stay, and both logs name who did it."""
    caplog.set_level(logging.INFO, "swap_user.security")
    first, second = browser_of(owner), browser_of(owner, "curl/8")
    row = session_of(first)
    response = client.post(f"{page(owner)}?page=1", {"session": row.pk}, follow=True)
    assert response.redirect_chain == [(f"{page(owner)}?page=1", 302)]
    assert "Ended a session (Firefox, Linux)." in words(response)
    assert (is_in(first), is_in(second), is_in(client)) == (False, True, True)
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (clerk.pk, str(owner.pk))
    assert entry.action_flag == CHANGED
    assert entry.get_change_message() == "Ended a session (Firefox, Linux)."
    assert logged(caplog) == [
        f"session ended by staff: user={owner.pk} by={clerk.pk} session={row.pk}"
    ]


def test_the_history_of_the_user_is_escaped(client: Client, clerk: Any, owner: Any) -> None:
    """The name of a browser can be any text."""
    client.post(page(owner), {"session": session_of(browser_of(owner, EVIL)).pk})
    history = client.get(f"{CHANGE}{owner.pk}/history/").content.decode()
    assert "Ended a session" in history
    assert "<script>alert" not in history


def test_one_browser(client: Client, clerk: Any, owner: Any, caplog: Any) -> None:
    """It is forgotten, and no session ends."""
    caplog.set_level(logging.INFO, "swap_user.security")
    theirs, gone, kept = browser_of(owner), know(owner, "a"), know(owner, "b")
    response = client.post(page(owner), {"browser": gone.pk}, follow=True)
    assert "Forgot a known browser (Firefox, Linux)." in words(response)
    assert KnownBrowser.objects.get() == kept
    assert is_in(theirs)
    assert LogEntry.objects.get().get_change_message().startswith("Forgot a known browser")
    assert logged(caplog) == [f"browser forgotten by staff: user={owner.pk} by={clerk.pk}"]


def test_all(client: Client, clerk: Any, owner: Any, caplog: Any) -> None:
    """After a confirmation: every session and known browser of this user, and of no other one."""
    caplog.set_level(logging.INFO, "swap_user.security")
    browsers = [browser_of(owner), browser_of(owner, "curl/8")]
    other = browser_of(make_user(2, is_staff=True))
    know(owner)
    kept = know(clerk)
    assert end_page(owner) in client.get(page(owner)).content.decode()
    assert client.get(end_page(owner)).status_code == 200
    assert all(is_in(each) for each in browsers)
    response = client.post(end_page(owner), follow=True)
    assert response.redirect_chain == [(page(owner), 302)]
    assert "Ended all sessions, and forgot all known browsers." in words(response)
    assert not any(is_in(each) for each in browsers)
    assert is_in(other)
    assert KnownBrowser.objects.get() == kept
    assert LogEntry.objects.get().object_id == str(owner.pk)
    assert logged(caplog) == [f"sessions ended by staff: user={owner.pk} by={clerk.pk}"]


def test_ones_own(client: Client, clerk: Any) -> None:
    """This session has no button and stays; all others end."""
    other = browser_of(clerk)
    row = session_of(client)
    assert str(row.pk) not in client.get(page(clerk)).content.decode()
    for spelling in (str(row.pk), row.pk.hex.upper(), f"urn:uuid:{row.pk}"):
        client.post(page(clerk), {"session": spelling})
    assert is_in(client)
    assert "End all other sessions" in client.get(end_page(clerk)).content.decode()
    client.post(end_page(clerk))
    assert (is_in(client), is_in(other)) == (True, False)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"all": "1"},
        *({"session": each} for each in ("", "x", "\x00", "{}", str(uuid.UUID(int=1)), "x" * 9999)),
        *({"browser": each} for each in ("", "x", "-1", "\x00", "0", "9" * 18, "9" * 99, "²", "٣")),
    ],
    ids=lambda data: repr(data)[:24],
)
def test_what_is_none_ends_nothing(
    client: Client, clerk: Any, owner: Any, data: dict[str, str]
) -> None:
    """It is no error, and is written to no log."""
    theirs = browser_of(owner)
    know(owner)
    response = client.post(page(owner), data, follow=True)
    assert "Nothing was ended." in words(response)
    assert is_in(theirs)
    assert KnownBrowser.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_what_belongs_to_another_user(client: Client, clerk: Any, owner: Any) -> None:
    """The page of one user ends nothing of another one, such as a superuser."""
    boss = make_user(3, is_staff=True, is_superuser=True)
    theirs, browser = browser_of(boss), know(boss)
    client.post(page(owner), {"session": session_of(theirs).pk})
    client.post(page(owner), {"browser": browser.pk})
    assert is_in(theirs)
    assert KnownBrowser.objects.filter(pk=browser.pk).exists()


@pytest.mark.requirement("R37")
def test_a_recent_login_is_needed(client: Client, clerk: Any, owner: Any) -> None:
    """To end, not to see. The login leads back to the page, and nothing has been ended."""
    theirs, browser = browser_of(owner), know(owner)
    make_stale(client)
    assert client.get(page(owner)).status_code == 200
    for address, data in (
        (page(owner), {"session": session_of(theirs).pk}),
        (page(owner), {"browser": browser.pk}),
        (end_page(owner), {}),
    ):
        assert client.post(address, data)["Location"] == f"/admin/login/?next={address}"
    assert client.get(end_page(owner))["Location"] == f"/admin/login/?next={end_page(owner)}"
    assert client.get("/admin/login/").status_code == 200
    assert is_in(theirs)
    assert KnownBrowser.objects.exists()
    freshen(client)
    client.post(end_page(owner))
    assert not is_in(theirs)


@pytest.mark.requirement("R26")
def test_get_ends_nothing(client: Client, clerk: Any, owner: Any) -> None:
    """A link can't end a session."""
    theirs, browser = browser_of(owner), know(owner)
    for method in (client.get, client.head):
        method(page(owner), {"session": str(session_of(theirs).pk), "browser": browser.pk})
        method(end_page(owner), {"post": "yes"})
    assert is_in(theirs)
    assert KnownBrowser.objects.exists()
    for method in ("PUT", "PATCH", "DELETE"):
        assert client.generic(method, page(owner)).status_code == 405
        assert client.generic(method, end_page(owner)).status_code == 405


def test_forged_requests_are_refused(client: Client, clerk: Any, owner: Any) -> None:
    """Another site can't end a session, and every form carries a token."""
    theirs = browser_of(owner)
    know(owner)
    for address, number in ((page(owner), 2), (end_page(owner), 1)):
        text = client.get(address).content.decode()
        main = text[text.index('class="otp-page"') :]
        assert main.count('method="post"') == main.count("csrfmiddlewaretoken") == number
    client.handler.enforce_csrf_checks = True
    for address, data in ((page(owner), {"session": session_of(theirs).pk}), (end_page(owner), {})):
        assert client.post(address, data).status_code == 403
    assert is_in(theirs)


@pytest.mark.parametrize("engine", ["cache", "cached_db", "file"])
@pytest.mark.parametrize("one", [True, False], ids=["one", "all"])
@pytest.mark.usefixtures("no_stamp")
def test_wherever_sessions_are_kept(
    client: Client, settings: Any, tmp_path: Any, engine: str, one: bool
) -> None:
    """They are listed and ended, with a model without a security stamp too."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    log_in(client, staff_with(*ALL))
    owner = make_user(1, is_staff=True)
    theirs = browser_of(owner)
    row = session_of(theirs)
    assert str(row.pk) in client.get(page(owner)).content.decode()
    if one:
        client.post(page(owner), {"session": row.pk})
    else:
        client.post(end_page(owner))
    assert not is_in(theirs)
    assert is_in(client)
    assert not LoginSession.objects.filter(user=owner).exists()


@pytest.mark.django_db(transaction=True)
def test_in_a_transaction_per_request(client: Client, settings: Any, clerk: Any) -> None:
    """ATOMIC_REQUESTS changes nothing."""
    from django.db import connections

    owner = make_user(1, is_staff=True)
    theirs = browser_of(owner)
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    try:
        client.post(page(owner), {"session": session_of(theirs).pk})
    finally:
        connections.settings["default"]["ATOMIC_REQUESTS"] = False
    assert not is_in(theirs)
    assert LogEntry.objects.count() == 1


def test_a_cache_that_is_away(redis_server: Any, client: Client, settings: Any) -> None:
    """The answer says so, and the log of the admin does not say that anything was ended."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    log_in(client, staff_with(*ALL))
    owner = make_user(1)
    browser_of(owner)
    redis_server.stop()
    response = client.post(end_page(owner))
    assert response.status_code == 503
    assert response["Retry-After"]
    assert not LogEntry.objects.exists()
    assert LoginSession.objects.filter(user=owner).exists()
