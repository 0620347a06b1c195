"""The budget of guesses under a race: whoever guesses at the same time shares what is left."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest
from django.core import signing
from django.db import connections

from swap_user.models import WrongGuess
from swap_user.otp import limited
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.store import keys
from swap_user.otp.verification import candidates, verifier
from swap_user.otp.visitors import known_browsers
from tests.otp.throttling.helpers import MINUTE, from_, guess, known, log_in, watch, wrong
from tests.support import NOW, ask, configure, enter, give, spellings, totp, username

# The time stands still, so that no guess comes back and none is right by luck.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]

BUDGET = 5
PROCESSES, EACH = 4, 50
CLIENTS = 20


@pytest.fixture(autouse=True)
def _budget(settings):
    """Five guesses."""
    configure(settings, OTP_LIMITS={"guesses_per_account": f"{BUDGET}/365d"})


def _guess(first: int, start: Any, queue: Any) -> None:
    """Guess in a process of its own, as a worker of the site would, and say what was compared."""
    compared: list[str] = []
    watch(compared.append, pytest.MonkeyPatch())
    requests = [from_(first + number) for number in range(EACH)]
    code = wrong()
    start.wait()
    for request in requests:
        assert enter(request, code) is None
        assert limited(request) is None
    connections.close_all()
    queue.put(len(compared))


@pytest.mark.requirement("R17")
def test_two_hundred_guesses_in_four_processes(user, clock):
    """They start at once: no more are compared than the budget has, and each of these counts."""
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    start, queue = fork.Event(), fork.Queue()
    processes = [
        fork.Process(target=_guess, args=(number * EACH, start, queue), daemon=True)
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    start.set()
    compared = sum(queue.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    assert 1 <= compared <= BUDGET
    assert WrongGuess.objects.filter(user=user).count() == compared
    # Those that were in flight took room that is now left.
    clock.shift(MINUTE)
    assert guess(20) == BUDGET - compared


@pytest.fixture
def in_flight(monkeypatch):
    """Attempts never end: each is in flight with all before it. Which codes were compared."""
    compared: list[str] = []
    watch(compared.append, monkeypatch)
    comparing = verifier.choose

    class Died(BaseException):
        pass

    def choose(code, found):
        comparing(code, found)
        raise Died

    monkeypatch.setattr(verifier, "choose", choose)

    def attempt(request, code, name=None):
        with pytest.raises(Died):
            enter(request, code, name)

    return attempt, compared


@pytest.mark.requirement("R17")
def test_attempts_in_flight_take_room(user, in_flight, clock):
    """Workers that die over a guess have spent it, for the minute in which it may be written."""
    attempt, compared = in_flight
    for number in range(20):
        attempt(from_(number), wrong())
    # An attempt at this account can weigh seven: three codes of the app, and four sent ones.
    assert len(compared) == 1 + (4 * BUDGET - 4) // 7
    attempt(from_(50), totp(NOW))
    assert len(compared) == 3
    clock.shift(MINUTE)
    attempt(from_(51), wrong())
    assert len(compared) == 4


@pytest.mark.requirement("R17")
def test_a_thousand_claims_are_no_thousand_first_guesses(user, in_flight, settings):
    """A signed cookie without its row counts as a stranger's before anything is compared."""
    configure(settings, OTP_LIMITS={})
    attempt, compared = in_flight
    account = keys.account_key(username())
    for number in range(1000):
        # Half of them are copies of one cookie, as of a browser that was revoked.
        content = [str(number * (number % 2)), [account]]
        cookie = signing.dumps(content, salt=known_browsers.SALT)
        attempt(known(cookie, number), wrong())
    assert 1 <= len(compared) <= 16


@pytest.mark.requirement("R17", "R47")
def test_known_browsers_that_guess_at_once(user, in_flight, settings, monkeypatch):
    """Each browser counts its own attempts: none takes room from strangers, nor they from it."""
    limits = {"guesses_per_account": "1/365d", "known_guesses_per_account": "1/365d"}
    configure(settings, OTP_LIMITS=limits)
    attempt, compared = in_flight
    with monkeypatch.context() as patch:
        patch.setattr(verifier, "choose", candidates.choose)
        cookie = log_in(from_(0))
    for number in range(10):
        attempt(from_(number), wrong())
    assert len(compared) == 1
    for number in range(10):
        attempt(known(cookie, number), wrong())
    assert len(compared) == 2


@pytest.mark.requirement("R16")
def test_twenty_clients_share_one_budget(user, compared):
    """Each with an address and a session of its own: together they have what one has."""
    requests = [from_(number) for number in range(CLIENTS)]
    for request in requests:
        assert enter(request, wrong()) is None
        assert limited(request) is None
    assert len(compared) == BUDGET


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("name", spellings())
def test_other_spellings_of_a_name_share_it(user, compared, name):
    """The budget is the account's, however the name is typed."""
    guess(BUDGET)
    assert enter(from_(BUDGET), wrong(), name) is None
    assert len(compared) == BUDGET


@pytest.mark.requirement("R18")
def test_fail_resend_fail(user, compared):
    """A new code does not refill the budget, in the same session or another."""
    request = from_(0)
    for _ in range(BUDGET):
        ask(request)
        assert enter(request, wrong()) is None
    ask(request)
    assert enter(request, wrong()) is None
    ask(from_(1))
    assert guess(20) == 0
    assert len(compared) == BUDGET


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("kind", ["sent", "totp"])
def test_a_login_gives_back_its_own_charge_only(user, kind):
    """Three fail, the user logs in: two are left, not five and not one."""
    assert guess(3) == 3
    request = from_(50)
    code = ask(request) if kind == "sent" else totp(NOW)
    assert enter(request, code) == user
    assert guess(20) == BUDGET - 3


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("kind", ["sent", "totp", "recovery"])
def test_a_used_code_gives_back_its_own_charge_only(user, kind):
    """A double click, or a request that is repeated, costs nothing, and pays for nothing."""
    assert guess(3) == 3
    request = from_(50)
    code = {
        "sent": lambda: ask(request),
        "totp": lambda: totp(NOW),
        "recovery": lambda: generate_recovery_codes(user)[0],
    }[kind]()
    assert [enter(request, code) for _ in range(20)] == [user, *[None] * 19]
    assert guess(20) == BUDGET - 3


@pytest.mark.requirement("R18")
def test_ten_digits_that_are_right_give_back_no_short_guesses(user):
    """A login with a long code leaves the budget spent."""
    assert guess(20) == BUDGET
    request = from_(50)
    code = ask(request)
    assert len(code) == 10
    assert enter(request, code) == user
    assert guess(20) == 0


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(("days", "left"), [(364.99, 0), (365, BUDGET)])
def test_guesses_come_back_after_a_year(user, clock, days, left):
    """Not earlier. Until then, sent codes have ten digits."""
    guess(BUDGET)
    clock.shift(days * 86_400)
    assert len(ask(from_(60))) == (6 if left else 10)
    assert guess(20) == left


@pytest.mark.requirement("R20")
def test_more_codes_that_are_right_are_fewer_guesses(user, compared):
    """With three apps nine codes are right at once."""
    give(user, secret="B" * 32)
    give(user, secret="C" * 32)
    guess(20, code="000000")
    # As much as five guesses at four codes.
    assert len(compared) == 2
    assert 9 * len(compared) <= 4 * BUDGET
