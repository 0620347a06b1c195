"""The receivers that are connected when Django starts."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY, authenticate, get_user_model, login, logout
from django.contrib.auth.signals import user_login_failed
from django.contrib.sessions.backends import cache as in_cache
from django.contrib.sessions.backends.db import SessionStore

from swap_user.models import LoginSession
from swap_user.otp.sessions import first_receiver_hack, receivers
from tests.support import make_user, username, visitor

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("R52")
def test_what_is_recorded(settings):
    """A login and a logout with every engine, and each save where sessions are rows."""
    receivers.connect()  # once more, which changes nothing
    user = make_user()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session.save()
    assert LoginSession.objects.get().session_key == session.session_key
    session.delete()
    LoginSession.objects.all().delete()
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    request = visitor()
    request.session = in_cache.SessionStore()
    login(request, user, backend="swap_user.backends.OTPBackend")
    assert LoginSession.objects.get().session_key == request.session.session_key
    logout(request)
    assert not LoginSession.objects.exists()


class Guarded(list):
    """Receivers that are moved only while no other thread connects one."""

    def insert(self, *args):
        assert user_login_failed.lock.locked()
        super().insert(*args)


@pytest.mark.requirement("R41")
def test_codes_are_hidden_from_earlier_receivers(monkeypatch):
    """As Django hides passwords. The username has the name of its field too, for django-axes."""
    heard = []

    def receiver(sender, credentials, **kwargs):
        heard.append(dict(credentials))

    monkeypatch.setattr(user_login_failed, "receivers", Guarded())
    user_login_failed.connect(receiver)
    for _ in range(2):  # the second call finds it connected
        first_receiver_hack.hide_codes_from_receivers()
        authenticate(visitor(), username=username(), otp="123456", password="123456")
        authenticate(visitor(), username=username(), password="123456")
        hidden = heard[0]["password"]
        assert "123456" not in hidden
        names = {"username": username(), get_user_model().USERNAME_FIELD: username()}
        assert heard == [
            {**names, "otp": hidden, "password": hidden},
            {**names, "password": hidden},
        ]
        heard.clear()
