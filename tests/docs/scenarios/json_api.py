"""The JSON API: an app, a page with scripts, another origin, versions, and lifetimes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.docs.scenarios.steps import EMAIL, app_code, mailed, scenario, user_known_by

ORIGIN = "https://app.example.com"


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve the project, and yield its address."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test import override_settings
    from django.test.testcases import LiveServerThread

    server = LiveServerThread("127.0.0.1", StaticFilesHandler, port=0)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    if server.error:
        raise server.error
    with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
        yield f"http://127.0.0.1:{server.port}"
    server.terminate()


@scenario("json-api")
def _app() -> None:
    """The client of the page logs in with four calls, and uses the rest of the API."""
    from client import Client, Problem

    user_known_by(EMAIL)
    with served() as address:
        client, calls = Client(f"{address}/api/auth/"), []
        send = client.send
        client.send = lambda *args, **members: calls.append(args) or send(*args, **members)
        client.ask(EMAIL)
        assert client.log_in(EMAIL, mailed())["user"]["username"] == EMAIL
        assert client.send("GET", "session/")["is_fresh"] is True
        client.log_out()
        assert len(calls) == 4
        _use(client, Problem)


def _use(client: Any, problem: Any) -> None:
    """Log in as a known app, after a wrong code; add an app; end the session elsewhere."""
    from swap_user.otp import end_sessions

    assert [*client.kept] == ["client", "known_browser"]
    client.ask(EMAIL)
    assert _code_of(problem, client.log_in, EMAIL, "12") == "invalid_code"
    client.log_in(EMAIL, mailed())
    token = client.kept["session_token"]
    made = client.send("POST", "authenticators/", name="My phone")
    otp = app_code(made["secret"])
    client.send("POST", f"authenticators/{made['id']}/confirm/", otp=otp)
    assert client.kept["session_token"] == token  # only other sessions have ended
    assert len(client.send("POST", "recovery-codes/")["codes"]) == 10
    end_sessions(user_known_by(EMAIL))
    assert _code_of(problem, client.send, "GET", "session/") == "not_authenticated"
    assert "session_token" not in client.kept
    client.kept["flow"] = "of long ago"
    assert _code_of(problem, client.ask, EMAIL) == "flow_ended"
    client.ask(EMAIL)


def _code_of(problem: Any, send: Any, *args: Any) -> str:
    try:
        send(*args)
    except problem as raised:
        return str(raised.code)
    raise AssertionError("no problem")


@scenario("json-api-policy")
def _lifetimes() -> None:
    from datetime import timedelta

    from mysite.policies import ShortSessions

    from swap_user.otp.policies import AnyCode
    from swap_user.otp.sessions import app_sessions

    assert AnyCode.app_session_idle == timedelta(days=14)
    assert AnyCode.app_session_lifetime == timedelta(days=90)
    times: Any = {"began_at": 0, "seen_at": 0}
    assert app_sessions._end(times) == ShortSessions.app_session_idle.total_seconds()
    times = {"began_at": 0, "seen_at": 10**9}
    assert app_sessions._end(times) == ShortSessions.app_session_lifetime.total_seconds()


@scenario("json-api-cors")
def _other_origin() -> None:
    """A preflight request, and the login of a page at the other origin; a stranger's fails."""
    from django.test import Client

    user_known_by(EMAIL)
    browser = Client(enforce_csrf_checks=True, HTTP_HOST="testserver", HTTP_ORIGIN=ORIGIN)
    wanted = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-csrftoken",
    }
    preflight = browser.options("/api/auth/session/", headers=wanted)
    assert preflight["Access-Control-Allow-Origin"] == ORIGIN
    assert preflight["Access-Control-Allow-Credentials"] == "true"
    allowed = preflight["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "x-csrftoken"} <= {*allowed}
    assert {"DELETE", "PATCH"} <= {*preflight["Access-Control-Allow-Methods"].split(", ")}

    token = browser.get("/api/auth/session/").json()["csrf_token"]

    def post(path: str, client: Any = browser, **members: str) -> Any:
        headers = {"X-CSRFToken": token}
        return client.post(
            f"/api/auth/{path}", members, content_type="application/json", headers=headers
        )

    assert post("code/", username=EMAIL).status_code == 202
    answer = post("session/", username=EMAIL, otp=mailed())
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]
    stranger = Client(enforce_csrf_checks=True, HTTP_ORIGIN="https://evil.example.net")
    stranger.cookies = browser.cookies
    assert post("code/", stranger, username=EMAIL).json()["code"] == "csrf_failed"
    assert "Access-Control-Allow-Origin" not in stranger.get("/api/auth/session/")


@scenario("json-api-versions")
def _versions() -> None:
    from django.test import Client

    answer = Client().get("/api/v1/auth/openapi.json").json()
    assert answer["servers"] == [{"url": "/api/v1/auth"}]


@scenario("single-page")
def _single_page() -> None:
    """The page, its script and the API are where the page looks for them."""
    import re
    from urllib.request import urlopen

    with served() as address:
        with urlopen(f"{address}/static/shop/index.html") as response:
            page = response.read().decode()
        (script,) = re.findall(r'<script src="([\w.]+)" defer>', page)
        with urlopen(f"{address}/static/shop/{script}") as response:
            assert "fetch(api + path" in response.read().decode()
        (api,) = re.findall(r'data-api="([^"]+)"', page)
        with urlopen(f"{address}{api}openapi.json") as response:
            assert response.status == 200
