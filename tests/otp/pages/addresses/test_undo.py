"""The holder of the old address undoes a change of address for seven days (R50)."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from swap_user.models import AddressChange, Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes, send_code, session_factors
from swap_user.testing import log_in, outbox
from tests.clock import Clock
from tests.otp.pages.login.helpers import text
from tests.otp.pages.methods.helpers import is_in
from tests.otp.pages.sites import ADMIN
from tests.support import enter, give, make_user, totp, use_policy, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R50")]

CHANGE = "/admin/change-username/"
UNDO = f"{CHANGE}undo/"
WEEK = 7 * 86_400
DONE = "Your account has its former address again"


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


def is_phone() -> bool:
    return get_user_model().USERNAME_FIELD == "phone"


def change(client: Client, number: int = 2) -> str:
    """Change the address, and return the path of the link in the notice to the old one."""
    client.post(CHANGE, {"username": username(number)})
    code = outbox[-1].otp
    outbox.notices.clear()
    assert client.post(CHANGE, {"otp": code}).status_code == 302
    (notice,) = [each for each in outbox.notices if each.kwargs["event"] == "receiver_changed"]
    (link,) = re.findall(r"http://testserver\S+", notice.text)
    assert link in notice.kwargs["html"]
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def stored(user: Any) -> str:
    name = get_user_model()._default_manager.get(pk=user.pk).get_username()
    return str(getattr(name, "as_e164", name))


def old(row: Any, days: int = 8) -> None:
    """Let an authenticator or a set of recovery codes have been added some days ago."""
    rows = type(row)._default_manager.filter(user_id=row.user_id)
    rows.update(created_at=timezone.now() - timedelta(days=days))


def test_the_link_undoes_it(client, user):
    """After a confirmation, in any browser. All sessions end, and codes go to the old address."""
    link = change(client)
    stranger = Client()
    page = stranger.get(link)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "same-origin"
    assert stored(user) == username(2), "opening the page changes nothing"
    assert DONE in text(stranger.post(link))
    assert stored(user) == username(1)
    assert not is_in(client)
    assert "_auth_user_id" not in stranger.session
    outbox.clear()
    request = visitor()
    send_code(request, username(1))
    assert enter(request, outbox[-1].otp, username(1)) == user


def test_the_new_address_hears_of_it(client, user):
    """Without a way back."""
    link = change(client)
    outbox.notices.clear()
    Client().post(link)
    (notice,) = [each for each in outbox.notices if each.kwargs["event"] == "receiver_changed"]
    name = notice.user.get_username()
    assert str(getattr(name, "as_e164", name)) == username(2)
    assert "http" not in notice.text


def test_in_the_browser_that_changed_it(client, user):
    """It is logged out, too."""
    link = change(client)
    assert DONE in text(client.post(link))
    assert not is_in(client)


def test_it_works_once(client, user):
    """Afterwards there is nothing to undo."""
    link = change(client)
    Client().post(link)
    for response in (Client().get(link), Client().post(link)):
        assert response.status_code == 404
        assert "This link does not work" in text(response)
    assert stored(user) == username(1)


def test_after_a_week(client, user, clock):
    """It is too late."""
    link = change(client)
    clock.shift(WEEK + 1)
    assert Client().post(link).status_code == 404
    assert stored(user) == username(2)


def test_shortly_before(client, user, clock):
    """It is not."""
    link = change(client)
    clock.shift(WEEK - 60)
    assert DONE in text(Client().post(link))


@pytest.mark.requirement("R26")
@pytest.mark.parametrize(
    "forged", ["", "1-", "1", "-", "{pk}-", "{pk}-00000000", "x" * 300, "9" * 40]
)
def test_a_forged_link(client, user, forged):
    """It does nothing."""
    change(client)
    token = forged.format(pk=AddressChange.objects.get().pk)
    assert Client().post(f"{UNDO}?token={token}").status_code == 404
    assert stored(user) == username(2)


@pytest.mark.requirement("R26")
def test_the_token_of_another_change(client, user):
    """The number and the rest belong together."""
    link = change(client)
    other = AddressChange.objects.create(user=make_user(5), previous="x", current="y")
    mac = link.partition("token=")[2].partition("-")[2]
    assert Client().post(f"{UNDO}?token={other.pk}-{mac}").status_code == 404


def test_changed_again(client, user):
    """The first address is given back, whatever came between. The second link is dead."""
    first = change(client, 2)
    second = change(client, 3)
    assert DONE in text(Client().post(first))
    assert stored(user) == username(1)
    assert Client().post(second).status_code == 404
    assert stored(user) == username(1)


def test_changed_by_staff_since(client, user):
    """Then nothing is undone: staff has decided."""
    link = change(client)
    row = get_user_model()._default_manager.get(pk=user.pk)
    setattr(row, row.USERNAME_FIELD, username(7))
    row.save()
    assert "can’t be undone any more" in text(Client().post(link))
    assert stored(user) == username(7)


def test_another_account_has_the_old_address(client, user):
    """It stays with it."""
    link = change(client)
    make_user(1)
    assert "can’t be undone any more" in text(Client().post(link))
    assert stored(user) == username(2)


def test_an_account_with_an_app(client, user):
    """The link is not enough: it asks for a code of the app. One that was sent is none."""
    old(give(user))
    link = change(client)
    stranger = Client()
    assert 'name="otp"' in text(stranger.get(link))
    assert stored(user) == username(2)
    assert "This field is required" in text(stranger.post(link))
    outbox.clear()
    assert "That code did not work" in text(stranger.post(link, {"otp": "123456"}))
    send_code(None, username(2))
    assert "That code did not work" in text(stranger.post(link, {"otp": outbox[-1].otp}))
    assert stored(user) == username(2)
    response = stranger.post(link, {"otp": totp(time.time())})
    assert DONE in text(response)
    assert stored(user) == username(1)
    assert "_auth_user_id" not in stranger.session
    assert Authenticator.objects.filter(user=user, type="totp").exists(), "it was there before"


@pytest.mark.parametrize("policy", ["AuthenticatorOnceEnrolled", "Both"])
def test_other_policies(client, user, settings, policy):
    """The code of the app is enough, also where a login needs two."""
    old(give(user))
    log_in(client, user)
    link = change(client)
    use_policy(settings, policy)
    response = Client().post(link, {"otp": totp(time.time())})
    assert DONE in text(response)


def test_an_account_with_recovery_codes(client, user):
    """One of them is enough."""
    codes = generate_recovery_codes(user)
    old(RecoveryCode.objects.filter(user=user).first())
    link = change(client)
    stranger = Client()
    assert 'name="otp"' in text(stranger.get(link))
    assert DONE in text(stranger.post(link, {"otp": codes[0]}))
    assert stored(user) == username(1)


def test_what_an_intruder_has_added(client, user):
    """An app and recovery codes of the last week do not help who added them: they are removed."""
    give(user)
    generate_recovery_codes(user)
    link = change(client)
    give(user, name="later")
    assert 'name="otp"' not in text(Client().get(link))
    Client().post(link)
    assert stored(user) == username(1)
    assert not Authenticator.objects.filter(user=user, type="totp").exists()
    assert not RecoveryCode.objects.filter(user=user).exists()
    assert any(each.kwargs["event"] == "authenticator_removed" for each in outbox.notices)


def test_a_number_that_its_owner_no_longer_has(client, user):
    """
    Without a code that was sent to the old number, its new holder can't take the account.

    An email address is not given to somebody else so soon.
    """
    give(user)
    log_in(client, user, factors=("authenticator",))
    assert "sent" not in session_factors_of(client)
    link = change(client)
    assert ('name="otp"' in text(Client().get(link))) == is_phone()
    Client().post(link)
    assert (stored(user) == username(2)) == is_phone()


def session_factors_of(client: Client) -> Any:
    request = visitor()
    request.session = client.session
    request.user = get_user_model()._default_manager.get()
    return session_factors(request)


def test_an_inactive_user(client, user):
    """Gets the address back, and still can't log in."""
    link = change(client)
    get_user_model()._default_manager.filter(pk=user.pk).update(is_active=False)
    assert DONE in text(Client().post(link))
    assert stored(user) == username(1)
    outbox.clear()
    send_code(visitor(), username(1))
    assert not outbox


def test_a_deleted_user(client, user):
    """Leaves nothing behind."""
    link = change(client)
    user.delete()
    assert Client().post(link).status_code == 404
    assert not AddressChange.objects.exists()


def test_redis_away(client, user, redis_away):
    """503 where a code is asked, and nothing is lost."""
    old(give(user))
    link = change(client)
    redis_away()
    response = Client().post(link, {"otp": totp(time.time())})
    assert response.status_code == 503
    assert stored(user) == username(2)


def test_an_unknown_host(client, user, settings):
    """Then messages have no link: a visitor could choose where it leads."""
    settings.ALLOWED_HOSTS = ["*"]
    client.post(CHANGE, {"username": username(2)})
    code = outbox[-1].otp
    outbox.notices.clear()
    client.post(CHANGE, {"otp": code})
    assert "http" not in outbox.notices[-1].text
    assert "contact the people who run this site" in outbox.notices[-1].text


def test_clearsessions_deletes_old_changes(client, user, clock):
    """The addresses are personal data."""
    change(client)
    call_command("clearsessions", verbosity=0)
    assert AddressChange.objects.count() == 1
    clock.shift(WEEK + 1)
    call_command("clearsessions", verbosity=0)
    assert not AddressChange.objects.exists()
