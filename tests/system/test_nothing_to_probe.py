"""Nothing to probe: no answer, and no work behind it, tells who has an account (R32, R33)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from django.contrib.auth import get_user_model

from services.smtp import SMTPServer
from swap_user.models import WrongGuess
from swap_user.otp import policies
from swap_user.otp.background import lifecycle, thread_pool
from tests.support import RFC_SECRET, configure, give, send_mail_to, use_policy, visitor
from tests.system.probing import (
    ACCOUNTS,
    ADMIN,
    DOORS,
    OWN,
    WRONG,
    WRONG_LONG,
    WRONG_RECOVERY,
    a_day_later,
    both_steps,
    by_calls,
    inactive,
    named,
    never_asked,
    spend_guesses,
    spend_sends,
    steps_of,
    through_the_pages,
    usual,
    with_app,
)
from tests.work import RecordingDispatcher, run_jobs

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.requirement("R32", "R33"),
]

KINDS = [WRONG, WRONG_LONG, WRONG_RECOVERY]

KIND_IDS = ["short", "ten digits", "recovery"]

# The doors that are tried with accounts of all kinds.
TRIED = ["pages", "own pages", "API of apps", "API of browsers", "calls"]

SITES = pytest.mark.parametrize("site", [ADMIN, OWN], ids=["admin", "own"])

PAIRS = 300

NOBODY = 500


@pytest.fixture
def dispatched(settings):
    """Jobs are written down; whom they are about must not matter before they run."""
    RecordingDispatcher.waiting.clear()
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")


@pytest.fixture(params=ACCOUNTS, ids=lambda make: make.__name__)
def account(request) -> int:
    """The number of an account of some kind."""
    request.param(101)
    return 101


@pytest.fixture
def warm(clock, dispatched) -> None:
    """Connections are open, scripts and templates loaded, caches filled."""
    _warm_process()


@cache  # scripts/mutants empties it together with the caches that it fills
def _warm_process() -> None:
    usual(900)
    for code in KINDS:
        for way in DOORS.values():
            for number in (900, NOBODY - 1):
                way(number, code)
    for number in (900, NOBODY - 1):
        spend_guesses(number)
        by_calls(number, WRONG)


@pytest.mark.parametrize("code", KINDS, ids=KIND_IDS)
@pytest.mark.parametrize("door", TRIED)
def test_every_account_is_like_none(warm, account, door, code):
    """Work, jobs and answers, at every step, whatever is typed."""
    assert DOORS[door](account, code) == DOORS[door](NOBODY, code)


@pytest.mark.parametrize("door", [each for each in DOORS if each not in TRIED])
@pytest.mark.parametrize("make", [never_asked, with_app])
def test_every_door_is_alike(warm, make, door):
    """Also the asynchronous one, and without a request."""
    make(101)
    assert DOORS[door](101, WRONG) == DOORS[door](NOBODY, WRONG)


@SITES
@pytest.mark.parametrize("policy", ["AnyCode", "AuthenticatorOnceEnrolled", "Both"])
@pytest.mark.parametrize("make", [with_app, never_asked])
def test_whatever_the_policy(warm, settings, make, policy, site):
    """Also where a user gets no sent code, or needs two codes."""
    use_policy(settings, policy)
    if policies.load_policy().asks_password():
        pytest.skip("the first page asks for a password then")
    make(101)
    assert through_the_pages(101, WRONG, site) == through_the_pages(NOBODY, WRONG, site)


@pytest.mark.parametrize("code", [WRONG, WRONG_RECOVERY], ids=["short", "recovery"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("spend", [spend_guesses, spend_sends], ids=["guesses", "sends"])
@pytest.mark.parametrize("make", [never_asked, with_app])
def test_limits_are_everybodys(warm, make, door, spend, code):
    """A name without an account is limited like an account: same work, same words."""
    make(101)
    spend(101)
    spend(NOBODY)
    assert DOORS[door](101, code) == DOORS[door](NOBODY, code)


@pytest.mark.requirement("R49")
@pytest.mark.parametrize("make", [usual, never_asked, with_app])
def test_the_last_guess_is_like_the_others(warm, make):
    """The attempt that is the last, and those after it, do not tell either."""
    make(101)
    for number in range(20):
        request = visitor(REMOTE_ADDR=f"198.51.100.{number}")
        ours, nobodys = (by_calls(name, WRONG, request=request)[1] for name in (101, NOBODY))
        assert ours == nobodys
        assert ours[0] is None
        run_jobs()
    user = get_user_model().objects.get(**named(101))
    assert WrongGuess.objects.filter(user=user).count() == 16


@SITES
@pytest.mark.heavy
@pytest.mark.requirement("R48", "R49")
@pytest.mark.parametrize("code", KINDS, ids=KIND_IDS)
@pytest.mark.parametrize("make", [usual, never_asked, inactive, with_app])
def test_three_days_in_a_row(warm, clock, make, code, site):
    """Asked and tried each day, with all jobs done between: the past makes no difference."""
    make(101)
    for _day in range(3):
        # Fourteen wrong codes a day: on the second day, the guesses at the account are spent.
        for number in range(7):
            pages = [], []
            for name, steps in zip((101, NOBODY), pages, strict=True):
                for step in steps_of(name, code, f"198.51.100.{number}", site):
                    steps.append(step)
                    run_jobs()
            assert pages[0] == pages[1]
            clock.shift(61)
        a_day_later(clock)
    counted = WrongGuess.objects.filter(user__in=get_user_model().objects.filter(**named(101)))
    assert counted.count() == (16 if code is WRONG else 0)


@SITES
@pytest.mark.parametrize("code", [WRONG, WRONG_RECOVERY], ids=["short", "recovery"])
def test_a_limited_code_page_is_like_an_unlimited_one_of_nobody(warm, code, site):
    """A send that was limited is answered like one that was not."""
    usual(101)
    spend_sends(101)
    (_, *limited_steps), (_, *steps) = (through_the_pages(n, code, site) for n in (101, NOBODY))
    assert [answer for answer, _ in limited_steps] == [answer for answer, _ in steps]


@pytest.fixture
def slow_mail(settings, monkeypatch) -> Iterator[SMTPServer]:
    """Threads send to a server that takes two seconds for each message."""
    # Four jobs for each pair wait for the threads. A job that finds the queue full is logged.
    pool = thread_pool.ThreadPool(idle=0.1, capacity=10 * PAIRS)
    monkeypatch.setattr(lifecycle, "_pool", pool)
    with SMTPServer(seconds=2) as server:
        configure(
            settings,
            OTP_DISPATCHER="swap_user.otp.dispatchers.ThreadDispatcher",
            OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender",
        )
        send_mail_to(settings, server)
        yield server
        # What still waits is left, what runs is waited for.
        pool._waiting.clear()
        assert pool.drain(30)


@SITES
@pytest.mark.heavy
@pytest.mark.user_model("email address")
def test_pairs_with_a_slow_mail_server(slow_mail, site):
    """In 300 interleaved pairs each side costs the same and gets the same, at both steps."""
    numbers = range(1000, 1000 + 2 * PAIRS, 2)
    model = get_user_model()
    model.objects.bulk_create(
        model(**{"is_staff": True, "email": f"user{n}@example.com"} | named(n)) for n in numbers
    )
    both_steps(900, site)  # warms everything up
    for index, number in enumerate(numbers):
        names = (number, number + 1) if index % 2 else (number + 1, number)
        first, second = (both_steps(name, site) for name in names)
        assert first == second, names
    assert slow_mail.wait_for(1)


def test_the_work_is_seen(warm):
    """A control: the counts above are of something."""
    usual(101)
    (_, asking), (_, checking) = by_calls(101, WRONG)
    assert (asking.queries, asking.commands, asking.jobs) == ([], ["EVALSHA"], ["deliver_code"])
    assert [query.split()[0] for query in checking.queries] == ["SELECT", "INSERT"]
    assert checking.commands == ["EVALSHA", "EVALSHA"]
    assert checking.jobs == ["after_wrong_guess"]
    # Three codes of an app and four sent ones, the name and the address. Two secrets opened.
    assert checking.done["AES-GCM"] == 2
    assert checking.done["HMAC"] == 9
    assert checking.lines == {"WARNING": 1}


@pytest.mark.parametrize("more", [3, 6])
def test_an_account_with_many_authenticators_takes_longer(warm, more):
    """What is admitted in docs/topics/performance.md: work grows beyond what is usual."""
    with_app(101)
    user = get_user_model().objects.get(**named(101))
    for _ in range(more):
        give(user, "totp", secret=RFC_SECRET)
    (_, (_, ours)), (_, (_, nobodys)) = (by_calls(n, WRONG) for n in (101, NOBODY))
    assert ours.done["AES-GCM"] == nobodys.done["AES-GCM"] + more
