"""The managers of the user models."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission

from tests.support import username
from tests.user_models import HAS_PASSWORD, UserModel
from tests.users.helpers import BAD, KIND, VARIANTS

pytestmark = pytest.mark.user_model("ours")


@pytest.mark.django_db
def test_create_user():
    """A new user is active, has no privileges, and is saved in canonical form."""
    user = UserModel.objects.create_user(VARIANTS[0])
    user.refresh_from_db()
    assert user.get_username() == username() == str(user)
    assert user.get_full_name() == user.get_short_name() == username()
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    assert not user.has_usable_password()


@pytest.mark.django_db
def test_create_user_by_field_name():
    """The username may come under the name of its field."""
    assert UserModel.objects.create_user(**{KIND: VARIANTS[1]}).get_username() == username()


@pytest.mark.django_db
def test_create_superuser():
    """A superuser may do anything."""
    user = UserModel.objects.create_superuser(username())
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, True, True)
    assert user.has_perm("anything.at_all")


@pytest.mark.django_db
def test_acreate():
    """The asynchronous twins do the same."""
    user = async_to_sync(UserModel.objects.acreate_user)(username(1))
    boss = async_to_sync(UserModel.objects.acreate_superuser)(username(2))
    assert (user.is_superuser, boss.is_superuser) == (False, True)
    found = async_to_sync(UserModel.objects.aget_by_natural_key)(VARIANTS[0])
    assert found == user


@pytest.mark.django_db
@pytest.mark.parametrize("name", [None, "", *BAD, 42, b"user1@example.com"])
@pytest.mark.parametrize("method", ["create_user", "create_superuser"])
def test_create_refuses_a_bad_username(method, name):
    """A username that is missing or not valid is refused where it is given."""
    with pytest.raises(ValueError, match=KIND):
        getattr(UserModel.objects, method)(name)
    assert not UserModel.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_create_superuser_refuses_less(flag):
    """A superuser without the flags of one is refused."""
    with pytest.raises(ValueError, match=flag):
        UserModel.objects.create_superuser(username(), **{flag: False})


@pytest.mark.django_db
def test_get_by_natural_key(user):
    """A user is found under any form of their username."""
    for name in [username(), *VARIANTS, user.natural_key()[0], getattr(user, KIND)]:
        assert UserModel.objects.get_by_natural_key(name) == user


@pytest.mark.django_db
@pytest.mark.parametrize("name", [None, "", *BAD, 42, b"bytes", "\ud800", "x" * 9999])
def test_get_by_natural_key_of_nobody(user, name):
    """What is no username belongs to no user."""
    with pytest.raises(UserModel.DoesNotExist):
        UserModel.objects.get_by_natural_key(name)
    with pytest.raises(UserModel.DoesNotExist):
        async_to_sync(UserModel.objects.aget_by_natural_key)(name)


@pytest.mark.django_db
def test_permissions_and_with_perm(user):
    """Permissions come from the user and their groups, and can be searched by."""
    permission = Permission.objects.get(codename="view_group")
    group = Group.objects.create(name="viewers")
    group.permissions.add(permission)
    user.groups.add(group)
    user = UserModel.objects.get(pk=user.pk)
    assert user.has_perm("auth.view_group")
    assert not user.has_perm("auth.change_group")
    # One backend needs no naming; of several, one has to be named.
    for backend in django_settings.AUTHENTICATION_BACKENDS:
        found = UserModel.objects.with_perm("auth.view_group", backend=backend)
        assert list(found) == [user]
    if len(django_settings.AUTHENTICATION_BACKENDS) == 1:
        assert list(UserModel.objects.with_perm("auth.view_group")) == [user]


@pytest.mark.user_model("password")
@pytest.mark.django_db
def test_password_is_set():
    """A model with passwords takes one."""
    user = UserModel.objects.create_user(username(), "a fine password")
    assert user.check_password("a fine password")
    assert authenticate(None, username=VARIANTS[0], password="a fine password") == user


@pytest.mark.user_model("no password")
@pytest.mark.django_db
@pytest.mark.parametrize("method", ["create_user", "create_superuser"])
def test_password_is_ignored_with_a_warning(method):
    """A password given to a model that has none is left out, and a warning says so, here."""
    with pytest.warns(UserWarning, match="ignored") as caught:
        getattr(UserModel.objects, method)(username(), password="a fine password")
    assert caught[0].filename == __file__


@pytest.mark.user_model("no password")
def test_password_none_is_silent(db):
    """No password is what these models expect."""
    UserModel.objects.create_user(username(), password=None)


@pytest.mark.user_model("email as username")
@pytest.mark.django_db
def test_pytest_django_makes_its_admin(request):
    """A well-known test tool that passes a password gets its admin, whatever the model stores."""
    with nullcontext() if HAS_PASSWORD else pytest.warns(UserWarning, match="ignored"):
        admin = request.getfixturevalue("admin_user")
    assert admin.is_superuser
    assert admin.has_usable_password() is HAS_PASSWORD
