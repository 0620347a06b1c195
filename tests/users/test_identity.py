"""One identity in the database, however a username is written."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Lower

from tests.support import username
from tests.user_models import HAS_PASSWORD, UserModel
from tests.users.helpers import KIND, VARIANTS

pytestmark = pytest.mark.user_model("ours")


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
