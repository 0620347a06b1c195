"""Limits of a client address, of visitors without a known one, and of known browsers."""

import pytest

from swap_user.otp import limited, send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.signals import login_limited
from swap_user.testing import outbox
from tests.otp.throttling.helpers import HOUR, MINUTE, from_, guess, known, log_in, looked_at, wrong
from tests.support import NOW, ask, configure, enter, make_user, totp, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

NETWORK = "198.51.100.1"


def limit(settings, **rates):
    configure(settings, OTP_LIMITS=rates)


def tried(number, address=NETWORK, code="000000"):
    """Try a code for some name, and return the scope of the limit that was reached."""
    request = visitor(REMOTE_ADDR=address)
    enter(request, code, username(number))
    return getattr(limited(request), "scope", None)


def test_an_address_has_a_budget_for_all_names(clock):
    """A hundred an hour; longer codes and recovery codes go on, and so do other addresses."""
    user = make_user(500)
    recovery_code = generate_recovery_codes(user)[0]
    assert {tried(number) for number in range(100)} == {None}
    request = visitor(REMOTE_ADDR=NETWORK)
    enter(request, "000000", username(101))
    reached = limited(request)
    assert (reached.scope, reached.longer) == ("address", True)
    assert HOUR - MINUTE < reached.retry_in <= HOUR
    code = ask(request, username(500))
    assert len(code) == 10
    assert enter(request, code, username(500)) == user
    assert enter(request, recovery_code, username(500)) == user
    assert tried(101, "198.51.100.2") is None
    clock.shift(HOUR)
    assert tried(101) is None


@pytest.mark.requirement("R18")
def test_an_address_that_may_again_finds_the_account_as_it_left_it(user, clock, settings):
    """The hour of an address is over: what it did to the account is not."""
    limit(settings, guesses_per_address="2/1h")
    assert [tried(1), tried(1), tried(1)] == [None, None, "address"]
    clock.shift(HOUR)
    assert guess(20) == 16 - 2


@pytest.mark.requirement("R18")
def test_a_right_code_is_not_charged_to_the_address(user, clock, settings):
    """Neither more nor less than its own charge is taken back, also where the code was used."""
    limit(settings, guesses_per_address="3/1h")
    assert [tried(number) for number in (5, 6)] == [None, None]
    for number in range(1, 11):
        clock.shift(30)
        request = visitor(REMOTE_ADDR=NETWORK)
        assert enter(request, totp(NOW + 30 * number)) == user
        assert tried(1, code=totp(NOW + 30 * number)) is None
    assert [tried(number) for number in (7, 8)] == [None, "address"]


@pytest.mark.requirement("R49")
def test_a_limited_address_is_logged_and_signalled(caplog, settings):
    """With its scope and the time that is left, without the name."""
    limit(settings, guesses_per_address="1/1h")
    seen = []

    def receiver(sender, **kwargs):
        seen.append(kwargs)

    login_limited.connect(receiver)
    try:
        assert [tried(1), tried(1)] == [None, "address"]
    finally:
        login_limited.disconnect(receiver)
    (kwargs,) = seen
    assert kwargs["scope"] == "address"
    assert HOUR - MINUTE < kwargs["retry_in"] <= HOUR
    (record,) = [each for each in caplog.records if each.event == "login limited"]
    assert record.account == kwargs["account"]
    assert username() not in caplog.text


def test_a_limited_attempt_is_charged_to_no_account(user, settings):
    """It is not looked at."""
    limit(settings, guesses_per_address="1/1h")
    for _ in range(10):
        tried(1)
    assert looked_at() == 1


def test_a_64_is_one_address(settings):
    """IPv6: the last 64 bits are the visitor's own."""
    limit(settings, guesses_per_address="5/1h")
    found = [tried(number, f"2001:db8::{number + 1:x}") for number in range(6)]
    assert found == [None] * 5 + ["address"]


def test_a_whole_48_has_a_budget_too(settings):
    """Ten times as much: its 65,536 addresses cost nothing."""
    limit(settings, guesses_per_address="5/1h")
    found = [tried(number, f"2001:db8:7:{number:x}::1") for number in range(51)]
    assert found == [None] * 50 + ["address"]
    assert tried(1, "2001:db8:8::1") is None


@pytest.mark.requirement("R19", "R47")
def test_a_known_browser_is_not_charged_to_its_address_or_to_strangers(user, settings):
    """Neither does it use up theirs, nor do they use up what it has."""
    limit(settings, guesses_per_address="3/1h", known_guesses_per_account="5/365d")
    cookie = log_in(from_(0))

    def from_home():
        request = known(cookie)
        enter(request, wrong())
        return getattr(limited(request), "scope", None)

    assert [from_home() for _ in range(4)] == [None] * 4
    assert looked_at(is_known=True) == 4
    assert [tried(number, "203.0.113.0") for number in range(4)] == [None] * 3 + ["address"]
    assert guess(20) == 16 - 1
    assert from_home() is None
    assert looked_at(is_known=True) == 5
    # It has none left now: like a stranger at this address.
    assert from_home() == "address"
    assert looked_at(is_known=True) == 5


@pytest.mark.requirement("R47")
def test_known_browsers_share_their_guesses(user, settings):
    """Fifty a year for all of them together."""
    limit(settings, known_guesses_per_account="5/365d")
    cookies = [log_in(from_(number)) for number in range(3)]
    for number in range(9):
        enter(known(cookies[number % 3], number), wrong())
    assert looked_at(is_known=True) == 5
    assert looked_at(is_known=False) == 4


def test_a_known_browser_whose_guesses_are_spent_is_a_stranger(user, settings):
    """It shares what they have left. When nothing is left, its codes have ten digits."""
    limit(settings, known_guesses_per_account="5/365d")
    cookie = log_in(from_(0))
    for number in range(5):
        assert enter(known(cookie, number), wrong()) is None
    home = known(cookie, 10)
    code = ask(home)
    assert len(code) == 6
    assert enter(home, code) == user
    guess(20)
    home = known(cookie, 11)
    assert enter(home, totp(NOW)) is None
    code = ask(home)
    assert len(code) == 10
    assert enter(home, code) == user


# Visitors whose address is not known


@pytest.fixture
def behind_a_proxy(settings):
    """A proxy with a private address, which no setting names."""
    configure(settings, OTP_PROXIES=1)
    return "10.0.0.7"


@pytest.mark.requirement("R56")
def test_visitors_behind_an_unnamed_proxy_are_not_one(behind_a_proxy):
    """A hundred anonymous requests come through it; then twenty owners get their codes."""
    for number in range(100):
        send_code(visitor(REMOTE_ADDR=behind_a_proxy), f"nobody{number}@example.com")
    for number in range(20):
        make_user(number)
    before = len(outbox)
    for number in range(20):
        request = visitor(REMOTE_ADDR=behind_a_proxy, HTTP_X_REAL_IP="x")
        code = ask(request, username(number))
        assert len(code) == 6
        assert enter(request, code, username(number))
    assert len(outbox) - before == 20


@pytest.mark.requirement("R56")
def test_without_a_proxy_each_is_by_itself(settings):
    """OTP_PROXIES = 0: in an intranet, the peer is the visitor."""
    limit(settings, asks_per_address="3/1h", guesses_per_address="3/1h")
    configure(settings, OTP_PROXIES=0)
    make_user()
    before = len(outbox)
    for address in ("10.0.0.7", "10.0.0.8"):
        for _ in range(5):
            send_code(visitor(REMOTE_ADDR=address), username())
        assert [tried(number, address) for number in range(4)] == [None] * 3 + ["address"]
    assert len(outbox) - before == 6


@pytest.mark.requirement("R56")
def test_unknown_addresses_share_a_brake_on_guesses(behind_a_proxy, settings, user, clock):
    """A hundred times the limit of an address. Then nothing is compared, and nothing is said."""
    limit(settings, guesses_per_address="1/1h")
    for number in range(200, 299):
        assert tried(number, behind_a_proxy) is None
    request = visitor(REMOTE_ADDR=behind_a_proxy)
    assert len(ask(request)) == 6
    assert tried(1, behind_a_proxy, wrong()) is None
    assert looked_at() == 1
    assert tried(1, behind_a_proxy, totp(NOW)) is None
    assert tried(1, behind_a_proxy, wrong()) is None
    assert looked_at() == 1
    # Longer codes go on, and so do visitors whose address is known.
    code = ask(request)
    assert len(code) == 10
    assert enter(request, code) == user
    assert guess(1) == 1
    clock.shift(HOUR)
    assert enter(visitor(REMOTE_ADDR=behind_a_proxy), totp(NOW + HOUR)) == user


@pytest.mark.requirement("R56")
def test_unknown_addresses_share_a_brake_on_asks(behind_a_proxy, settings, clock, caplog):
    """A hundred times the limit of an address. The log names the limit."""
    limit(settings, asks_per_address="1/1h")
    make_user()
    for number in range(99):
        send_code(visitor(REMOTE_ADDR=behind_a_proxy), username(number + 2))
    before = len(outbox)
    for _ in range(3):
        send_code(visitor(REMOTE_ADDR=behind_a_proxy), username())
    assert len(outbox) - before == 1
    assert "scope=unknown addresses\n" in caplog.text
    clock.shift(HOUR)
    assert ask(visitor(REMOTE_ADDR=behind_a_proxy))


@pytest.mark.requirement("R56", "R19")
def test_unknown_addresses_and_known_browsers(behind_a_proxy, settings, user):
    """The brake is not for browsers that have logged in."""
    limit(settings, guesses_per_address="1/1h", asks_per_address="1/1h")
    cookie = log_in(visitor(REMOTE_ADDR=behind_a_proxy))
    for number in range(120):
        tried(number + 2, behind_a_proxy)
        send_code(visitor(REMOTE_ADDR=behind_a_proxy), username(number + 2))
    home = known(cookie)
    home.META["REMOTE_ADDR"] = behind_a_proxy
    assert enter(home, ask(home)) == user
