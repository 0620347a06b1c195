"""The user models: managers, identity in the database, sessions without a password."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth import authenticate, login
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Lower

from tests.support import make_user, spellings, username, visitor
from tests.user_models import HAS_PASSWORD, UserModel

pytestmark = pytest.mark.user_model("ours")

KIND = UserModel.USERNAME_FIELD
VARIANTS = spellings()
BAD = {
    "email": ["alice", "@", "a@b c.com", "a\x00@b.com"],
    "phone": ["alice", "112", "0151 1"],
    "username": ["a\x00"],
}[KIND]


@pytest.fixture
def user(db):
    return UserModel.objects.create_user(username())


# --- Managers -------------------------------------------------------------------------------------


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
    """What is no username belongs to nobody."""
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


# --- One identity in the database -----------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", VARIANTS)
def test_every_way_of_writing_agrees(name):
    """However a row is written, the database and the instance hold the canonical form."""
    made = UserModel.objects.create(**{KIND: name})
    saved = UserModel(**{KIND: name})
    assert made.get_username() == username()
    with pytest.raises(IntegrityError), transaction.atomic():
        saved.save()
    assert UserModel.objects.get_or_create(**{KIND: name}) == (made, False)
    assert UserModel.objects.update_or_create(**{KIND: name}) == (made, False)
    UserModel.objects.all().delete()
    bulk = UserModel.objects.bulk_create([UserModel(**{KIND: name})])
    assert bulk[0].get_username() == username()
    UserModel.objects.update(**{KIND: username(2)})
    UserModel.objects.update(**{KIND: name})
    assert str(UserModel.objects.values_list(KIND, flat=True).get()) == username()
    other = UserModel.objects.get()
    UserModel.objects.update(**{KIND: username(2)})
    setattr(other, KIND, name)
    UserModel.objects.bulk_update([other], [KIND])
    assert UserModel.objects.get().get_username() == username()


@pytest.mark.django_db
@pytest.mark.parametrize("name", VARIANTS)
def test_every_way_of_looking_agrees(user, name):
    """However a username is typed, lookups find its user."""
    assert UserModel.objects.get(**{KIND: name}) == user
    assert UserModel.objects.get(**{f"{KIND}__in": [name, username(2)]}) == user
    assert not UserModel.objects.exclude(**{KIND: name}).exists()


@pytest.mark.user_model("email as username")
@pytest.mark.django_db
def test_instance_has_the_canonical_email_after_save():
    """After a save the attribute says what the database says."""
    user = UserModel(email=" Alice@X.COM")
    user.save()
    assert user.email == "alice@x.com"


@pytest.mark.user_model("email as username")
@pytest.mark.django_db
def test_pattern_lookups_are_left_alone(user):
    """What is not a whole address is not touched: a pattern keeps its letters."""
    assert UserModel.objects.filter(email__regex=r"^\S+@\S+$").get() == user
    assert UserModel.objects.filter(email__icontains="EXAMPLE").get() == user
    assert UserModel.objects.filter(email__iexact="USER1@example.com").get() == user


@pytest.mark.user_model("email as username")
@pytest.mark.django_db
def test_expressions_pass(user):
    """Database expressions are written as they are."""
    UserModel.objects.update(email=Lower("email"))
    user.email = Lower("email")
    user.save()
    assert UserModel.objects.get().email == username()


@pytest.mark.user_model("email as username")
@pytest.mark.django_db
def test_database_refuses_another_case(user):
    """Rows written past the model are held to it too."""
    quote = connection.ops.quote_name
    table = quote(UserModel._meta.db_table)
    fields = UserModel._meta.concrete_fields
    others = ", ".join(quote(field.column) for field in fields if field.name not in ("id", "email"))
    copy = (
        f"INSERT INTO {table} ({others}, email) SELECT {others}, 'USER1@EXAMPLE.COM' FROM {table}"
    )
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute(copy)


@pytest.mark.django_db
@pytest.mark.parametrize("name", VARIANTS)
def test_full_clean_sees_a_duplicate(user, name):
    """Forms hear of a duplicate before the database does, and once."""
    with pytest.raises(ValidationError) as caught:
        UserModel(**{KIND: name, "password": "x"} if HAS_PASSWORD else {KIND: name}).full_clean()
    assert list(caught.value.message_dict) == [KIND]
    assert len(caught.value.message_dict[KIND]) == 1


@pytest.mark.user_model("phone as username")
def test_full_clean_refuses_a_bad_phone_number():
    """What is no phone number is not valid, and stays visible as it was typed."""
    user = UserModel(phone="alice")
    with pytest.raises(ValidationError) as caught:
        user.full_clean(validate_unique=False)
    assert "phone" in caught.value.message_dict
    assert str(user.phone) == "alice"


@pytest.mark.user_model("phone as username")
def test_username_is_e164_in_any_display_format(settings):
    """How a project displays phone numbers has no say in what the username is."""
    settings.PHONENUMBER_DEFAULT_FORMAT = "NATIONAL"
    user = UserModel(phone="+4915112345001")
    assert user.get_username() == str(user) == "+4915112345001"
    assert json.dumps(user.natural_key()) == '["+4915112345001"]'


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["json", "xml"])
def test_dumpdata_and_loaddata(user, format, tmp_path):
    """Users, and what points at them, survive a dump with natural keys."""
    group = Group.objects.create(name="viewers")
    user.groups.add(group)
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(UserModel),
        object_id=user.pk,
        object_repr=str(user),
        action_flag=ADDITION,
    )
    stamp = getattr(user, "security_stamp", None)
    dump = tmp_path / f"dump.{format}"
    call_command(
        "dumpdata",
        UserModel._meta.label,
        "auth.group",
        "admin.logentry",
        natural_foreign=True,
        natural_primary=True,
        format=format,
        output=str(dump),
        verbosity=0,
    )
    LogEntry.objects.all().delete()
    UserModel.objects.all().delete()
    Group.objects.all().delete()
    call_command("loaddata", str(dump), verbosity=0)
    loaded = UserModel.objects.get()
    assert loaded.get_username() == username()
    assert loaded.groups.get().name == "viewers"
    assert LogEntry.objects.get().user == loaded
    assert getattr(loaded, "security_stamp", None) == stamp


# --- Sessions and logins --------------------------------------------------------------------------


@pytest.mark.django_db
def test_login_updates_last_login(user):
    """Logging in is noted."""
    request = visitor()
    login(request, user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    user.refresh_from_db()
    assert user.last_login is not None


def _inside(client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.fixture
def staff_client(user, client):
    user.is_staff = True
    user.save()
    client.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    assert _inside(client)
    return client


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("door", ["rotate_security_stamp", "arotate_security_stamp"])
def test_rotating_the_stamp_ends_sessions(user, staff_client, door):
    """With a new security stamp the user is logged out everywhere; nothing else is saved."""
    other = UserModel.objects.get(pk=user.pk)
    other.is_staff = False
    rotate = getattr(other, door)
    async_to_sync(rotate)() if door.startswith("a") else rotate()
    assert not _inside(staff_client)
    user.refresh_from_db()
    assert user.security_stamp == other.security_stamp
    assert user.is_staff


@pytest.mark.user_model("no password")
def test_other_saves_leave_sessions_alone(user, staff_client):
    """Only the stamp ends sessions."""
    user.last_login = None
    user.save()
    assert _inside(staff_client)


def test_sessions_survive_a_new_secret_key(user, staff_client, settings):
    """A session made under a key that is now a fallback goes on, and under a foreign one ends."""
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key, as long as the first one was, or longer"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert _inside(staff_client)
    settings.SECRET_KEY = "a third secret key, as long as the first one was, or longer"
    settings.SECRET_KEY_FALLBACKS = []
    assert not _inside(staff_client)


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


# --- No password ----------------------------------------------------------------------------------


@pytest.mark.user_model("no password")
def test_there_is_no_password_column():
    """There is no password field, neither on the model nor on an instance."""
    assert "password" not in {field.name for field in UserModel._meta.get_fields()}
    assert UserModel().password is None
    with pytest.raises(TypeError):
        UserModel(password="x")


@pytest.mark.user_model("no password")
def test_password_methods(user):
    """A password is refused, and none is right."""
    with pytest.raises(NotImplementedError, match="have no password"):
        user.set_password("x")
    user.set_unusable_password()
    assert not user.has_usable_password()
    for offered in (None, "", "x", "!"):
        assert user.check_password(offered) is False
        assert async_to_sync(user.acheck_password)(offered) is False
    user.save()
    async_to_sync(user.asave)()


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("name", [username(), username(2)], ids=["known", "unknown"])
def test_model_backend_beside_it_lets_nobody_in(user, name):
    """Django's password backend refuses known and unknown names alike, without an error."""
    backend = ModelBackend()
    assert backend.authenticate(None, username=name, password="x") is None
    assert async_to_sync(backend.aauthenticate)(None, username=name, password="x") is None


@pytest.mark.user_model("no password")
def test_password_forms_do_not_break(user, staff_client):
    """Changing a password is never possible, and never an error page."""
    data = {"old_password": "x", "new_password1": "kZ81!plq", "new_password2": "kZ81!plq"}
    form = PasswordChangeForm(user, data)
    assert not form.is_valid()
    for response in (
        staff_client.get("/admin/password_change/"),
        staff_client.post("/admin/password_change/", data),
    ):
        assert response.status_code < 500
    assert default_token_generator.check_token(user, default_token_generator.make_token(user))


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["user1@example.com", "nobody@example.com"])
def test_password_reset_form(email, mailoutbox):
    """Asking for a password reset sends mail to those who have both a password and an address."""
    user = make_user(1)
    if HAS_PASSWORD:
        user.set_password("a fine password")
        user.save()
    form = PasswordResetForm({"email": email})
    assert form.is_valid()
    # No templates or URLs: where nobody is written to, none is rendered.
    found = list(form.get_users(email))
    assert found == ([user] if KIND == "email" and HAS_PASSWORD and "user1" in email else [])
    if not found:
        form.save(domain_override="example.com")
    assert mailoutbox == []
