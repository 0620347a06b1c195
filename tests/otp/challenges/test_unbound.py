"""Codes that are bound to no session, as an API asks for them: what strangers can't do to them."""

import random

import pytest
from django.test import RequestFactory

from swap_user.conf import limits
from swap_user.otp import limited, send_code
from swap_user.otp.challenges import unbound
from swap_user.otp.store import keys, scripts
from swap_user.otp.verification import verifier
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import outbox
from tests.otp.throttling.helpers import from_, guess, log_in
from tests.support import ask, configure, enter, give, username

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]

LIFE = 300  # OTP_TIMEOUT
WRONG = "0000000000"
OWNER, STRANGER = 1, 100


@pytest.fixture
def ten_digits(settings):
    """A site whose sent codes always have ten digits."""
    configure(settings, OTP_DIGITS=10)


def api(number, *, cookie=None):
    """Return a request without a session, from an address of its own."""
    address = f"203.{number // 250}.113.{number % 250}"
    request = RequestFactory().post("/api/", REMOTE_ADDR=address)
    request.COOKIES.update({COOKIE: cookie} if cookie else {})
    return request


def tried(number, times, *, request=api):
    """Try a wrong code of ten digits so many times from one address."""
    for _ in range(times):
        assert enter(request(number), WRONG) is None


def test_the_request_of_an_api_has_no_session():
    """As in the tests below."""
    assert not hasattr(api(1), "session")


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("times", [1, 5, 20])
@pytest.mark.parametrize("digits", [6, 10])
def test_a_stranger_who_asks_and_tries_replaces_nothing(user, settings, clock, times, digits):
    """However often: within its life, the code of the owner's message is accepted."""
    configure(settings, OTP_DIGITS=digits)
    code = ask(api(OWNER))
    for number in range(STRANGER, STRANGER + times):
        clock.shift((LIFE - 20) / times)
        send_code(api(number), username())
        tried(number, 6)
        send_code(api(number), username())
        tried(number, 6)
    assert enter(api(OWNER), code) == user


@pytest.mark.requirement("R19")
@pytest.mark.parametrize("request_of", [api, from_])
def test_tries_from_elsewhere(user, ten_digits, request_of):
    """A hundred addresses, with a session or without: the owner still has three tries."""
    code = ask(api(OWNER))
    for number in range(STRANGER, STRANGER + 100):
        tried(number, 1, request=request_of)
    tried(OWNER, unbound.FOR_ASKER - 1)
    assert enter(api(OWNER), code) == user


def test_an_owner_who_mistypes(user, ten_digits):
    """Five tries; then the API can say so, and after the next message there are five again."""
    code = ask(api(OWNER))
    request = api(OWNER)
    for _ in range(5):
        assert enter(request, WRONG) is None
        assert limited(request) is None
    assert enter(request, code) is None
    assert limited(request).scope == "code"
    assert not limited(request).longer
    assert ask(api(OWNER)) == code
    tried(OWNER, 4)
    assert enter(api(OWNER), code) == user


def test_an_owner_who_has_left_the_network(user, ten_digits):
    """A phone that asked in a Wi-Fi: two tries; strangers can use them up, and a message helps."""
    code = ask(api(OWNER))
    tried(STRANGER, 1)
    assert enter(api(OWNER + 1), code) == user
    another = ask(api(OWNER))
    tried(STRANGER, 2)
    assert enter(api(OWNER + 1), another) is None
    assert ask(api(OWNER + 1)) == another
    assert enter(api(OWNER + 1), another) == user


def test_a_known_browser_has_tries_of_its_own(user, ten_digits):
    """Strangers in its own network can't use them up."""
    cookie = log_in(from_(OWNER))
    code = ask(api(OWNER, cookie=cookie))
    send_code(api(OWNER), username())
    tried(OWNER, 50)
    assert enter(api(OWNER, cookie=cookie), code) == user


@pytest.mark.requirement("R20")
def test_a_message_to_a_known_browser_allows_strangers_no_tries(user, ten_digits):
    """The year counts only the messages that strangers cause. The browser has all five."""
    cookie = log_in(from_(OWNER))
    code = ask(api(OWNER, cookie=cookie))
    assert enter(api(OWNER), code) is None
    assert enter(from_(STRANGER), code) is None
    assert enter(None, code) is None
    for _ in range(4):
        assert enter(api(OWNER, cookie=cookie), WRONG) is None
    assert enter(api(OWNER, cookie=cookie), code) == user


def test_two_devices_at_once(user, clock):
    """The same code comes twice and logs in once. The other device asks again."""
    first, second = ask(api(OWNER)), ask(api(OWNER + 1))
    assert first == second
    assert enter(api(OWNER), first) == user
    assert enter(api(OWNER + 1), second) is None
    clock.shift(1)
    third = ask(api(OWNER + 1))
    assert third != first
    assert enter(api(OWNER + 1), third) == user


def test_without_an_address_all_visitors_have_the_same_tries(user, ten_digits):
    """With None in place of the request, five in all."""
    code = ask(None)
    for _ in range(5):
        assert enter(None, WRONG) is None
    assert enter(None, code) is None
    assert ask(None) == code
    assert enter(None, code) == user


def test_a_message_that_is_not_sent_allows_no_tries(user, ten_digits, settings):
    """Otherwise requests, which are free, would be guesses."""
    configure(settings, OTP_LIMITS={"messages_per_account": "1/1d", "newcomers_per_account": 0})
    code = ask(api(OWNER))
    tried(STRANGER, 2)
    for _ in range(3):
        send_code(api(STRANGER), username())
    assert enter(api(STRANGER), code) is None
    assert enter(api(OWNER), code) == user


def test_the_tries_are_forgotten_with_the_code(user, clock):
    """They expire in Redis when the last code does."""
    ask(api(OWNER))
    account_key = keys.account_key(username())
    with scripts._reached() as client:
        left = client.pttl(unbound.tries_left_key(account_key))
        (asker,) = (key for key in client.keys("*tries_left*") if not key.endswith(b":-"))
        assert 0 < client.pttl(asker) <= LIFE * 1000
        assert 0 < left <= LIFE * 1000


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("seed", range(3))
def test_the_arithmetic_of_a_year(user, ten_digits, clock, settings, monkeypatch, seed):
    """Whatever strangers do, each message allows five comparisons at most (and some are used)."""
    generous = {"messages_per_account": "100/1d", "messages_per_receiver": "100/1d"}
    configure(settings, OTP_LIMITS=generous)
    compared, original = [], verifier.candidates

    def candidates(authenticators, pending, **options):
        compared.append(len(pending.challenges))
        return original(authenticators, pending, **options)

    monkeypatch.setattr(verifier, "candidates", candidates)
    dice = random.Random(seed)
    for _ in range(90):
        clock.shift(dice.choice([0, 1, 20, 160]))
        number = STRANGER + dice.randrange(4)
        send_code(dice.choice([api(number), None]), username())
        for _ in range(dice.randrange(9)):
            request = dice.choice([api(number), from_(number), api(STRANGER + 9), None])
            assert enter(request, WRONG) is None
        assert sum(compared) <= limits.TRIES_PER_CODE * len(outbox)
    assert sum(compared) > len(outbox)


@pytest.mark.requirement("R20")
def test_short_guesses_weigh_no_more(user, clock):
    """There are two codes at most, as many as a session has, however many addresses ask."""
    for number in range(STRANGER, STRANGER + 18):
        clock.shift(LIFE / 18)
        send_code(api(number), username())
    account_key = keys.account_key(username())
    with scripts._reached() as client:
        (key,) = client.keys(f"*{account_key}*challenge:-")
        assert client.get(key).count(b",") <= 1
    give(user)
    assert guess(30) == 64 // (3 + 2)
