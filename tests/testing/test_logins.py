"""log_in(): a session as after a real login, with any client and engine, without Redis."""

import importlib

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user, get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path

from swap_user.models import LoginSession
from swap_user.otp import is_fresh, otp_required, session_factors, sessions_of
from swap_user.otp.store import connection
from swap_user.testing import alog_in, log_in, outbox
from tests.support import configure, make_user, use_policy

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

ENGINES = ("db", "cached_db", "cache", "file", "signed_cookies")


@otp_required(max_age=600)
def paid(request: HttpRequest) -> HttpResponse:
    return HttpResponse(",".join(session_factors(request)))


@otp_required(max_age=600)
async def apaid(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


urlpatterns = [
    path("paid/", paid),
    path("apaid/", apaid),
    path("", include("tests.urls")),
]


@pytest.fixture(params=ENGINES)
def engine(request, settings, tmp_path):
    """Every session engine of Django. Those that need no cache get none."""
    settings.SESSION_FILE_PATH = str(tmp_path)
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    return request.param


def test_every_door_is_open(engine, staff):
    """The admin, a view that wants a recent login, the pages that change sign-in methods."""
    client = Client()
    log_in(client, staff)
    assert client.get("/admin/").status_code == 200
    assert client.get("/paid/").content == b"sent"
    assert client.get("/account/sign-in-methods/add/").status_code == 200
    assert outbox.notices == []


def test_without_redis(settings, staff, monkeypatch):
    """No command is sent, for the login or for the pages that it opens."""
    monkeypatch.setattr(connection, "client", lambda alias: pytest.fail("used Redis"))
    client = Client()
    log_in(client, staff)
    assert client.get("/admin/").status_code == 200
    assert client.get("/paid/").status_code == 200


def test_the_session_is_recorded(engine, staff):
    """It is listed, where the engine finds sessions by their keys, and can be ended."""
    client = Client()
    log_in(client, staff)
    client.get("/admin/")
    assert LoginSession.objects.count() == (engine != "signed_cookies")
    assert len(sessions_of(staff)) == (engine != "signed_cookies")
    for each in sessions_of(staff):
        store = importlib.import_module(f"django.contrib.sessions.backends.{engine}")
        assert store.SessionStore(client.session.session_key).exists(client.session.session_key)
        assert each.pk


def test_an_old_login(staff):
    """The user is logged in, but must show a code again where a recent login is needed."""
    client = Client()
    log_in(client, staff, age=700)
    assert client.get("/admin/").status_code == 200
    assert client.get("/paid/").status_code == 302
    log_in(client, staff, age=500)
    assert client.get("/paid/").status_code == 200


def test_another_user(staff):
    """The session of the one before is not kept, nor what they have shown."""
    client = Client()
    log_in(client, make_user(2), ["sent", "authenticator"])
    log_in(client, staff)
    request = HttpRequest()
    request.session = client.session
    request.user = get_user(request)
    assert request.user == staff
    assert set(session_factors(request)) == {"sent"}
    assert is_fresh(request)


@pytest.mark.user_model("password")
@pytest.mark.parametrize(
    ("factors", "status"), [(("password",), 302), (("sent", "password"), 200), ("sent", 302)]
)
def test_factors(staff, settings, factors, status):
    """The policy decides whether they are enough."""
    use_policy(settings, "Both")
    client = Client()
    log_in(client, staff, factors)
    assert client.get("/admin/").status_code == status


def test_an_asynchronous_client(staff):
    """Its login is made by the same function, outside and inside of asynchronous tests."""
    client = AsyncClient()
    log_in(client, staff)

    async def visit(client: AsyncClient) -> int:
        return (await client.get("/apaid/")).status_code

    assert async_to_sync(visit)(client) == 200

    async def test() -> None:
        client = AsyncClient()
        await alog_in(client, staff, ["sent"], age=700)
        assert await visit(client) == 302
        await alog_in(client, staff)
        assert await visit(client) == 200
        user = await sync_to_async(get_user_model().objects.get)(pk=staff.pk)
        assert user.last_login

    async_to_sync(test)()


def test_the_client_of_rest_framework(staff):
    """It is a client of Django."""
    test = pytest.importorskip("rest_framework.test")
    client = test.APIClient()
    log_in(client, staff)
    assert client.get("/paid/").status_code == 200


def test_atomic_requests(staff, settings, monkeypatch):
    """Transactions of requests change nothing."""
    from django.db import connection as database

    monkeypatch.setitem(database.settings_dict, "ATOMIC_REQUESTS", True)
    client = Client()
    log_in(client, staff)
    assert client.get("/admin/").status_code == 200
    assert len(sessions_of(staff)) == 1


def test_a_factor_that_does_not_exist(staff, settings):
    configure(settings, OTP_DIGITS=6)
    with pytest.raises(ValueError, match="There is no factor 'sms'"):
        log_in(Client(), staff, ["sms"])
