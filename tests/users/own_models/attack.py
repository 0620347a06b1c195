"""
Log in and attack the only user of one of these models.

It runs in a process of its own, because a project has one user model.
"""

import io
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_settings

from swap_user.models import MessageCount, WrongGuess
from swap_user.otp import end_sessions, limited, note_password, remember_browser, send_code
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.testing import outbox
from tests.users.own_models.models import Badge

MODEL: Any = get_user_model()


def attack() -> dict[str, Any]:
    """Run every scenario, each without earlier guesses and messages, and return what happened."""
    user = _only_user()
    names = [*MODEL.TYPED, user.get_username()]
    return {
        "logins": _logins(user, names),
        "looked at": _looked_at(names),
        "looked at by a known browser": _looked_at(names, _login(user)),
        "looked at in all": _counted(),
        "unknown looked at": _looked_at(MODEL.UNKNOWN_TYPED or [MODEL.UNKNOWN]),
        "long looked at": _long_looked_at(MODEL.TYPED),
        "unknown long looked at": _long_looked_at(MODEL.UNKNOWN_TYPED or [str(MODEL.UNKNOWN)]),
        "pages": [_page(name) for name in MODEL.TYPED],
        "known browser": _known_browser(user, names),
        "reset": _reset(names),
        "both": _both(user, names),
        "password pages": _password_pages(),
        "stored": user.name.as_e164 if hasattr(user.name, "as_e164") else str(user.name),
        "receiver": outbox[0].receiver,
        "known": _work(MODEL.TYPED[0]),
        "unknown": _work(str(MODEL.UNKNOWN)),
    }


def make_table(**kwargs: Any) -> None:
    """Create the table of a model that Django does not manage, before those that refer to it."""
    for sql in getattr(MODEL, "SQL", {}).get(connection.vendor, ()):
        with connection.cursor() as cursor:
            cursor.execute(sql)


def _only_user() -> Any:
    stored = MODEL.STORED
    if MODEL.__name__.startswith("Related"):
        stored = Badge.objects.create(pk=7, number="b7")
    MODEL.objects.create_user(stored, "secret")
    return MODEL.objects.get()


def _visitor(browser: HttpResponse | None = None) -> Any:
    """Return a request with a session of its own, perhaps with the cookies of a response."""
    request: Any = RequestFactory().get("/")
    request.session = SessionStore()
    if browser is not None:
        request.COOKIES.update({name: each.value for name, each in browser.cookies.items()})
    return request


def _ask(request: Any, name: Any) -> str:
    before = len(outbox)
    send_code(request, name)
    return outbox[-1].otp if len(outbox) > before else ""


def _begin_again() -> None:
    cache.clear()
    WrongGuess.objects.all().delete()
    MessageCount.objects.all().delete()


def _counted() -> int:
    """Return how many wrong codes were compared with those of the user."""
    return WrongGuess.objects.filter(user__isnull=False).count()


def _guess(name: Any, number: int, browser: HttpResponse | None = None) -> bool:
    """Enter a wrong code as a new visitor, and return whether it was looked at."""
    before, request = _counted(), _visitor(browser)
    assert authenticate(request, username=name, otp=f"{number:06}") is None
    assert limited(request) is None
    return _counted() > before


def _login(user: Any) -> HttpResponse:
    """Log in, and return a response with the cookie of a known browser."""
    request, browser = _visitor(), HttpResponse()
    name = user.get_username()
    assert authenticate(request, username=name, otp=_ask(request, name)) == user
    remember_browser(request, browser)
    return browser


def _logins(user: Any, names: Sequence[Any]) -> list[bool]:
    """Ask under each spelling, and enter the code under the next one."""
    result = []
    for name, other in zip(names, [*names[1:], names[0]], strict=True):
        _begin_again()
        request = _visitor()
        code = _ask(request, name)
        result.append(authenticate(request, username=other, otp=code) == user)
    return result


def _looked_at(names: Sequence[Any], browser: HttpResponse | None = None) -> int:
    _begin_again()
    return sum(_guess(names[number % len(names)], number, browser) for number in range(90))


def _long_looked_at(names: Sequence[str]) -> int:
    """Return how many wrong codes of ten digits are looked at in one session."""
    _begin_again()
    request, looked_at = _visitor(), 0
    send_code(request, names[0])
    for number in range(20):
        name = names[number % len(names)]
        assert authenticate(request, username=name, otp=f"{number:010}") is None
        looked_at += limited(request) is None
    return looked_at


def _page(name: str) -> int:
    _begin_again()
    return Client().post("/admin/login/", {"username": name}).status_code


def _known_browser(user: Any, names: Sequence[Any]) -> list[bool]:
    """Return whether a known browser is looked at under all spellings, and after the end."""
    _begin_again()
    browser = _login(user)
    for number in range(40):
        _guess(names[number % len(names)], number)
    before = all(_guess(name, 0, browser) for name in names)
    end_sessions(user)
    return [before, _guess(names[0], 0, browser)]


def _reset(names: Sequence[Any]) -> bool:
    _looked_at(names)
    call_command("reset_otp", names[0], stdout=io.StringIO())
    # The reset user has no authenticator until a code is sent, which may be short again.
    return len(_ask(_visitor(), names[0])) == 6 and _guess(names[-1], 0)


def _both(user: Any, names: Sequence[Any]) -> list[bool]:
    """With the policy Both, return whether the code alone fails and password and code succeed."""
    result = []
    policy = {"OTP_POLICY_CLASS": "swap_user.otp.policies.Both"}
    with override_settings(SWAP_USER=settings.SWAP_USER | policy):
        for name in names:
            _begin_again()
            request = _visitor()
            code = _ask(request, name)
            try:
                authenticate(request, username=name, otp=code)
                result.append(False)
            except AnotherCodeNeeded:
                pass
            request = _visitor()
            code = _ask(request, name)
            note_password(user, request)
            result.append(authenticate(request, username=name, otp=code) == user)
    return result


def _password_pages() -> list[bool]:
    """With the policy Both, return whether the page takes the right password and then the code."""
    result = []
    policy = {"OTP_POLICY_CLASS": "swap_user.otp.policies.Both"}
    with override_settings(SWAP_USER=settings.SWAP_USER | policy):
        for name in MODEL.TYPED:
            _begin_again()
            client = Client()
            asked = client.post("/admin/login/", {"username": name, "password": "secret"})
            entered = client.post("/admin/check-otp/", {"otp": outbox[-1].otp})
            result.append((asked.status_code, entered.url) == (302, "/admin/"))
    return result


def _work(name: str) -> int:
    """Return the number of Python calls of a wrong code, without those of the job after it."""
    calls: Counter[str] = Counter()

    def count(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1

    elsewhere = {"OTP_DISPATCHER": "tests.work.RecordingDispatcher"}
    with override_settings(SWAP_USER=settings.SWAP_USER | elsewhere):
        # Once before, so that everything is imported.
        authenticate(None, username=name, otp="000000")
        _begin_again()
        sys.setprofile(count)
        authenticate(None, username=name, otp="000000")
        sys.setprofile(None)
    return calls.total()
