"""Recorded sessions: seen by their owner, and ended without searching all sessions."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY, login
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.models import LoginSession
from swap_user.otp import end_sessions
from swap_user.testing import log_in
from tests.support import ask, enter, make_user, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


def test_a_login_is_recorded(user):
    """Who, when, browser and network; the network is not the whole address."""
    from swap_user.models import LoginSession

    request = visitor(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="198.51.100.7")
    login(request, enter(request, ask(request)))
    (row,) = LoginSession.objects.all()
    assert (row.user_id, row.session_key) == (user.pk, request.session.session_key)
    assert (row.user_agent, row.network) == ("Firefox", "198.51.100.0/24")


def test_the_stored_sessions_of_a_user_are_deleted(user):
    """Not one of them stays in the table of sessions, and none of another user goes."""
    other = Client()
    other.force_login(make_user(2))
    for _ in range(3):
        Client().force_login(user)
    end_sessions(user)
    assert [row.session_key for row in Session.objects.all()] == [other.session.session_key]


def test_the_number_of_other_sessions_does_not_matter(user):
    """The same statements with 5 and with 50 sessions of other users, and not one reads a table."""
    costs = []
    for first in (10, 100):
        for number in range(first, first + (5 if first == 10 else 50)):
            Client().force_login(make_user(number))
        Client().force_login(user)
        with CaptureQueriesContext(connection) as queries:
            end_sessions(user)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert any("swap_user_loginsession" in query["sql"] for query in queries)


def test_a_deleted_user_leaves_no_session(user):
    """Their stored sessions go with them."""
    Client().force_login(user)
    user.delete()
    assert not Session.objects.exists()


def test_a_session_of_nobody_breaks_no_test_case(user):
    """A session that names a deleted user: no record is written that breaks the foreign key."""
    client = Client()
    log_in(client, user)
    session = client.session
    session[SESSION_KEY] = str(user.pk + 1)
    session.save()
    row = LoginSession.objects.get()
    assert row.user_id == user.pk
