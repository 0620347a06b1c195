"""The address that codes go to is a factor, wherever it is changed (R50)."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.models import update_last_login
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.db.models.functions import Concat
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.otp import FreshLoginNeeded, own_address_change, remember_browser
from swap_user.otp.accounts import address_change
from swap_user.otp.background import registry
from swap_user.otp.dispatchers import AbstractDispatcher
from swap_user.otp.senders import AbstractOTPSender
from swap_user.otp.sessions import proof
from swap_user.otp.visitors import known_browsers
from swap_user.signals import receiver_changed
from swap_user.testing import MemoryOTPSender, log_in
from tests.otp.pages.methods.helpers import freshen, make_stale
from tests.support import USERNAMES, ask, configure, enter, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R50")]


@pytest.fixture
def client(user):
    """A browser in which the user is logged in."""
    client = Client()
    log_in(client, user)
    return client


@pytest.fixture
def changes():
    """What receivers of the signal were given."""
    given: list[tuple[object, str, str]] = []

    def receive(sender, user, previous, **kwargs):
        given.append((user.pk, previous.get_username(), user.get_username()))

    receiver_changed.connect(receive)
    yield given
    receiver_changed.disconnect(receive)


def move(user, number=7):
    """Give the user, in memory, another address of every kind."""
    if hasattr(user, "email"):
        user.email = USERNAMES["email"](number)
    setattr(user, user.USERNAME_FIELD, username(number))


def test_a_changed_address(user, client, notices, changes):
    """Sessions end, pending codes die, and the old address is notified."""
    request = visitor()
    code, old = ask(request), user.get_username()
    move(user)
    user.save()
    assert SESSION_KEY not in client.session
    assert enter(request, code, username(7)) is None
    ((told, text),) = notices
    assert told.get_username() == old
    assert "contact the people who run this site" in text
    assert changes == [(user.pk, old, username(7))]
    assert get_user_model().objects.get(pk=user.pk).get_username() == username(7)
    request = visitor()
    assert enter(request, ask(request, username(7)), username(7)) == user


@pytest.mark.parametrize("way", ["update_fields", "update_or_create", "an expression", "a proxy"])
def test_other_ways_to_save(user, client, notices, proxy, way):
    """Whatever Django sends a signal for."""
    model, field = type(user), user.USERNAME_FIELD
    if way == "update_fields":
        move(user)
        user.save(update_fields=[field])
    elif way == "update_or_create":
        model.objects.update_or_create(pk=user.pk, defaults={field: username(7)})
    elif way == "an expression":
        if field == "phone":
            pytest.skip("a phone number is parsed before it is saved")
        setattr(user, field, Concat(models.Value("x"), models.F(field)))
        user.save()
    else:
        found = proxy._base_manager.get(pk=user.pk)
        move(found)
        found.save()
    assert SESSION_KEY not in client.session
    assert len(notices) == 1


@pytest.fixture
def proxy(user):
    """A proxy of the user model, for one test."""

    class Meta:
        proxy = True
        app_label = user._meta.app_label

    made = type("Moved", (type(user),), {"Meta": Meta, "__module__": __name__})
    address_change.connect()  # as at the start, with all models of the project
    yield made
    del apps.all_models[user._meta.app_label]["moved"]
    apps.clear_cache()


def test_an_unsaved_instance_over_a_row(user, client, notices):
    """An instance that was never loaded replaces the row with its key."""
    fields = {field.attname: getattr(user, field.attname) for field in user._meta.concrete_fields}
    other = type(user)(**fields)
    move(other)
    other.save()
    assert SESSION_KEY not in client.session
    assert len(notices) == 1


def test_what_changes_no_address(user, client, notices, changes):
    """Another field, the same text in another form, and a value that isn't saved."""
    user.is_staff = True
    user.save()
    type(user).objects.get(pk=user.pk).save()
    found = type(user).objects.get(pk=user.pk)
    move(found)
    found.save(update_fields=["is_staff"])
    if user.USERNAME_FIELD == "email":
        user.email = user.email.upper()
        user.save()
    assert SESSION_KEY in client.session
    assert (notices, changes) == ([], [])


def test_fixtures_and_new_users(user, client, notices, changes):
    """A fixture is loaded as it is, and a new user has no old address."""
    move(user)
    (loaded,) = serializers.deserialize("json", serializers.serialize("json", [user]))
    loaded.save()
    assert type(user).objects.get(pk=user.pk).get_username() == username(7)
    fresh = type(user)(**{user.USERNAME_FIELD: username(9)})
    fresh.save()
    assert (notices, changes) == ([], [])


def test_a_rollback(user, client, notices, changes):
    """What isn't committed has no effect; a refused row neither."""
    type(user).objects.create(**{user.USERNAME_FIELD: username(7)})
    move(user)
    with pytest.raises(IntegrityError), transaction.atomic():
        user.save()
    assert SESSION_KEY in client.session
    assert (notices, changes) == ([], [])


def test_the_cost(user):
    """A login saves no more than before, another save of a user reads the row once."""
    with CaptureQueriesContext(connection) as queries:
        update_last_login(None, user)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        user.save()
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "UPDATE"]
    with CaptureQueriesContext(connection) as queries:
        type(user)(**{user.USERNAME_FIELD: username(9)}).save()
    assert [query["sql"].split()[0] for query in queries] == ["INSERT"]


def test_known_browsers(user):
    """No browser stays known, whichever name it has logged in with."""
    request, response = visitor(), HttpResponse()
    assert enter(request, ask(request)) == user
    remember_browser(request, response)
    assert known_browsers.of_user(user).exists()
    move(user)
    user.save()
    assert not known_browsers.of_user(user).exists()


class Elsewhere(MemoryOTPSender):
    """Sends to a field that is neither the username nor the email address."""

    def get_receiver(self, user):
        """Return what is in the field."""
        return str(user.last_name if hasattr(user, "last_name") else user.is_staff)


def test_a_sender_with_a_field_of_its_own(user, client, settings, notices):
    """What get_receiver() returns decides, not which field it is."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Elsewhere")
    if hasattr(user, "last_name"):
        user.last_name = "+49 30 1234"
    else:
        user.is_staff = True
    user.save()
    assert SESSION_KEY not in client.session
    assert Elsewhere().get_receiver(notices[0][0]) != Elsewhere().get_receiver(user)


class Queue(AbstractDispatcher):
    """Keeps jobs as a queue would, as JSON."""

    jobs: list[str] = []

    def dispatch(self, job, args, kwargs):
        """Keep it."""
        self.jobs.append(json.dumps([registry.name_of(job), list(args), dict(kwargs)]))


def test_a_queue_stores_the_address_and_no_secret(user, settings, notices):
    """The job names the old address, runs later, and saves nothing."""
    configure(settings, OTP_DISPATCHER=f"{__name__}.Queue")
    Queue.jobs.clear()
    old = user.get_username()
    move(user)
    if hasattr(user, "set_password") and hasattr(user, "last_name"):
        user.set_password("a new password")
    user.save()
    (packed,) = Queue.jobs
    name, args, kwargs = json.loads(packed)
    assert {*kwargs["previous"]} <= {"username", "email", "phone"}
    registry.named(name)(*args, **kwargs)
    assert [told.get_username() for told, _ in notices] == [old]
    user.refresh_from_db()
    assert user.get_username() == username(7)
    user.delete()
    registry.named(name)(*args, **kwargs)
    assert len(notices) == 1


class Broken(AbstractOTPSender):
    """A sender that can't tell where codes go."""

    def get_receiver(self, user):
        """Fail."""
        raise LookupError("no such phone")

    def send(self, receiver, otp, **kwargs):
        """Never called."""


def test_a_broken_sender(user, settings):
    """A user can be saved all the same."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.Broken", OTP_NOTICES=[])
    move(user)
    user.save()
    assert type(user).objects.get(pk=user.pk).get_username() == username(7)


def _request(client, user):
    request = visitor()
    request.session, request.user = client.session, user
    return request


def test_ones_own_address_keeps_this_session(user, client, notices):
    """With a recent login, in the block for it: other sessions end, this one goes on."""
    other = Client()
    other.force_login(user)
    request = _request(client, user)
    move(user)
    with own_address_change(request):
        user.save()
    request.session.save()
    client.cookies["sessionid"] = request.session.session_key
    assert SESSION_KEY in client.session
    assert SESSION_KEY not in other.session
    assert len(notices) == 1


def test_ones_own_address_needs_a_recent_login(user, client, notices):
    """Else nothing is saved; another user's row is no matter of this session."""
    request = _request(client, user)
    proof.record(request.session, user, ["sent"], now=1)
    move(user)
    with own_address_change(request), pytest.raises(FreshLoginNeeded):
        user.save()
    assert type(user).objects.get(pk=user.pk).get_username() == username()
    assert notices == []
    other = type(user).objects.create(**{user.USERNAME_FIELD: username(8)})
    move(other, 9)
    with own_address_change(request):
        other.save()
    assert len(notices) == 1


def test_the_admin_asks_for_a_recent_login(staff, notices):
    """Then it asks for a code that it sends to the new one, see test_own_row_in_the_admin()."""
    client = Client()
    log_in(client, staff)
    make_stale(client)
    meta = staff._meta
    url = f"/admin/{meta.app_label}/{meta.model_name}/{staff.pk}/change/"
    page = client.get(url)
    form = page.context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    data = {name: value for name, value in data.items() if value not in (False, "", [])}
    data |= {"last_login_0": "", "last_login_1": "", "date_joined_0": "2026-01-01"}
    data |= {"date_joined_1": "00:00", staff.USERNAME_FIELD: username(7)}
    answer = client.post(url, data)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=")
    staff.refresh_from_db()
    assert staff.get_username() == username()
    assert notices == []
    freshen(client)
    answer = client.post(url, data)
    assert answer["Location"].startswith("/admin/change-username/")
    assert client.get("/admin/").status_code == 200
    staff.refresh_from_db()
    assert staff.get_username() == username()
    assert notices == []
