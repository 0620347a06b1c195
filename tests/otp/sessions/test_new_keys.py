"""After each accepted step the session has a new key and a new flow (R53)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth import aauthenticate, alogin, authenticate, login
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from swap_user.otp import AnotherCodeNeeded, limited, note_password, send_code
from swap_user.otp.visitors.session_key import renew_key
from swap_user.testing import outbox
from tests.otp.pages.login.guarded import COOKIE, session_writes
from tests.otp.pages.login.helpers import ask, code, enter, logged_in, text
from tests.support import ask as ask_for
from tests.support import enter as offer
from tests.support import give, make_user, totp, use_policy, username, visitor
from tests.urls import urlpatterns as admin_urls

# Some tests roll back what a view has done.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R53")]

ENGINES = ["db", "cached_db", "cache", "file", "signed_cookies"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, settings: Any, tmp_path: Any) -> str:
    """Each of Django's session engines."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    return str(request.param)


# Not the time of other tests: sessions in files expire by the real clock.
NOW = int(time.time())


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that stands still."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def boss(staff: Any, settings: Any, clock: Any) -> Any:
    """A superuser with an app and, where the model has one, a password; policy "both"."""
    use_policy(settings, "Both")
    settings.ROOT_URLCONF = __name__
    give(staff)
    if has_password(staff):
        staff.set_password("correct horse")
        staff.save()
    return staff


def has_password(user: Any) -> bool:
    return any(field.name == "password" for field in user._meta.fields)


def key(client: Client) -> str:
    return client.cookies[COOKIE].value


def stored(session_key: str) -> bool:
    """Whether there is still a session with this key."""
    store = import_module(django_settings.SESSION_ENGINE).SessionStore(session_key)
    return bool(store.exists(session_key))


def plant(client: Client) -> None:
    """Give the browser a session whose key somebody else knows."""
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[COOKIE] = session.session_key


def planted(client: Client) -> Client:
    """Another browser with the same session key: the attacker's."""
    other = Client()
    other.cookies[COOKIE] = key(client)
    return other


def first_step(client: Client, user: Any) -> Any:
    """What the policy asks for first: the password, or the sent code."""
    if has_password(user):
        return ask(client, password="correct horse")
    return enter(client, code(client))


# Pages


def test_a_new_key_after_the_first_step(client: Client, boss: Any, engine: str) -> None:
    """The old one is gone, and who knows it can't go on with the second factor."""
    plant(client)
    attacker, before = planted(client), key(client)
    first_step(client, boss)
    assert key(client) != before
    assert not stored(before)
    response = enter(attacker, totp(NOW))
    assert not logged_in(attacker)
    assert "That was right" not in text(response)
    # It was the other browser's code as well: the owner takes the next one.
    assert enter(client, totp(NOW + 30)).status_code == 302
    assert logged_in(client)


@pytest.mark.user_model("no password")
def test_the_cookie_of_the_first_step_is_worth_nothing(
    client: Client, boss: Any, engine: str
) -> None:
    """Not even a signed one, which no server can take back: its flow has shown nothing."""
    sent = code(client)
    attacker = planted(client)
    enter(client, sent)
    middle = planted(client)
    assert enter(client, totp(NOW)).status_code == 302
    for other in (attacker, middle):
        enter(other, totp(NOW + 30))
        assert not logged_in(other)


@pytest.mark.user_model("no password")
def test_the_app_first_and_then_the_sent_code(client: Client, boss: Any, engine: str) -> None:
    """A code that was sent before the key changed still counts, in this browser only."""
    sent = code(client)
    attacker = planted(client)
    assert "the code that was sent" in text(enter(client, totp(NOW)))
    enter(attacker, sent)
    assert not logged_in(attacker)
    assert enter(client, sent).status_code == 302
    assert logged_in(client)


@pytest.mark.user_model("password")
def test_the_password_twice(client: Client, boss: Any, engine: str) -> None:
    """Within the resend interval no second code is sent, and the first one still counts."""
    give(boss, secret="A" * 32)
    boss.otp_authenticators.all().delete()
    ask(client, password="correct horse")
    ask(client, password="correct horse")
    assert len(outbox) == 1
    assert enter(client, outbox[0].otp).status_code == 302
    assert logged_in(client)


def test_a_new_key_after_the_login(client: Client, boss: Any, engine: str) -> None:
    """And again when one who is logged in logs in once more; the old session is out."""
    seen = set()
    for step in (0, 1):
        first_step(client, boss)
        before = key(client)
        assert enter(client, totp(NOW + 30 * step)).status_code == 302
        assert key(client) != before
        assert logged_in(client)
        if engine != "signed_cookies":
            assert not stored(before)
        seen |= {before, key(client)}
        boss.otp_authenticators.all().update(consumed=-1)
    assert len(seen) == 4


def test_a_wrong_code_changes_no_key(client: Client, boss: Any) -> None:
    """Neither a wrong code nor a wrong password."""
    first_step(client, boss)
    before = key(client)
    enter(client, "000000")
    ask(client, password="wrong")
    assert key(client) == before


def test_a_known_password_refills_no_tries(user: Any) -> None:
    """The tries at a ten-digit code are counted on in the new flow."""
    request = visitor()
    ask_for(request)
    for _ in range(6):
        assert offer(request, "1234567890") is None
    assert limited(request).scope == "code"
    for _ in range(2):
        note_password(user, request)
        assert offer(request, "1234567890") is None
        assert limited(request).scope == "code"


def test_one_write_more_than_before(client: Client, boss: Any) -> None:
    """The new row and the end of the old one; a login costs what Django's own costs."""
    plant(client)
    sent = code(client) if not has_password(boss) else ""
    with CaptureQueriesContext(connection) as queries:
        assert enter(client, sent).status_code == 200 if sent else first_step(client, boss)
    assert session_writes(queries) <= 2
    with CaptureQueriesContext(connection) as queries:
        assert enter(client, totp(NOW)).status_code == 302
    assert session_writes(queries) <= 3


# Code of a project


def one_step(request: HttpRequest) -> HttpResponse:
    """Checks the credentials that are posted, and rolls back unless they are enough."""
    if "send" in request.POST:
        send_code(request, username())
        return HttpResponse()
    try:
        with transaction.atomic():
            user = _check(request)
            if user is None:
                return HttpResponse(status=401)
            login(request, user)
            return HttpResponse("in")
    except AnotherCodeNeeded:
        return HttpResponse(status=409)


def _check(request: HttpRequest) -> Any:
    if password := request.POST.get("password"):
        user = authenticate(request, username=username(), password=password)
        note_password(user, request)
        raise AnotherCodeNeeded(())
    return authenticate(request, username=username(), otp=request.POST["otp"])


def atomic_request(request: HttpRequest) -> HttpResponse:
    """As with ATOMIC_REQUESTS and DRF: the answer 409 marks the transaction for a rollback."""
    with transaction.atomic():
        try:
            user = _check(request)
        except AnotherCodeNeeded:
            transaction.set_rollback(True)
            return HttpResponse(status=409)
        if user is None:
            return HttpResponse(status=401)
        login(request, user)
        return HttpResponse("in")


async def async_step(request: HttpRequest) -> HttpResponse:
    """Checks a code, and logs in, with the asynchronous functions."""
    try:
        user = await aauthenticate(request, username=username(), otp=request.POST["otp"])
    except AnotherCodeNeeded:
        return HttpResponse(status=409)
    if user is None:
        return HttpResponse(status=401)
    await alogin(request, user)
    await request.session.aset("more", 1)
    await request.session.asave()
    return HttpResponse("in")


urlpatterns = [
    *admin_urls,
    path("step/", one_step),
    path("atomic/", atomic_request),
    path("async/", async_step),
]


@pytest.fixture(params=["/step/", "/atomic/"])
def page(request: pytest.FixtureRequest) -> Iterator[str]:
    """Views whose transaction is rolled back when one more factor is needed."""
    return request.param


def test_steps_in_code_that_are_rolled_back(
    client: Client, boss: Any, engine: str, page: str
) -> None:
    """The key changes as well, the old session ends, and the second step logs in."""
    client.post("/step/", {"send": "1"})
    attacker, before = planted(client), key(client)
    first = {"password": "correct horse"} if has_password(boss) else {"otp": outbox[-1].otp}
    assert client.post(page, first).status_code == 409
    middle = key(client)
    assert middle != before
    assert not stored(before)
    assert attacker.post(page, {"otp": totp(NOW)}).status_code != 200
    assert client.post(page, {"otp": totp(NOW + 30)}).content == b"in"
    assert key(client) not in {before, middle}
    assert not stored(middle)
    assert logged_in(client)


@pytest.mark.user_model("no password")
def test_the_asynchronous_functions(boss: Any, engine: str) -> None:
    """As with the others; an asynchronous view may save the session itself."""

    async def walk() -> None:
        client = AsyncClient()
        await client.post("/step/", {"send": "1"})
        keys = [client.cookies[COOKIE].value]
        for otp, status in ((outbox[-1].otp, 409), (totp(NOW), 200)):
            assert (await client.post("/async/", {"otp": otp})).status_code == status
            keys.append(client.cookies[COOKIE].value)
        assert len(set(keys)) == 3
        for each in keys[:2]:
            assert not await sync_to_async(stored)(each)
        assert (await client.get("/admin/")).status_code == 200

    async_to_sync(walk)()


def test_a_session_that_is_emptied(client: Client, boss: Any, engine: str, settings: Any) -> None:
    """Flushed after its key was given up: the old row goes as well."""
    client.post("/step/", {"send": "1"})
    before = key(client)
    store = import_module(settings.SESSION_ENGINE).SessionStore(before)
    renew_key(store)
    store.flush()
    assert not stored(before)
    store["a"] = 1
    store.save()
    if engine != "signed_cookies":
        assert stored(store.session_key)
    assert store.session_key != before


def test_an_unbound_request_gets_no_session(client: Client, boss: Any) -> None:
    """Who never asked for a code in this browser gets no cookie for a refused code."""
    assert client.post("/step/", {"otp": totp(NOW)}).status_code == 401
    assert COOKIE not in client.cookies


def test_a_login_without_a_cookie(client: Client, settings: Any) -> None:
    """A code of an app in a browser that has no session yet."""
    settings.ROOT_URLCONF = __name__
    give(make_user())
    assert client.post("/step/", {"otp": totp(time.time())}).content == b"in"
    assert logged_in(client)
