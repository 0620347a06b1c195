"""Limits on sending: which account, address or receiver is charged, and what goes on."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from swap_user.otp import remember_browser, send_code
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import MemoryOTPSender, outbox
from tests.otp.throttling.helpers import DAY, HOUR, from_, sent
from tests.support import ask, configure, enter, make_user, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.mark.requirement("R21")
def test_an_account_is_sent_so_many_codes(user, clock):
    """Twenty a day, and three an hour more to addresses nearby that never asked."""
    assert sent(20, first=1) == 20
    assert sent(10, first=1) == 3  # those ten addresses are new to its second budget
    assert sent(10, first=100) == 0
    clock.shift(HOUR)
    assert sent(20, first=200) == 3
    # Who has had one is not new any more.
    clock.shift(HOUR)
    assert sent(3, first=200) == 0
    clock.shift(DAY)
    assert sent(30, first=300) == 23


@pytest.mark.requirement("R19", "R21")
def test_strangers_elsewhere_take_nothing_from_a_newcomer(user, settings):
    """Each neighbourhood has its own few; all of them together have a limit too."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": 60})
    assert sent(20, first=1) == 20
    places = [visitor(REMOTE_ADDR=f"{first}.7.0.1") for first in range(11, 90)]
    before = len(outbox)
    for request in places[:59]:
        send_code(request, username())
    assert len(outbox) - before == 59
    assert len(ask(places[60])) == 6
    send_code(places[61], username())
    assert len(outbox) - before == 60


@pytest.mark.requirement("R21")
def test_without_an_address_there_is_one_budget(user):
    """An API that passes no request is one stranger."""
    before = len(outbox)
    for _ in range(30):
        send_code(None, username())
    assert len(outbox) - before == 20


@pytest.mark.requirement("R19", "R21")
def test_known_browsers_are_not_held_back(user, settings):
    """Strangers have used up all; the owner's own browser gets its code, up to its own limit."""
    configure(settings, OTP_LIMITS={"known_messages_per_account": 20})
    home, response = visitor(), HttpResponse()
    assert enter(home, ask(home)) == user
    remember_browser(home, response)
    sent(200, first=1)
    home = visitor()
    home.COOKIES[COOKIE] = response.cookies[COOKIE].value
    for _ in range(20):
        assert enter(home, ask(home)) == user
    before = len(outbox)
    send_code(home, username())
    assert len(outbox) == before


@pytest.mark.requirement("R19")
def test_a_place_where_the_owner_has_logged_in_is_new_again(user, clock):
    """So that a second browser at home gets its code too, while strangers ask without end."""
    sent(20, first=1)
    new = from_(500)
    assert enter(new, ask(new)) == user
    clock.shift(HOUR)
    assert sent(1, first=500) == 1
    assert sent(1, first=500) == 0


@pytest.mark.requirement("R21")
def test_an_address_asks_so_many_times(settings, clock):
    """So many an hour, for whatever names; a hundred unless it is set."""
    configure(settings, OTP_LIMITS={"asks_per_address": 30})
    for number in range(40):
        make_user(number)
    count = sum(sent(1, name=username(number), address="198.51.100.1") for number in range(40))
    assert count == 30
    clock.shift(HOUR)
    assert sent(1, name=username(39), address="198.51.100.1") == 1


@pytest.mark.requirement("R21")
def test_a_receiver_gets_so_many(settings):
    """Several accounts may share one."""
    configure(
        settings,
        OTP_LIMITS={"messages_per_receiver": 3, "newcomers_per_account": 0},
        OTP_SENDER_CLASS="tests.otp.throttling.test_sends.OneInbox",
    )
    for number in range(5):
        make_user(number)
    assert sum(sent(1, first=number, name=username(number)) for number in range(5)) == 3


@pytest.mark.requirement("R21")
def test_a_site_sends_so_many_a_day(settings, clock):
    """For strangers; off unless it is set."""
    configure(settings, OTP_LIMITS={"messages_per_site": 4})
    for number in range(6):
        make_user(number)
    assert sum(sent(1, first=number, name=username(number)) for number in range(6)) == 4
    clock.shift(DAY)
    assert sent(1, name=username(5)) == 1


@pytest.mark.requirement("R21")
def test_numbers_of_other_countries(settings, caplog):
    """Only where they begin as the setting says; the visitor sees no difference."""
    configure(
        settings,
        OTP_PHONE_PREFIXES=["+49", "+43"],
        OTP_SENDER_CLASS="tests.otp.throttling.test_sends.ByPhone",
    )
    users = {prefix: make_user(i) for i, prefix in enumerate(["+49", "+44"])}
    ByPhone.numbers = {user.pk: f"{prefix}15112345678" for prefix, user in users.items()}
    assert sent(1, name=users["+49"].get_username()) == 1
    assert sent(1, name=users["+44"].get_username()) == 0
    assert "scope=country" in caplog.text


@pytest.mark.requirement("R21", "R32")
def test_the_limited_answer_looks_the_same(user):
    """Status, body, headers and cookies, but for what is random."""
    answers, messages = [], []
    for _ in range(2):
        client, before = Client(REMOTE_ADDR="203.0.113.9"), len(outbox)
        response = client.post(reverse("admin:login"), {"username": username()}, follow=True)
        messages.append(len(outbox) - before)
        headers = {k: v for k, v in response.items() if k not in {"Expires", "Last-Modified"}}
        answers.append(
            (
                response.redirect_chain,
                response.status_code,
                headers,
                sorted(client.cookies),
                _without_tokens(response.content),
            )
        )
        sent(60, first=1)
    assert messages == [1, 0]
    assert answers[0] == answers[1]


def _without_tokens(body):
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", body)


class OneInbox(MemoryOTPSender):
    """All codes go to one place."""

    def get_receiver(self, user):
        return "all@example.com"


class ByPhone(MemoryOTPSender):
    """Codes go to numbers."""

    numbers: dict[object, str] = {}

    def get_receiver(self, user):
        return self.numbers[user.pk]
