"""Limits on messages to a receiver, to a country and of the whole site; notices count too."""

import pytest
from django.contrib.auth import login
from django.core import mail
from django.http import HttpResponse

from swap_user.otp import remember_browser, send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import MemoryOTPSender, outbox
from tests.otp.throttling.helpers import DAY, HOUR, from_, guess, known, log_in, sent
from tests.support import ask, configure, enter, give, make_user, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

HERE = "tests.otp.throttling.test_receivers"


class OneInbox(MemoryOTPSender):
    """All codes and notices go to one place."""

    def get_receiver(self, user):
        return "all@example.com"

    def notify(self, user, subject, text):
        notices.append(user)


class ByPhone(OneInbox):
    """Codes and notices go to numbers."""

    numbers: dict[object, str] = {}

    def get_receiver(self, user):
        return self.numbers.get(user.pk, "+4915112345678")


notices = []


@pytest.fixture(autouse=True)
def _no_notices():
    notices.clear()


@pytest.fixture
def one_inbox(settings):
    """Several accounts with one receiver."""
    configure(settings, OTP_SENDER_CLASS=f"{HERE}.OneInbox")
    return [make_user(number) for number in range(10)]


@pytest.mark.requirement("R21")
def test_a_receiver_gets_so_many(one_inbox, clock):
    """Twenty a day, and three an hour for newcomers: as many as an account, for all together."""
    counts = [sent(5, first=10 * number, name=username(number)) for number in range(5)]
    assert counts == [5, 5, 5, 5, 3]
    clock.shift(HOUR)
    assert sent(5, first=100, name=username(6)) == 3
    clock.shift(DAY - HOUR)
    assert sent(25, first=200, name=username(7)) == 20 + 3


@pytest.mark.requirement("R19", "R21")
def test_the_owner_of_a_full_inbox_gets_a_code(one_inbox):
    """A hundred accounts of strangers with this address have used it up: still a newcomer."""
    for number in range(9):
        sent(5, first=1, name=username(number))
    home = visitor(REMOTE_ADDR="198.51.100.1")
    assert enter(home, ask(home, username(9)), username(9)) == one_inbox[9]


@pytest.mark.requirement("R21", "R47")
def test_a_network_that_has_asked_is_no_newcomer(user, clock):
    """It has its part of the twenty; the next day it is new again."""
    assert sent(30, first=1, address="198.51.100.1") == 20
    clock.shift(DAY - HOUR)
    sent(20, first=1)
    clock.shift(HOUR)
    sent(20, first=1)
    assert sent(5, first=1, address="198.51.100.1") == 1


@pytest.mark.requirement("R21")
def test_newcomers_at_a_receiver_have_a_limit_too(one_inbox, settings):
    """From anywhere, within 90 days."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": "4/90d"})
    for number in range(4):
        sent(5, first=1, name=username(number))
    places = [visitor(REMOTE_ADDR=f"{first}.7.0.1") for first in range(11, 40)]
    before = len(outbox)
    for number, request in enumerate(places):
        send_code(request, username(number % 10))
    assert len(outbox) - before == 4


@pytest.mark.requirement("R47")
def test_known_browsers_are_charged_to_the_receiver(one_inbox, settings):
    """A receiver has forty for all known browsers of all its accounts, and for notices."""
    configure(settings, OTP_LIMITS={"known_messages_per_receiver": "10/1d"})
    before = len(outbox)
    cookies = [log_in(from_(number), username(number)) for number in range(5)]
    for number in range(5):
        for _ in range(4):
            send_code(known(cookies[number]), username(number))
    assert len(outbox) - before == 5 + 10
    # Strangers have their own.
    assert sent(5, first=50, name=username(6)) == 5


@pytest.mark.requirement("R47")
def test_a_notice_is_a_message(one_inbox, settings, caplog):
    """Charged to its receiver, and to the site; the owner of the next notice gets none."""
    configure(settings, OTP_LIMITS={"known_messages_per_receiver": "3/1d"})
    for user in one_inbox[:5]:
        generate_recovery_codes(user)
    assert notices == one_inbox[:3]
    assert "owner not notified" in caplog.text
    assert "reason=limit reached: receiver" in caplog.text


@pytest.mark.requirement("R47")
def test_notices_leave_strangers_their_messages(one_inbox, settings):
    """The other way round, too: an attack leaves room for the notice of it."""
    configure(settings, OTP_LIMITS={"known_messages_per_receiver": "1/1d"})
    assert sent(40, first=1, name=username(0)) == 23
    for user in one_inbox[:3]:
        generate_recovery_codes(user)
    assert notices == one_inbox[:1]


def test_a_notice_without_redis(one_inbox, redis_server):
    """It may be the only warning: it is sent."""
    redis_server.stop()
    generate_recovery_codes(one_inbox[0])
    assert notices == [one_inbox[0]]


@pytest.mark.requirement("R21", "R47")
def test_a_site_sends_so_many_a_day(settings, clock):
    """Off unless it is set. A fifth is left to known browsers and notices."""
    configure(settings, OTP_LIMITS={"messages_per_site": "10/1d"})
    for number in range(20):
        make_user(number)
    cookie = log_in(from_(0), username(0))
    assert sum(sent(1, first=number, name=username(number)) for number in range(20)) == 7
    before = len(outbox)
    for _ in range(5):
        send_code(known(cookie), username(0))
    assert len(outbox) - before == 2
    clock.shift(DAY)
    assert sum(sent(1, first=number, name=username(number)) for number in range(20)) == 8


@pytest.mark.requirement("R47")
def test_notices_are_charged_to_the_site(one_inbox, settings):
    """They can use all of it, and then no code is sent."""
    configure(settings, OTP_LIMITS={"messages_per_site": "5/1d"})
    for user in one_inbox:
        generate_recovery_codes(user)
    assert notices == one_inbox[:5]
    assert sent(1, name=username(0)) == 0


@pytest.mark.requirement("R19", "R47")
def test_notices_that_strangers_cause_leave_the_reserve(one_inbox, settings):
    """They use up the guesses of many accounts, and known browsers still get their codes."""
    configure(settings, OTP_LIMITS={"messages_per_site": "10/1d", "guesses_per_account": "1/365d"})
    cookie = log_in(from_(0), username(0))
    for number in range(1, 10):
        give(one_inbox[number])
        guess(1, first=500 + number, name=username(number))
    assert notices == one_inbox[1:8]  # with the code of the login, eight of ten
    before = len(outbox)
    for _ in range(3):
        send_code(known(cookie), username(0))
    assert len(outbox) - before == 2


@pytest.mark.requirement("R21", "R47")
def test_numbers_of_other_countries(settings, caplog):
    """Only where they begin as the setting says: codes and notices. The visitor sees nothing."""
    configure(settings, OTP_PHONE_PREFIXES=["+49", "+43"], OTP_SENDER_CLASS=f"{HERE}.ByPhone")
    users = {prefix: make_user(i) for i, prefix in enumerate(["+49", "+44"])}
    ByPhone.numbers = {user.pk: f"{prefix}15112345678" for prefix, user in users.items()}
    assert sent(1, name=users["+49"].get_username()) == 1
    assert sent(1, name=users["+44"].get_username()) == 0
    assert "scope=country" in caplog.text
    give(users["+44"])
    assert guess(20, name=users["+44"].get_username()) == 16
    for user in users.values():
        generate_recovery_codes(user)
    assert notices == [users["+49"]]


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("notices_too", [False, True])
def test_minted_browsers_share_a_cap(user, settings, clock, notices_too):
    """
    Twelve browsers, 25 asks of each, all from one address: at most 60 messages in all.

    They are minted by asking with the cookie of one and entering the code without it.
    """
    configure(settings, OTP_SENDER_CLASS=f"{HERE}.OneInbox")
    if not notices_too:
        configure(settings, OTP_NOTICES=[])
    address = {"REMOTE_ADDR": "203.0.113.7"}
    cookies = []
    while len(cookies) < 12:
        request, response = visitor(**address), HttpResponse()
        if cookies:
            request.COOKIES[COOKIE] = cookies[-1]
        code = ask(request)
        request.COOKIES.clear()
        assert enter(request, code) == user
        login(request, user, backend="swap_user.backends.OTPBackend")
        remember_browser(request, response)
        cookies.append(response.cookies[COOKIE].value)
        clock.shift(1)
    for cookie in cookies:
        for _ in range(25):
            request = visitor(**address)
            request.COOKIES[COOKIE] = cookie
            send_code(request, username())
    assert len(outbox) + len(notices) + len(mail.outbox) <= 60
