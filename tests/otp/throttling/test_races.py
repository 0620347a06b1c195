"""The budget of guesses: shared by all strangers, charged before a code is looked at, kept."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connections

from swap_user.otp import limited
from swap_user.otp.verification import verifier
from swap_user.otp.visitors import flow
from tests.support import NOW, ask, configure, enter, give, spellings, totp, visitor

# The time stands still, so that no guess comes back and none is right by luck.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]

BUDGET = 5
PROCESSES, EACH = 4, 50
CLIENTS = 20


@pytest.fixture(autouse=True)
def _budget(settings):
    """Five guesses."""
    configure(settings, OTP_LIMITS={"guesses_per_account": BUDGET})


def client(number: int) -> Any:
    """Return a request from an address and with a session of its own."""
    return visitor(REMOTE_ADDR=f"198.18.0.{number + 1}")


def wrong() -> str:
    """Return a code that no app shows now."""
    shown = {totp(NOW + 30 * step) for step in (-1, 0, 1)}
    return next(code for code in map(str, range(100_000, 100_009)) if code not in shown)


@pytest.fixture
def compared(monkeypatch):
    """Every code that was compared with those that would be right, in this process."""
    codes: list[str] = []
    _watch(codes.append, monkeypatch)
    return codes


def _watch(note: Callable[[str], Any], patch: pytest.MonkeyPatch) -> None:
    original = verifier.choose

    def choose(code: str, found: Any) -> Any:
        assert found, "there was nothing to compare with"
        note(code)
        return original(code, found)

    patch.setattr(verifier, "choose", choose)


def _guess(first: int, start: Any, queue: Any) -> None:
    """Guess in a process of its own, as a worker of the site would, and say what was compared."""
    compared: list[str] = []
    _watch(compared.append, pytest.MonkeyPatch())
    requests = [client(first + number) for number in range(EACH)]
    code = wrong()
    start.wait()
    limits = 0
    for request in requests:
        assert enter(request, code) is None
        limits += limited(request) is not None
    connections.close_all()
    queue.put((len(compared), limits))


@pytest.mark.requirement("R17")
def test_two_hundred_guesses_in_four_processes(user):
    """They start at once: exactly as many are compared as the budget has, 195 are not."""
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
    answers = [queue.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sum(compared for compared, _ in answers) == BUDGET
    assert sum(limits for _, limits in answers) == PROCESSES * EACH - BUDGET


@pytest.mark.requirement("R17")
def test_a_guess_is_charged_before_it_is_compared(user, monkeypatch):
    """A worker that dies over a guess has spent it."""

    def die(code, found):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(verifier, "choose", die)
        for number in range(BUDGET):
            with pytest.raises(KeyboardInterrupt):
                enter(client(number), wrong())
    request = client(BUDGET)
    assert enter(request, totp(NOW)) is None
    assert limited(request).scope == "account"


@pytest.mark.requirement("R16")
def test_twenty_clients_share_one_budget(user, compared):
    """Each with an address and a session of its own: together they have what one has."""
    requests = [client(number) for number in range(CLIENTS)]
    for request in requests:
        assert enter(request, wrong()) is None
    assert len(compared) == BUDGET
    assert [limited(request) is None for request in requests] == (
        [True] * BUDGET + [False] * (CLIENTS - BUDGET)
    )
    assert {limited(request).scope for request in requests[BUDGET:]} == {"account"}


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("name", spellings())
def test_other_spellings_of_a_name_share_it(user, compared, name):
    """The budget is the account's, however the name is typed."""
    for number in range(BUDGET):
        enter(client(number), wrong())
    request = client(BUDGET)
    assert enter(request, wrong(), name) is None
    assert limited(request)
    assert len(compared) == BUDGET


def _spend(number: int, first: int = 0) -> None:
    for each in range(number):
        request = client(first + each)
        assert enter(request, wrong()) is None
        assert limited(request) is None


def _left(compared: list[str], first: int = 100) -> int:
    """Return how many guesses are left, by spending them."""
    before = len(compared)
    for number in range(2 * BUDGET):
        enter(client(first + number), wrong())
    return len(compared) - before


@pytest.mark.requirement("R18")
def test_fail_resend_fail(user, compared):
    """A new code does not refill the budget, in the same session or another."""
    request = client(0)
    for _ in range(BUDGET):
        ask(request)
        assert enter(request, wrong()) is None
        assert limited(request) is None
    ask(request)
    assert enter(request, wrong()) is None
    assert limited(request).scope == "account"
    ask(client(1))
    assert _left(compared) == 0


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("kind", ["sent", "totp"])
def test_a_login_gives_back_its_own_charge_only(user, compared, kind):
    """Three fail, the user logs in: two are left, not five and not one."""
    _spend(3)
    request = client(50)
    code = ask(request) if kind == "sent" else totp(NOW)
    assert enter(request, code) == user
    assert _left(compared) == BUDGET - 3


@pytest.mark.requirement("R18")
def test_a_used_code_gives_back_its_own_charge_only(user, compared):
    """A double click costs nothing, and pays for nothing."""
    _spend(3)
    for number in range(5):
        assert (enter(client(50 + number), totp(NOW)) == user) is (number == 0)
    compared.clear()
    assert _left(compared) == BUDGET - 3


@pytest.mark.requirement("R18")
def test_ten_digits_that_are_right_give_back_no_short_guesses(user, compared):
    """A login with a long code, or by the app in a known browser, leaves the budget spent."""
    _spend(BUDGET)
    request = client(50)
    code = ask(request)
    assert len(code) == 10
    assert enter(request, code) == user
    assert _left(compared) == 0


@pytest.mark.requirement("R18")
def test_an_address_that_may_again_finds_the_account_as_it_left_it(user, compared, settings):
    """The hour of an address is over: what it did to the account is not."""
    configure(settings, OTP_LIMITS={"guesses_per_account": BUDGET, "guesses_per_address": 2})
    for scope in (None, None, "address"):
        request = client(0)
        enter(request, wrong())
        assert getattr(limited(request), "scope", None) == scope
    with time_machine.travel(NOW + 3601, tick=False):
        assert _left(compared) == BUDGET - 2


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(("days", "left"), [(364.99, 0), (365, BUDGET)])
def test_guesses_come_back_after_a_year(user, compared, days, left):
    """Not earlier; Redis forgets them no sooner either."""
    _spend(BUDGET)
    with time_machine.travel(NOW + days * 86_400, tick=False):
        assert _left(compared) == left


@pytest.mark.requirement("R20")
def test_more_codes_that_are_right_are_fewer_guesses(user, compared):
    """With three apps nine codes are right at once; what the first guess lacked is charged too."""
    give(user, secret="B" * 32)
    give(user, secret="C" * 32)
    assert _left(compared) == 2
    # As much as five guesses at four codes.
    assert 9 * len(compared) <= 4 * BUDGET


@pytest.mark.requirement("R20")
def test_sessions_share_the_tries_at_a_code_that_is_bound_to_none(user, compared, settings):
    """Sessions are free: such a code must not have five tries in each of them."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_DIGITS": 10}
    ask(None)
    waited = 0
    original = verifier.candidates

    def candidates(authenticators, pending, *, now):
        nonlocal waited
        waited += len(pending.challenges)
        return original(authenticators, pending, now=now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifier, "candidates", candidates)
        for number in range(40):
            request = client(number)
            flow.begin(request)
            assert enter(request, "9" * 10) is None
    assert waited == BUDGET
    # The code of a session's own counts all the same.
    request = client(41)
    assert enter(request, ask(request)) == user


@pytest.mark.requirement("R18")
def test_a_new_code_brings_no_more_tries_at_long_ones(user, compared, settings):
    """Five an hour in one session, however many codes it asks for."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_DIGITS": 10}
    request = client(0)
    for _ in range(10):
        ask(request)
        assert enter(request, "9" * 10) is None
    assert limited(request).scope == "code"
    assert len(compared) == 5
