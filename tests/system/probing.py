"""Accounts of every kind, and what a visitor does who wants to know whether one exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client

from swap_user.models import Authenticator
from swap_user.otp import asend_code, generate_recovery_codes, limited, send_code
from swap_user.otp.store import scripts
from tests.api.clients import AppClient, BrowserClient
from tests.api.promises.conftest import look
from tests.support import aenter, enter, give, make_user, username, visitor
from tests.work import Work, observed, run_jobs, seen


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
    generate_recovery_codes(get_user_model().objects.get(**named(number)))


def named(number: int) -> dict[str, str]:
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

# The paths of both sites, see tests/urls.py, and of their pages.
ADMIN, OWN = "/admin/", "/account/"
LOGIN, CHECK, RESEND = "login/", "check-otp/", "resend-otp/"

# Eight digits: nobody's code here has so many, so it is wrong whatever the secrets are.
WRONG, WRONG_LONG, WRONG_RECOVERY = "12345678", "1234567890", "0" * 16

Answer = tuple[Any, Work]


def through_the_pages(number: int, code: str, site: str = ADMIN) -> list[Answer]:
    """Both steps, another code, and every page between."""
    return list(steps_of(number, code, site=site))


def steps_of(
    number: int, code: str, address: str = "127.0.0.1", site: str = ADMIN
) -> Iterator[Answer]:
    """Yield the answers of ``through_the_pages`` one by one."""
    client, name = Client(REMOTE_ADDR=address), username(number)
    steps: list[tuple[str, str, dict[str, str]]] = [
        ("get", LOGIN, {}),
        ("post", LOGIN, {"username": name}),
        ("get", CHECK, {}),
        ("post", CHECK, {"otp": code}),
        ("post", CHECK, {"otp": code}),
        ("post", RESEND, {}),
    ]
    for method, path, data in steps:
        with observed() as work:
            response = getattr(client, method)(site + path, data)
        yield seen(response, "" if path == LOGIN else name), work


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


def through_the_api(number: int, code: str, kind: type[Any] = AppClient) -> list[Answer]:
    """Both steps, another code, and one more message, by an app or by a page with scripts."""
    client, name = kind().start(), username(number)
    answers = []
    for step, entered in (("code/", {}), ("session/", {"otp": code})) * 2:
        members = client.client_members() if kind is AppClient else {}
        with observed() as work:
            response = client.post(step, username=name, **entered, **members)
        answers.append((look(response, name), work))
    return answers


DOORS: dict[str, Callable[[int, str], list[Answer]]] = {
    "pages": through_the_pages,
    "own pages": lambda number, code: through_the_pages(number, code, OWN),
    "API of apps": through_the_api,
    "API of browsers": lambda number, code: through_the_api(number, code, BrowserClient),
    "calls": by_calls,
    "async calls": lambda number, code: by_calls(number, code, aenter),
    "no request": lambda number, code: by_calls(number, code, enter, None),
    "no request, async": lambda number, code: by_calls(number, code, aenter, None),
}


def spend_guesses(number: int) -> None:
    """Guess until no code is compared any more, from everywhere. No visitor hears of it."""
    for address in range(20):
        request = visitor(REMOTE_ADDR=f"198.51.100.{address}")
        assert enter(request, WRONG, username(number)) is None
        assert limited(request) is None
        run_jobs()


def spend_sends(number: int) -> None:
    """Ask for codes until there are no more, from everywhere."""
    for address in range(40):
        send_code(visitor(REMOTE_ADDR=f"198.51.100.{address}"), username(number))
        run_jobs()


def a_day_later(clock: Any) -> None:
    """Move the clock, and let expire what Redis keeps for no longer."""
    day = 86_400
    clock.shift(day)
    with scripts._reached() as client:
        for key in client.keys("*"):
            if client.pexpire(key, client.pttl(key) - day * 1000) and client.pttl(key) == -1:
                raise AssertionError(f"{key!r} never expires")


def both_steps(number: int, site: str = ADMIN) -> list[Answer]:
    """Ask for a code, and give a wrong one."""
    client = Client(REMOTE_ADDR=f"10.0.{number // 250}.{number % 250}")
    name, answers = username(number), []
    for path, data in ((LOGIN, {"username": name}), (CHECK, {"otp": WRONG})):
        with observed() as work:
            response = client.post(site + path, data)
        answers.append((seen(response, name if path == CHECK else "", timed=True), work))
    return answers
