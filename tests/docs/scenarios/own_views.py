"""A project's own views, its API, and limits."""

from __future__ import annotations

import re
from typing import Any

from tests.docs.scenarios.steps import EMAIL, log_in, mailed, scenario, user_known_by


def walk_the_views() -> None:
    """Log in over two views of the project's own, in two steps."""
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    assert 'name="username"' in client.get("/login/").content.decode()
    asked = client.post("/login/", {"username": EMAIL})
    assert asked["Location"] == "/login/code/"
    assert 'name="otp"' in client.get("/login/code/").content.decode()
    wrong = client.post("/login/code/", {"otp": "12"})
    assert wrong.status_code == 200
    assert "_auth_user_id" not in client.session
    client.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in client.session


@scenario("limits")
def _limits() -> None:
    from django.test import RequestFactory

    from swap_user.otp.visitors.client_ip import client_address

    user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    forwarded = "192.0.2.66, 203.0.113.7, 198.51.100.1"  # made up, the visitor's, the balancer's
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == "203.0.113.7"


@scenario("views")
def _views() -> None:
    from django.core import mail
    from django.test import Client

    walk_the_views()
    known, strange = Client(), Client()
    known.post("/login/", {"username": EMAIL})
    known.post("/login/code/", {"otp": mailed()})
    del known.cookies["sessionid"]
    for _ in range(17):
        strange.post("/login/", {"username": EMAIL})
        page = strange.post("/login/code/", {"otp": "000000"}).content.decode()
    assert "did not work. Ask for a new one, or use a recovery code." in page
    strange.post("/login/", {"username": EMAIL})
    assert re.search(r"\b\d{10}\b", mail.outbox[-1].body)
    for _ in range(6):
        page = strange.post("/login/code/", {"otp": "1234567890"}).content.decode()
    assert "Too many wrong codes. Ask for a new one." in page
    elsewhere = Client(REMOTE_ADDR="8.8.8.8")
    elsewhere.post("/login/", {"username": EMAIL})
    for _ in range(101):
        page = elsewhere.post("/login/code/", {"otp": "000000"}).content.decode()
    assert "it will be longer" in page
    known.post("/login/", {"username": EMAIL})
    assert "did not work" in known.post("/login/code/", {"otp": "12"}).content.decode()
    known.post("/login/code/", {"otp": mailed()})
    assert "_auth_user_id" in known.session


@scenario("async-views")
def _async_views() -> None:
    from asgiref.sync import async_to_sync
    from django.core.cache import caches
    from django.test import AsyncClient, override_settings

    user_known_by(EMAIL)

    async def walk() -> None:
        client = AsyncClient()
        assert (await client.get("/login/")).status_code == 200
        await client.post("/login/", {"username": EMAIL})
        assert (await client.post("/login/code/", {"otp": "12"})).status_code == 200
        answer = await client.post("/login/code/", {"otp": mailed()})
        assert answer.content == b"You are in."
        assert answer.cookies["swap_user_browser"].value

    async_to_sync(walk)()

    from django.conf import settings
    from django.test import Client

    away = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1"}}
    caches.close_all()
    with override_settings(CACHES=away):
        answer = Client().post("/login/", {"username": EMAIL})
    assert answer.status_code == 503
    assert "not possible right now" in answer.content.decode()


@scenario("api")
def _api() -> None:
    from django.test import Client

    user_known_by(EMAIL)

    def post(path: str, REMOTE_ADDR: str = "127.0.0.1", **data: str) -> Any:  # noqa: N803
        client = Client(REMOTE_ADDR=REMOTE_ADDR)
        return client.post(path, data, content_type="application/json")

    for name in (EMAIL, "nobody@example.com"):
        assert post("/api/code/", username=name).status_code == 202
    assert post("/api/token/", username=EMAIL, otp="12").status_code == 400
    assert post("/api/token/", username=EMAIL, otp=mailed()).json()["token"]
    assert post("/api/token/", username=EMAIL, otp=mailed()).status_code == 400
    for _ in range(101):
        refused = post("/api/token/", username=EMAIL, otp="000000", REMOTE_ADDR="8.8.8.8")
    assert refused.status_code == 429
    assert 3500 <= int(refused["Retry-After"]) <= 3600


@scenario("api-reference")
def _authenticate() -> None:
    from mysite.example import check

    from swap_user.otp import send_code

    user = user_known_by(EMAIL)
    for _ in range(2):
        send_code(None, EMAIL)
        code = mailed()
        assert check(None, f" {EMAIL.upper()}", f"{code[:3]} {code[3:]}") == user
        assert check(None, EMAIL, code) is None
