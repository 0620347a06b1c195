"""A user who is deleted leaves nothing behind."""

from __future__ import annotations

import pytest
import redis
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from swap_user.models import (
    Authenticator,
    KnownBrowser,
    LoginSession,
    MessageCount,
    RecoveryCode,
    WrongGuess,
)
from swap_user.otp import generate_recovery_codes, remember_browser, send_code
from swap_user.otp.store import keys
from swap_user.testing import log_in
from swap_user.users import usernames
from tests.support import ask, enter, give, make_user, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


# The models whose rows belong to a user.
OWNED = [Authenticator, KnownBrowser, LoginSession, MessageCount, RecoveryCode, WrongGuess]


@pytest.fixture
def user():
    """A user with one of everything, beside another user who is logged in."""
    user = make_user(is_active=True)
    give(user)
    generate_recovery_codes(user)
    request = visitor()
    assert enter(request, "00000000") is None
    assert enter(request, ask(request)) == user
    remember_browser(request, HttpResponse())
    send_code(None, username())
    send_code(visitor(), username())
    Client().force_login(user)
    return user


@pytest.fixture
def other():
    """A browser of another user."""
    client = Client()
    client.force_login(make_user(2))
    return client


def delete(user, way):
    """Delete the user as code, a queryset or staff do."""
    if way == "instance":
        get_user_model().objects.get(pk=user.pk).delete()
    elif way == "queryset":
        get_user_model().objects.filter(pk=user.pk).delete()
    else:
        staff = Client()
        log_in(staff, make_user(3, is_staff=True, is_superuser=True))
        url = f"/admin/{user._meta.app_label}/{user._meta.model_name}/{user.pk}/delete/"
        assert staff.post(url, {"post": "yes"}).status_code == 302


@pytest.mark.parametrize("way", ["instance", "queryset", "admin"])
def test_nothing_is_left(user, other, shared_redis, way):
    """No row, no stored session, and in Redis nothing but what expires within a day."""
    name = keys.account_key(usernames.normalize(user.get_username())).encode()
    for model in OWNED:
        assert model.objects.filter(user_id=user.pk).exists(), model
    delete(user, way)
    for model in OWNED:
        assert not model.objects.filter(user_id=user.pk).exists(), model
    decoded = [session.get_decoded() for session in Session.objects.all()]
    assert str(user.pk) not in [data.get("_auth_user_id") for data in decoded]
    assert other.session.get("_auth_user_id")
    with redis.Redis.from_url(shared_redis.url) as server:
        left = {
            key.decode().partition("}:")[2]: server.pttl(key)
            for key in server.keys("*")
            if name in key
        }
    # The code of the login, which is used, and that of a browser that has not logged in, which is
    # of no use without its authenticator. For a day, how many messages a network has asked for.
    *challenges, (network, count_ms) = sorted(left.items())
    assert len(challenges) == 2
    for key, code_ms in challenges:
        assert key.startswith("challenge:")
        assert key != "challenge:-"
        assert 0 < code_ms <= 600_000
    assert network.startswith("messages_from:")
    assert 0 < count_ms <= 86_400_000


@pytest.mark.django_db(transaction=True)
def test_while_redis_is_away(redis_server):
    """The deletion is done all the same, and the sessions are gone."""
    user = make_user()
    Client().force_login(user)
    redis_server.stop()
    user.delete()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback(user):
    """A user who isn't deleted stays logged in: the session ends with the commit, not before."""
    client, pk = Client(), user.pk
    client.force_login(user)
    with transaction.atomic():
        user.delete()
        transaction.set_rollback(True)
    assert client.session.get("_auth_user_id")
    get_user_model().objects.get(pk=pk).delete()
    assert not client.session.get("_auth_user_id")
