"""Users change the address that codes are sent to, with a code that is sent there (R50)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from swap_user.models import AddressChange
from swap_user.otp import address_verified_at, send_code
from swap_user.testing import MemoryOTPSender, log_in, outbox
from tests.clock import Clock
from tests.otp.pages.login.helpers import field, text, wrong
from tests.otp.pages.methods.helpers import METHODS, is_in, make_stale
from tests.otp.pages.sites import ADMIN, neither, only_own
from tests.support import configure, enter, make_user, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R50")]

CHANGE = "/admin/change-username/"


@pytest.fixture(autouse=True)
def _each_site(site: str) -> None:
    """Every test here runs through both sites, unless it says otherwise."""


@pytest.fixture
def user(client: Client, site: str, clock: Clock) -> Any:
    """A user without any permission, logged in. Only the admin needs staff."""
    user = make_user(is_staff=site == ADMIN)
    log_in(client, user)
    outbox.clear()
    return user


def begin(client: Client, address: str) -> str:
    """Enter an address, and return the code that was sent there."""
    before = len(outbox)
    response = client.post(CHANGE, {"username": address})
    assert response.status_code == 302, text(response)
    assert response["Location"] == CHANGE
    assert len(outbox) == before + 1
    return outbox[-1].otp


def shown(client: Client, address: str) -> str:
    """The page, without what differs between any two."""
    page = re.sub(r'value="[A-Za-z0-9]{64}"', "", text(client.get(CHANGE)))
    return page.replace(address, "…")


def stored(user: Any) -> str:
    """The username of a user in the database, as codes are sent to it."""
    name = get_user_model()._default_manager.get(pk=user.pk).get_username()
    return str(getattr(name, "as_e164", name))


def test_a_code_from_the_new_address_changes_it(client, user):
    """It is sent there, and nothing is stored before it is entered."""
    old, new = username(1), username(2)
    code = begin(client, new)
    assert outbox[-1].receiver == new
    assert outbox[-1].kwargs["purpose"] == "change"
    assert len(code) == 8
    assert stored(user) == old
    page = client.get(CHANGE)
    assert new in text(page)
    response = client.post(CHANGE, {"otp": code})
    assert response["Location"] == METHODS
    assert stored(user) == new
    assert new in text(client.get(METHODS))
    assert is_in(client)


def test_what_follows_from_it(client, user):
    """Other sessions end, the old address gets a notice, and the new one counts as verified."""
    other = Client()
    log_in(other, user)
    assert is_in(other)
    key = client.session.session_key
    code = begin(client, username(2))
    client.post(CHANGE, {"otp": code})
    assert not is_in(other)
    assert client.session.session_key != key
    (notice,) = [each for each in outbox.notices if each.kwargs.get("event") == "receiver_changed"]
    name = notice.user.get_username()
    assert str(getattr(name, "as_e164", name)) == username(1)
    verified_at = address_verified_at(get_user_model()._default_manager.get(pk=user.pk))
    assert timezone.now() - verified_at < timedelta(minutes=1)
    change = AddressChange.objects.get()
    assert (change.previous, change.current) == (username(1), username(2))


def test_the_new_address_logs_in_and_the_old_one_does_not(client, user):
    """Afterwards."""
    code = begin(client, username(2))
    client.post(CHANGE, {"otp": code})
    outbox.clear()
    request = visitor()
    send_code(request, username(1))
    assert not outbox
    send_code(request, username(2))
    assert enter(request, outbox[-1].otp, username(2)) == user


@pytest.mark.requirement("R32")
def test_an_address_of_another_account(client, user):
    """The answer is the same. Its owner gets a message without a code."""
    other = make_user(2)
    free = client.post(CHANGE, {"username": username(3)})
    free_page = shown(client, username(3))
    fresh = Client()
    log_in(fresh, user)
    outbox.clear()
    taken = fresh.post(CHANGE, {"username": username(2)})
    taken_page = shown(fresh, username(2))
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    assert free_page == taken_page
    assert not outbox
    notice = outbox.notices[-1]
    assert notice.user == other
    assert "nothing was changed" in notice.text
    response = fresh.post(CHANGE, {"otp": "12345678"})
    assert "That code did not work" in text(response)
    assert stored(user) == username(1)


def test_an_inactive_account_has_it(client, user):
    """No message at all."""
    make_user(2, is_active=False)
    outbox.clear()
    client.post(CHANGE, {"username": username(2)})
    assert not outbox
    assert not outbox.notices


def test_another_account_takes_it_meanwhile(client, user):
    """An error in the form, since the user has shown that it is theirs. Nothing is stored."""
    code = begin(client, username(2))
    make_user(2)
    response = client.post(CHANGE, {"otp": code})
    assert "Another account has this address." in text(response)
    assert stored(user) == username(1)
    assert not AddressChange.objects.exists()


def test_an_old_login(client, user):
    """First a code to the old address, or of an app."""
    make_stale(client)
    for response in (client.get(CHANGE), client.post(CHANGE, {"username": username(2)})):
        assert response.status_code == 302
        assert response["Location"].endswith(f"?next={CHANGE}")
    assert not outbox


def test_an_old_login_at_the_second_step(client, user):
    """The code is not looked at."""
    code = begin(client, username(2))
    make_stale(client)
    response = client.post(CHANGE, {"otp": code})
    assert response.status_code == 302
    assert stored(user) == username(1)


def test_without_a_login(site):
    """The login page."""
    response = Client().get(CHANGE)
    assert response.status_code == 302
    assert "/login/" in response["Location"]


def test_a_wrong_code(client, user):
    """The page stays, and the right one still works."""
    code = begin(client, username(2))
    response = client.post(CHANGE, {"otp": wrong(code)})
    assert "That code did not work" in text(response)
    assert stored(user) == username(1)
    client.post(CHANGE, {"otp": code})
    assert stored(user) == username(2)


@pytest.mark.requirement("R17")
def test_five_wrong_codes(client, user):
    """Then the right one is not accepted either, until another message."""
    code = begin(client, username(2))
    for _ in range(5):
        client.post(CHANGE, {"otp": wrong(code)})
    response = client.post(CHANGE, {"otp": code})
    assert "Too many wrong codes" in text(response)
    assert stored(user) == username(1)


@pytest.mark.requirement("R6")
def test_a_code_counts_once(client, user):
    """Also to go back and forth."""
    first = begin(client, username(2))
    client.post(CHANGE, {"otp": first})
    second = begin(client, username(1))
    client.post(CHANGE, {"otp": second})
    response = client.post(CHANGE, {"otp": first})
    assert response["Location"] == CHANGE
    assert stored(user) == username(1)


@pytest.mark.requirement("R23")
def test_the_code_works_in_its_session_only(client, user):
    """Not for another user, nor for the same one elsewhere."""
    code = begin(client, username(2))
    other = Client()
    log_in(other, user)
    assert other.post(CHANGE, {"otp": code})["Location"] == CHANGE
    begin(other, username(3))
    assert "That code did not work" in text(other.post(CHANGE, {"otp": code}))
    assert stored(user) == username(1)


def test_the_code_of_one_address_is_not_that_of_another(client, user, clock):
    """A second address in the same session has other codes."""
    first = begin(client, username(2))
    clock.shift(31)
    begin(client, username(3))
    assert "That code did not work" in text(client.post(CHANGE, {"otp": first}))


@pytest.mark.requirement("R23")
def test_a_code_of_a_login_is_none_of_an_address(client, user):
    """And the other way round."""
    code = begin(client, username(2))
    request = visitor()
    send_code(request, username(1))
    login_code = outbox[-1].otp
    assert "That code did not work" in text(client.post(CHANGE, {"otp": login_code}))
    assert enter(request, code, username(1)) is None


def test_an_expired_code(client, user, clock):
    """Begin again."""
    code = begin(client, username(2))
    clock.shift(301)
    response = client.post(CHANGE, {"otp": code})
    assert response.status_code == 302
    assert stored(user) == username(1)
    assert field(client.get(CHANGE, follow=True), "username")


def test_a_second_press(client, user):
    """It sends no second message."""
    begin(client, username(2))
    client.post(CHANGE, {"username": username(2)})
    assert len(outbox) == 1


def test_another_message(client, user, clock):
    """After the interval, with the same code while more than half of its life is left."""
    code = begin(client, username(2))
    response = client.post(CHANGE, follow=True)
    assert "You can ask for another code" in text(response)
    assert len(outbox) == 1
    clock.shift(31)
    response = client.post(CHANGE, follow=True)
    assert "on its way" in text(response)
    assert outbox[-1].otp == code
    assert outbox[-1].receiver == username(2)
    client.post(CHANGE, {"otp": code})
    assert stored(user) == username(2)


def test_another_address_instead(client, user):
    """A link shows the first step again."""
    begin(client, username(2))
    assert field(client.get(f"{CHANGE}?new"), "username") is not None


def test_the_same_address(client, user):
    """However it is spelled, nothing is sent."""
    for typed in (username(1), f" {username(1)} "):
        response = client.post(CHANGE, {"username": typed})
        assert "That is your address already." in text(response)
    assert not outbox


@pytest.mark.parametrize("typed", ["", "nobody", "a@b", "+1", "\x00", "x" * 300])
def test_what_is_no_address(client, user, typed):
    """A form error, and nothing is sent."""
    if get_user_model().USERNAME_FIELD == "username":
        pytest.skip("such a username may be anything")
    response = client.post(CHANGE, {"username": typed})
    assert response.status_code == 200
    assert response.context["form"].errors["username"]
    assert not outbox


@pytest.mark.requirement("R47")
def test_a_country_that_gets_no_codes(client, user, settings):
    """A form error says so."""
    if get_user_model().USERNAME_FIELD != "phone":
        pytest.skip("phones only")
    configure(settings, OTP_PHONE_PREFIXES=["+43"])
    response = client.post(CHANGE, {"username": username(2)})
    assert "Codes can’t be sent to numbers of this country." in text(response)
    assert not outbox


@pytest.mark.requirement("R47")
def test_messages_to_an_unknown_address_are_few(client, user, clock):
    """Five a day, whoever asks. The page does not say so."""
    for _ in range(7):
        response = client.post(CHANGE, {"username": username(2)}, follow=True)
        assert username(2) in text(response)
        clock.shift(301)
        log_in(client, user)
    assert sum(each.receiver == username(2) for each in outbox) == 5


@pytest.mark.requirement("R47")
def test_messages_to_all_unknown_addresses_are_limited(client, user, settings):
    """So that nobody can make the site send any number of SMS."""
    configure(settings, OTP_LIMITS={"unknown_messages_per_site": "2/1d"})
    for number in range(2, 7):
        client.post(CHANGE, {"username": username(number)})
    assert len(outbox) == 2


def test_redis_away(client, user, redis_away):
    """503 in both steps, and what was entered is kept."""
    begin(client, username(2))
    redis_away()
    response = client.post(CHANGE, {"username": username(3)})
    assert response.status_code == 503
    assert field(response, "username")["value"] == username(3)
    response = client.post(CHANGE, {"otp": "12345678"})
    assert response.status_code == 503


@neither
def test_own_row_in_the_admin(client, settings):
    """It needs the code, too: the form leads to the page, and nothing is saved."""
    staff = make_user(is_staff=True, is_superuser=True)
    log_in(client, staff)
    meta = get_user_model()._meta
    url = f"/admin/{meta.app_label}/{meta.model_name}/{staff.pk}/change/"
    data = {}
    for name, value in client.get(url).context["adminform"].form.initial.items():
        if isinstance(value, datetime):
            data |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"}
        elif isinstance(value, str | int) and value is not False:
            data[name] = str(value)
    data[meta.model.USERNAME_FIELD] = username(2)
    outbox.clear()
    response = client.post(url, data)
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert response["Location"].startswith("/admin/change-username/?new=&username=")
    assert stored(staff) == username(1)
    page = client.get(response["Location"])
    assert "Nothing was saved yet." in text(page)
    assert field(page, "username")["value"] == username(2)


@only_own("the admin has a menu")
def test_a_sender_that_reads_another_table(client, user, settings):
    """The page does not exist, and no link leads there."""
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.ElsewhereSender")
    assert client.get(CHANGE).status_code == 404
    assert client.post(CHANGE, {"username": username(2)}).status_code == 404
    assert CHANGE not in client.get(METHODS).content.decode()


class ElsewhereSender(MemoryOTPSender):
    """Its addresses are in another table."""

    def get_receiver(self, user):
        return f"user-{user.pk}@elsewhere.example"
