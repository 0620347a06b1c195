"""What an intruder, staff, or the next holder of an address can do to the way back (R50)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from swap_user.models import AddressChange, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.sessions.reset import reset_user
from swap_user.testing import log_in, outbox
from tests.clock import Clock
from tests.otp.pages.addresses.test_undo import DONE, UNDO, change, old, stored
from tests.otp.pages.login.helpers import text
from tests.otp.pages.methods.helpers import is_in
from tests.otp.pages.sites import ADMIN
from tests.support import give, make_user, totp, username
from tests.user_models import UserModel

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R50")]

IS_PHONE = UserModel.USERNAME_FIELD == "phone"


@pytest.fixture(autouse=True)
def _each_site(site: str, settings: Any) -> None:
    """Every test here runs through both sites. Their host is known, so messages have links."""
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def user(client: Client, site: str, clock: Clock) -> Any:
    """A user without any permission, logged in."""
    user = make_user(is_staff=site == ADMIN)
    log_in(client, user)
    outbox.clear()
    return user


def asks(link: str) -> bool:
    return 'name="otp"' in text(Client().get(link))


def by_staff(user: Any, number: int) -> None:
    """Change the address as the admin does, for another user."""
    row = get_user_model()._default_manager.get(pk=user.pk)
    setattr(row, row.USERNAME_FIELD, username(number))
    row.save()


def again(client: Client, user: Any) -> None:
    """Log in after the user's row has changed."""
    log_in(client, get_user_model()._default_manager.get(pk=user.pk))


def test_the_app_was_removed_before(client, user):
    """An intruder with a sent code can remove the app of the owner. The link alone is enough."""
    app = give(user)
    old(app)
    app.delete()
    link = change(client)
    assert not asks(link)
    assert DONE in text(Client().post(link))
    assert stored(user) == username(1)


@pytest.mark.parametrize("what", ["app", "codes"])
def test_the_other_factor_was_removed_afterwards(client, user, what):
    """
    The order makes no difference, unless the address is a number, which may have a new holder.

    The intruder's own recovery codes, generated in place of the owner's, ask for nothing.
    """
    if what == "app":
        app = give(user)
        old(app)
    else:
        generate_recovery_codes(user)
        old(RecoveryCode.objects.filter(user=user).first())
    link = change(client)
    assert asks(link)
    if what == "app":
        app.delete()
    else:
        generate_recovery_codes(user)
    assert asks(link) == (IS_PHONE and what == "codes"), "without a factor there is nothing to ask"
    Client().post(link)
    assert stored(user) == username(2 if IS_PHONE else 1)
    assert RecoveryCode.objects.exists() == (IS_PHONE and what == "codes")


def test_the_owner_has_changed_it_with_the_app(client, user):
    """Whoever reads the old mailbox gains nothing when the owner gets a new app afterwards."""
    app = give(user)
    old(app)
    log_in(client, user, factors=("sent", "authenticator"))
    link = change(client)
    app.delete()
    generate_recovery_codes(user)
    assert asks(link)
    assert DONE not in text(Client().post(link, {"otp": "123456"}))
    assert stored(user) == username(2)


@pytest.mark.parametrize("left", ["an app", "recovery codes", "nothing"])
def test_no_factor_is_left(client, user, left):
    """The page does not ask for a code that the owner can't have. It says whom to contact."""
    app = give(user)
    old(app)
    log_in(client, user, factors=("sent", "authenticator"))
    link = change(client)
    app.delete()
    if left == "an app":
        give(user)
    elif left == "recovery codes":
        generate_recovery_codes(user)
    assert asks(link) == (left != "nothing")
    for response in (Client().get(link), Client().post(link), Client().post(link, {"otp": "1"})):
        page = text(response)
        assert DONE not in page
        assert ("Contact the people who run this site" in page) == (left == "nothing")
        assert ('id="login-form"' in response.content.decode()) == (left != "nothing")
    assert stored(user) == username(2)


def test_used_recovery_codes_are_none(client, user):
    """The last one was used for a login."""
    generate_recovery_codes(user)
    old(RecoveryCode.objects.filter(user=user).first())
    log_in(client, user, factors=("sent", "recovery"))
    link = change(client)
    assert asks(link)
    RecoveryCode.objects.filter(user=user).update(used_at=timezone.now())
    assert not asks(link)
    assert DONE not in text(Client().post(link))


def test_staff_has_changed_it_in_between(client, user):
    """Staff has taken the address from its holder, so the link there stays dead afterwards."""
    link = change(client, 2)
    by_staff(user, 3)
    again(client, user)
    change(client, 4)
    assert "can’t be undone any more" in text(Client().post(link))
    assert stored(user) == username(4)


def test_staff_has_given_it_back(client, user):
    """Then there is nothing to undo, and later changes are not touched."""
    link = change(client, 2)
    by_staff(user, 1)
    assert "can’t be undone any more" in text(Client().post(link))
    again(client, user)
    change(client, 3)
    assert "can’t be undone any more" in text(Client().post(link))
    assert stored(user) == username(3)


def test_the_link_of_the_second_change(client, user):
    """It leads to the second address. The holder of the first one can go on from there."""
    first = change(client, 2)
    second = change(client, 3)
    Client().post(second)
    assert stored(user) == username(2)
    assert DONE in text(Client().post(first))
    assert stored(user) == username(1)


def test_changed_back_by_an_intruder(client, user):
    """The address is the former one already, but the intruder's session must not go on."""
    link = change(client, 2)
    change(client, 1)
    assert stored(user) == username(1)
    assert is_in(client)
    assert DONE in text(Client().post(link))
    assert stored(user) == username(1)
    assert not is_in(client)
    assert not AddressChange.objects.exists()


def test_the_code_of_another_account(client, user):
    """It is no factor of this one."""
    old(give(user))
    other = make_user(5)
    codes = generate_recovery_codes(other)
    link = change(client)
    assert DONE not in text(Client().post(link, {"otp": codes[0]}))
    assert stored(user) == username(2)


def test_a_code_counts_once(client, user):
    """The code that has undone a change is used."""
    old(give(user))
    link = change(client)
    code = totp(time.time())
    Client().post(link, {"otp": code})
    again(client, user)
    link = change(client)
    assert "That code did not work" in text(Client().post(link, {"otp": code}))
    assert stored(user) == username(2)


def test_text_that_is_not_unicode(client, user):
    """A token in an unusual charset is refused as any other, and so is an address in the query."""
    change(client)
    pk = AddressChange.objects.get().pk
    odd = {"CONTENT_TYPE": "text/html; charset=utf-7"}
    assert Client().get(f"{UNDO}?token={pk}-%2B2AA-", **odd).status_code == 404
    page = UNDO.removesuffix("undo/")
    assert client.get(f"{page}?username=%2B2AA-", **odd).status_code == 400


def test_head_and_options(client, user):
    """They change nothing."""
    link = change(client)
    for method in (Client().head, Client().options):
        assert method(link).status_code == 200
    assert Client().put(link).status_code == 405
    assert stored(user) == username(2)


def test_forged_from_another_site(client, user):
    """The form has a token against that."""
    link = change(client)
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert stored(user) == username(2)


def test_after_a_reset(client, user):
    """Staff has seen who the owner is, and has removed the other factors. Links are dead."""
    old(give(user))
    link = change(client)
    reset_user(get_user_model()._default_manager.get(pk=user.pk))
    assert Client().post(link).status_code == 404
    assert stored(user) == username(2)


def test_a_new_secret_key(client, user, settings):
    """Links work as long as the former key is among the fallbacks."""
    link = change(client)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another key, " * 5
    assert Client().get(link).status_code == 404
    settings.SECRET_KEY_FALLBACKS = [former]
    assert DONE in text(Client().post(link))
    assert stored(user) == username(1)
