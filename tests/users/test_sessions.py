"""Sessions and logins of the user models."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.auth import login

from tests.support import username, visitor
from tests.user_models import UserModel
from tests.users.helpers import is_inside

pytestmark = pytest.mark.user_model("ours")


@pytest.mark.django_db
def test_login_updates_last_login(user):
    """Logging in is noted."""
    request = visitor()
    login(request, user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    user.refresh_from_db()
    assert user.last_login is not None


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("door", ["rotate_security_stamp", "arotate_security_stamp"])
def test_rotating_the_stamp_ends_sessions(user, staff_client, door):
    """With a new security stamp the user is logged out everywhere; nothing else is saved."""
    other = UserModel.objects.get(pk=user.pk)
    other.is_staff = False
    rotate = getattr(other, door)
    async_to_sync(rotate)() if door.startswith("a") else rotate()
    assert not is_inside(staff_client)
    user.refresh_from_db()
    assert user.security_stamp == other.security_stamp
    assert user.is_staff


@pytest.mark.user_model("no password")
def test_other_saves_leave_sessions_alone(user, staff_client):
    """Only the stamp ends sessions."""
    user.last_login = None
    user.save()
    assert is_inside(staff_client)


def test_sessions_survive_a_new_secret_key(user, staff_client, settings):
    """A session made under a key that is now a fallback goes on, and under a foreign one ends."""
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key, as long as the first one was, or longer"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert is_inside(staff_client)
    settings.SECRET_KEY = "a third secret key, as long as the first one was, or longer"
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_inside(staff_client)


@pytest.mark.user_model("no password")
@pytest.mark.django_db
def test_stamps_are_random():
    """Every user has a stamp of at least 128 bits, and a session hash, of their own."""
    users = [UserModel.objects.create_user(username(n)) for n in range(1, 30)]
    assert len({user.security_stamp for user in users}) == len(users)
    assert min(len(user.security_stamp) for user in users) * 6 >= 128
    one, other = users[:2]
    other.security_stamp = one.security_stamp
    assert one.get_session_auth_hash() != other.get_session_auth_hash()
    assert one.security_stamp not in one.get_session_auth_hash()
