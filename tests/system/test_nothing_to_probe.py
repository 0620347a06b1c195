"""Nothing to probe: no answer, and no work behind it, tells who has an account (R32, R33)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import Client

from services.smtp import SMTPServer
from swap_user.models import Authenticator
from swap_user.otp import asend_code, generate_recovery_codes, limited, policies, send_code
from swap_user.otp.background import thread_pool
from tests.support import RFC_SECRET, aenter, enter, give, make_user, username, visitor
from tests.work import Work, observed, seen

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.requirement("R32", "R33"),
]

NOW = 1_800_000_000
LOGIN, CHECK, RESEND = "/admin/login/", "/admin/check-otp/", "/admin/resend-otp/"

# Eight digits: nobody's code here has so many, so it is wrong whatever the secrets are.
WRONG, WRONG_LONG, WRONG_RECOVERY = "12345678", "1234567890", "0" * 16
KINDS = [WRONG, WRONG_LONG, WRONG_RECOVERY]
KIND_IDS = ["short", "ten digits", "recovery"]

PAIRS = 300
NOBODY = 500


@pytest.fixture
def still():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def dispatched(settings):
    """Jobs are written down; whom they are about must not matter before they run."""
    use(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")


def use(settings: Any, **changes: Any) -> None:
    settings.SWAP_USER = settings.SWAP_USER | changes


# --- Accounts of every kind ---


def _sent(user: Any) -> None:
    give(user, "sent", pk=Authenticator.sent_id(user.pk))


def usual(number: int) -> None:
    """A user who has asked for a code before."""
    _sent(make_user(number, is_staff=True))


def without_access(number: int) -> None:
    """A user who may not enter the admin."""
    _sent(make_user(number))


def never_asked(number: int) -> None:
    """A user who has nothing yet."""
    make_user(number, is_staff=True)


def inactive(number: int) -> None:
    """A user who may not log in."""
    _sent(make_user(number, is_staff=True, is_active=False))


def with_app(number: int) -> None:
    """A user with an authenticator app, who has asked for a code before."""
    user = make_user(number, is_staff=True)
    _sent(user)
    give(user, "totp")


def with_app_only(number: int) -> None:
    """A user with an authenticator app, and nothing else."""
    give(make_user(number, is_staff=True), "totp")


def with_everything(number: int) -> None:
    """A user with an authenticator app and recovery codes."""
    with_app(number)
    generate_recovery_codes(get_user_model().objects.get(**_named(number)))


def _named(number: int) -> dict[str, str]:
    return {get_user_model().USERNAME_FIELD: username(number)}


ACCOUNTS = [
    usual,
    without_access,
    never_asked,
    inactive,
    with_app,
    with_app_only,
    with_everything,
]


@pytest.fixture(params=ACCOUNTS, ids=lambda make: make.__name__)
def account(request) -> int:
    """The number of an account of some kind."""
    request.param(101)
    return 101


# --- What a visitor does ---


Answer = tuple[Any, Work]


def through_the_pages(number: int, code: str) -> list[Answer]:
    """Both steps, another code, and every page between."""
    client, name = Client(), username(number)
    steps: list[tuple[str, str, dict[str, str]]] = [
        ("get", LOGIN, {}),
        ("post", LOGIN, {"username": name}),
        ("get", CHECK, {}),
        ("post", CHECK, {"otp": code}),
        ("post", CHECK, {"otp": code}),
        ("post", RESEND, {}),
    ]
    answers = []
    for method, path, data in steps:
        with observed() as work:
            response = getattr(client, method)(path, data)
        answers.append((seen(response, "" if path == LOGIN else name), work))
    return answers


def by_calls(
    number: int, code: str, door: Callable[..., Any] = enter, request: Any = ...
) -> list[Answer]:
    """Both steps, as a view of the project's own takes them."""
    request = visitor() if request is ... else request
    ask: Any = send_code if door is enter else _asend_code
    with observed() as asking:
        ask(request, username(number))
    with observed() as checking:
        assert door(request, code, username(number)) is None
    return [(None, asking), (limited(request), checking)]


def _asend_code(request: Any, name: str) -> None:
    from asgiref.sync import async_to_sync

    async_to_sync(asend_code)(request, name)


DOORS: dict[str, Callable[[int, str], list[Answer]]] = {
    "pages": through_the_pages,
    "calls": by_calls,
    "async calls": lambda number, code: by_calls(number, code, aenter),
    "no request": lambda number, code: by_calls(number, code, enter, None),
    "no request, async": lambda number, code: by_calls(number, code, aenter, None),
}


_is_warm: list[bool] = []


@pytest.fixture
def warm(still, dispatched) -> None:
    """Connections are open, scripts and templates loaded, caches filled: once a process."""
    if _is_warm:
        return
    _is_warm.append(True)
    usual(900)
    for code in KINDS:
        for way in DOORS.values():
            for number in (900, NOBODY - 1):
                way(number, code)
    for number in (900, NOBODY - 1):
        spend_guesses(number)
        by_calls(number, WRONG)


def spend_guesses(number: int) -> None:
    """Guess until it is over, from everywhere."""
    for address in range(30):
        request = visitor(REMOTE_ADDR=f"198.51.100.{address}")
        assert enter(request, WRONG, username(number)) is None
        if limited(request):
            return
    raise AssertionError("no limit")


def spend_sends(number: int) -> None:
    """Ask for codes until there are no more, from everywhere."""
    for address in range(40):
        send_code(visitor(REMOTE_ADDR=f"198.51.100.{address}"), username(number))


# --- The tests ---


@pytest.mark.parametrize("code", KINDS, ids=KIND_IDS)
@pytest.mark.parametrize("door", ["pages", "calls"])
def test_every_account_is_like_none(warm, account, door, code):
    """Work, jobs and answers, at every step, whatever is typed."""
    assert DOORS[door](account, code) == DOORS[door](NOBODY, code)


@pytest.mark.parametrize("door", [each for each in DOORS if each not in {"pages", "calls"}])
@pytest.mark.parametrize("make", [never_asked, with_app])
def test_every_door_is_alike(warm, make, door):
    """Also the asynchronous one, and without a request."""
    make(101)
    assert DOORS[door](101, WRONG) == DOORS[door](NOBODY, WRONG)


@pytest.mark.parametrize("policy", ["AnyCode", "AuthenticatorOnceEnrolled", "Both"])
@pytest.mark.parametrize("make", [with_app, never_asked])
def test_whatever_the_policy(warm, settings, make, policy):
    """Also where a user gets no sent code, or needs two codes."""
    use(settings, OTP_POLICY_CLASS=f"swap_user.otp.policies.{policy}")
    if policies.load_policy().asks_password():
        pytest.skip("the first page asks for a password then")
    make(101)
    assert through_the_pages(101, WRONG) == through_the_pages(NOBODY, WRONG)


@pytest.mark.parametrize("code", [WRONG, WRONG_RECOVERY], ids=["short", "recovery"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("spend", [spend_guesses, spend_sends], ids=["guesses", "sends"])
@pytest.mark.parametrize("make", [never_asked, with_app])
def test_limits_are_everybodys(warm, make, door, spend, code):
    """Nobody's name is limited as an account is, with the same work and the same words."""
    make(101)
    spend(101)
    spend(NOBODY)
    assert DOORS[door](101, code) == DOORS[door](NOBODY, code)


@pytest.mark.parametrize("make", [never_asked, with_app, inactive])
def test_a_limit_is_reached_after_as_many(warm, make):
    """The attempt that is the last, and the message about it, do not tell either."""
    make(101)
    for number in range(20):
        request = visitor(REMOTE_ADDR=f"198.51.100.{number}")
        ours, nobodys = (by_calls(name, WRONG, request=request)[1] for name in (101, NOBODY))
        assert ours == nobodys
    assert ours[0].scope == "account"


@pytest.mark.parametrize("code", [WRONG, WRONG_RECOVERY], ids=["short", "recovery"])
def test_a_limited_code_page_is_like_an_unlimited_one_of_nobody(warm, code):
    """A send that was limited is answered like one that was not."""
    usual(101)
    spend_sends(101)
    (_, *limited_steps), (_, *steps) = (through_the_pages(n, code) for n in (101, NOBODY))
    assert [answer for answer, _ in limited_steps] == [answer for answer, _ in steps]


# --- Pairs, with a slow mail server and threads ---


@pytest.fixture
def slow_mail(settings, monkeypatch) -> Iterator[SMTPServer]:
    """Threads send to a server that takes two seconds for each message."""
    pool = thread_pool.ThreadPool(idle=0.1)
    monkeypatch.setattr(thread_pool, "_pool", pool)
    with SMTPServer(seconds=2) as server:
        use(
            settings,
            OTP_DISPATCHER="swap_user.otp.dispatchers.ThreadDispatcher",
            OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender",
        )
        backend = "django.core.mail.backends.smtp.EmailBackend"
        if django.VERSION >= (6, 1):
            options = {"host": server.host, "port": server.port}
            settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        else:
            settings.EMAIL_BACKEND = backend
            settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        yield server
        # What still waits is left, what runs is waited for.
        pool._waiting.clear()
        assert pool.drain(30)


@pytest.mark.skipif(
    not hasattr(get_user_model(), "EMAIL_FIELD"), reason="this model has no email address"
)
def test_pairs_with_a_slow_mail_server(slow_mail):
    """In 300 interleaved pairs each side costs the same and gets the same, at both steps."""
    numbers = range(1000, 1000 + 2 * PAIRS, 2)
    model = get_user_model()
    model.objects.bulk_create(
        model(**{"is_staff": True, "email": f"user{n}@example.com"} | _named(n)) for n in numbers
    )
    both_steps(900)  # warms everything up
    for index, number in enumerate(numbers):
        names = (number, number + 1) if index % 2 else (number + 1, number)
        first, second = (both_steps(name) for name in names)
        assert first == second, names
    assert slow_mail.wait_for(1)


def both_steps(number: int) -> list[Answer]:
    """Ask for a code, and give a wrong one."""
    client = Client(REMOTE_ADDR=f"10.0.{number // 250}.{number % 250}")
    name, answers = username(number), []
    for path, data in ((LOGIN, {"username": name}), (CHECK, {"otp": WRONG})):
        with observed() as work:
            response = client.post(path, data)
        answers.append((seen(response, name if path == CHECK else "", timed=True), work))
    return answers


# --- Controls ---


def test_the_work_is_seen(warm):
    """A control: the counts above are of something."""
    usual(101)
    (_, asking), (_, checking) = by_calls(101, WRONG)
    assert (asking.queries, asking.commands, asking.jobs) == ([], ["EVALSHA"], ["deliver_code"])
    assert len(checking.queries) == 1
    assert checking.commands == ["EVALSHA"]
    # Five codes and the name; the address. Two secrets opened.
    assert checking.done["AES-GCM"] == 2
    assert checking.done["HMAC"] >= 6
    assert checking.lines == {"WARNING": 1}


@pytest.mark.parametrize("more", [3, 6])
def test_an_account_with_many_authenticators_takes_longer(warm, more):
    """What is admitted in docs/topics/performance.md: work grows beyond what is usual."""
    with_app(101)
    user = get_user_model().objects.get(**_named(101))
    for _ in range(more):
        give(user, "totp", secret=RFC_SECRET)
    (_, (_, ours)), (_, (_, nobodys)) = (by_calls(n, WRONG) for n in (101, NOBODY))
    assert ours.done["AES-GCM"] == nobodys.done["AES-GCM"] + more
