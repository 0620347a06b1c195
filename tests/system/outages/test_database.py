"""The database really goes away: no login is possible, and all is well afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.models import WrongGuess
from swap_user.otp import LoginUnavailable
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.store import scripts
from swap_user.testing import wait_for_deliveries
from tests.support import ask, enter, give, totp, username, visitor
from tests.system.outages.databases import KINDS
from tests.system.outages.helpers import (
    CHECK,
    LOGIN,
    METHODS,
    RESEND,
    assert_unavailable,
    begin,
    finish,
    logged_in,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server_of_rows() -> Iterator[Any]:
    """The database, to be taken away."""
    if database.vendor not in KINDS:
        pytest.skip(f"not for {database.vendor}")
    kind = KINDS[database.vendor]()
    try:
        yield kind
    finally:
        kind.bring_back()
        database.close()


def test_the_database_is_away(staff, server_of_rows, door, caplog):
    """One exception for everything, a line that says which server, and in again after."""
    give(staff)
    request = visitor()
    otp, recovery_code = ask(request), generate_recovery_codes(staff)[0]
    server_of_rows.take_away()
    for offered in (otp, recovery_code, totp(time.time()), "123456"):
        with pytest.raises(LoginUnavailable):
            door(request, offered)
    (line, *_) = [each for each in caplog.records if each.name == "swap_user.security"]
    assert (line.event, line.server, line.error) == (
        "login unavailable",
        "database",
        "OperationalError",
    )
    assert otp not in caplog.text
    assert recovery_code not in caplog.text
    server_of_rows.bring_back()
    assert door(request, otp) == staff
    assert door(request, otp) is None


@pytest.mark.parametrize("dispatcher", ["Inline", "Thread"])
def test_the_database_is_away_from_the_pages(
    staff, server_of_rows, settings, dispatcher, client, caplog
):
    """Neither the session nor the user can be loaded, and no session can be begun."""
    browser, new = Client(), Client()
    assert finish(client, begin(client)).status_code == 302
    otp = begin(browser)
    path = f"swap_user.otp.dispatchers.{dispatcher}Dispatcher"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_DISPATCHER": path}
    server_of_rows.take_away()
    for _ in range(2):
        assert_unavailable(finish(browser, otp))
        assert_unavailable(browser.get(LOGIN))
        assert_unavailable(browser.get(CHECK))
        assert_unavailable(browser.post(RESEND))
        assert_unavailable(browser.post(LOGIN, {"username": username()}))
        assert_unavailable(client.get(METHODS))
        assert_unavailable(client.get(f"{METHODS}add/"))
        assert_unavailable(client.get(LOGIN))
        answer = new.post(LOGIN, {"username": username()})
        assert_unavailable(answer)
        assert not answer.cookies.get("sessionid")
    assert wait_for_deliveries()
    server_of_rows.bring_back()
    assert finish(browser, otp).status_code == 302
    assert logged_in(browser)
    assert logged_in(client)


def test_the_page_needs_nothing(staff, server_of_rows, client):
    """No theme, no script, no style that a strict policy forbids; a way back after a GET only."""
    begin(client)
    server_of_rows.take_away()
    asked, sent = client.get(f"{CHECK}?next=/admin/"), finish(client, "123456")
    for response in (asked, sent):
        page = response.content.decode()
        assert "<script" not in page
        assert not re.search(r"<style|style=|\son\w+=", page)
        assert "123456" not in page
    assert f'href="{CHECK}?next=/admin/"' in asked.content.decode()
    assert "<a " not in sent.content.decode()


def test_all_requests_in_transactions(staff, server_of_rows, client, settings):
    """With ATOMIC_REQUESTS a request would meet the outage before it met these pages."""
    otp = begin(client)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
        server_of_rows.take_away()
        assert_unavailable(client.get(LOGIN))
        assert_unavailable(finish(client, otp))
        server_of_rows.bring_back()
        assert finish(client, otp).status_code == 302
    assert logged_in(client)


def test_the_database_takes_no_writes(staff, server_of_rows):
    """A right code cannot be recorded as used, so it does not log in; the next one does."""
    if database.vendor != "sqlite":
        pytest.skip("its lock is the whole file")
    client, request = Client(), visitor()
    otp, page_otp = ask(request), begin(client)
    with server_of_rows.locked():
        with pytest.raises(LoginUnavailable):
            enter(request, otp)
        assert_unavailable(finish(client, page_otp))
    assert not logged_in(client)
    # What Redis has marked as used stays used: refused, and the visitor asks for another one.
    assert enter(request, otp) is None
    assert enter(request, ask(request)) == staff
    assert finish(client, page_otp).status_code == 200
    other = Client()
    assert finish(other, begin(other)).status_code == 302


@pytest.mark.requirement("R33", "R45")
def test_a_wrong_guess_that_cannot_be_stored(staff, server_of_rows, door):
    """It is answered like a right one and like one for no account, and is counted for a minute."""
    if database.vendor != "sqlite":
        pytest.skip("its lock is the whole file")
    give(staff)
    request = visitor()
    otp = ask(request)
    with server_of_rows.locked():
        for code, name in (("12345678", username()), (otp, username()), (otp, username(9))):
            with pytest.raises(LoginUnavailable):
                door(request, code, name)
        for _ in range(14):
            with pytest.raises(LoginUnavailable):
                door(request, "12345678")
    assert not WrongGuess.objects.exists()
    # The wrong ones are in flight still, so no other code is compared.
    assert door(None, totp(time.time())) is None
    with scripts._reached() as client:
        for key in client.keys("*:open"):
            assert 0 < client.pttl(key) <= 60_000
            client.delete(key)
    assert door(None, totp(time.time())) == staff


def test_a_session_in_a_database_that_takes_no_writes(staff, server_of_rows, client):
    """Django says that the session has ended, with a bare status 400; it has not."""
    if database.vendor != "sqlite":
        pytest.skip("its lock is the whole file")
    otp = begin(client)
    with server_of_rows.locked():
        assert_unavailable(client.post(LOGIN, {"username": username(2)}))
    assert finish(client, otp).status_code == 302


def test_a_missing_table_is_a_mistake_and_no_outage(staff, client):
    """A project that has not migrated sees the error, not a page that says to wait."""
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE django_session RENAME TO aside")
    try:
        with pytest.raises(Exception, match="django_session"):
            client.post(LOGIN, {"username": username()})
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE aside RENAME TO django_session")


def test_a_session_is_saved_once(staff, client):
    """The session is saved early, so that an outage can be shown, and not a second time."""
    begin(client)
    with CaptureQueriesContext(database) as queries:
        assert client.post(CHECK, {"otp": "abc"}).status_code == 200
        assert client.post(LOGIN, {"username": username(2)}).status_code == 302
    writes = [
        query["sql"]
        for query in queries
        if "django_session" in query["sql"] and not query["sql"].startswith("SELECT")
    ]
    assert len(writes) == 1, writes
    assert Session.objects.count() == 1
