"""The backend beside others: permissions, subclasses, and calls that are not its own."""

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_login_failed

from swap_user.backends import OTPBackend
from swap_user.otp import generate_recovery_codes
from tests.support import ask, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db


class Strict(OTPBackend):
    """A project's own rule on who may log in."""

    def user_can_authenticate(self, user):
        return super().user_can_authenticate(user) and user.is_superuser


def test_permissions_are_those_of_the_users_groups():
    """With OTPBackend alone, a user has what their groups and they themselves were given."""
    user = make_user()
    view, change = Permission.objects.filter(content_type__app_label="auth")[:2]
    group = Group.objects.create(name="editors")
    group.permissions.add(view)
    user.groups.add(group)
    user.user_permissions.add(change)
    user = get_user_model().objects.get(pk=user.pk)
    assert user.has_perms([f"auth.{view.codename}", f"auth.{change.codename}"])
    assert not user.has_perm("auth.nothing")


def test_a_subclass_decides_who_may_log_in(settings):
    """`user_can_authenticate` is asked, as in ModelBackend."""
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Strict"]
    user = make_user()
    request = visitor()
    code = ask(request)
    assert enter(request, code) is None
    type(user).objects.update(is_superuser=True)
    assert enter(request, code) == user


def test_the_user_knows_the_backend():
    """`login()` finds the backend on the user, and get_user gives the user back."""
    make_user()
    request = visitor()
    user = enter(request, ask(request))
    assert user.backend == "swap_user.backends.OTPBackend" or user.backend.endswith("OTPBackend")
    assert OTPBackend().get_user(user.pk) == user


@pytest.mark.requirement("R41")
def test_receivers_of_failed_logins_see_no_code():
    """A wrong, a foreign and a recovery code: all are masked, and the username is not."""
    heard = []

    def receiver(sender, credentials, **kwargs):
        heard.append(credentials)

    user = make_user()
    request = visitor()
    codes = [ask(request), generate_recovery_codes(user)[0], "000000"]
    user_login_failed.connect(receiver)
    try:
        for code in codes:
            enter(visitor(), code, username(7))
    finally:
        user_login_failed.disconnect(receiver)
    assert [each["username"] for each in heard] == [username(7)] * 3
    # django-axes looks for this name.
    assert [each[user.USERNAME_FIELD] for each in heard] == [username(7)] * 3
    assert not set(codes) & {each["otp"] for each in heard}


def test_a_password_is_not_a_code():
    """Credentials without `otp` are for another backend: None, whatever else they hold."""
    make_user()
    assert authenticate(visitor(), username=username(), password="123456") is None
    assert authenticate(visitor(), token="123456") is None


def test_a_request_without_a_session_may_ask_and_enter():
    """An API's request that went through no session middleware counts as none."""
    from django.test import RequestFactory

    user = make_user()
    request = RequestFactory().get("/")
    assert enter(request, ask(request)) == user


def test_both_doors_take_the_name_of_the_username_field(door):
    """`authenticate(request, email=..., otp=...)`, and the same with `aauthenticate`."""
    user = make_user()
    request = visitor()
    named = {user.USERNAME_FIELD: username(), "otp": ask(request)}
    backend = OTPBackend()
    if door is enter:
        assert backend.authenticate(request, **named) == user
    else:
        assert async_to_sync(backend.aauthenticate)(request, **named) == user
