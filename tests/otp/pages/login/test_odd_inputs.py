"""Odd names, codes, bodies, sessions and methods."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from swap_user.otp.pages.login.forms import CODE_MAX_LENGTH
from swap_user.otp.visitors import code_request
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    LOGIN,
    ODD_TEXTS,
    RESEND,
    STEPS,
    ask,
    code,
    enter,
    field,
    logged_in,
)

pytestmark = pytest.mark.django_db

# Many that no account can have, and some that one could.
NO_USERNAMES = ["", "   ", "\x00", "a\x00b@example.com", "x" * 100_000, "@" * 300]

NO_CODES = ["", "   ", "\x00", "12\x003456", "1" * (CODE_MAX_LENGTH + 1), "9" * 100_000]

# What somebody else could have written into a session in place of a code request.
NO_REQUESTS = [
    None,
    0,
    "text",
    [],
    {},
    {"username": "x"},
    {"username": 1, "sent_at": 1, "expires_at": 2},
    {"username": "", "sent_at": 1, "expires_at": 2},
    {"username": "x", "sent_at": "1", "expires_at": 2},
    {"username": "x", "sent_at": None, "expires_at": None},
    {"username": "x", "sent_at": 1, "expires_at": float("inf")},
    {"username": "x", "sent_at": float("nan"), "expires_at": float("nan")},
    {"username": "x", "sent_at": -(10**400), "expires_at": 10**400},
    {"username": "x", "sent_at": 2, "expires_at": 1},
]


@pytest.mark.parametrize("name", [*NO_USERNAMES, *ODD_TEXTS], ids=lambda name: repr(name)[:24])
def test_odd_usernames(client: Client, name: str) -> None:
    """An error, or the second step as for any name. What was typed is kept."""
    response = ask(client, name)
    if name in NO_USERNAMES:
        assert response.status_code == 200
    if response.status_code == 200:
        assert field(response, "username")["aria-invalid"] == "true"
        assert "<script>alert" not in response.content.decode()
    else:
        assert response["Location"] == CHECK
        assert client.get(CHECK).status_code == 200
        assert "<script>alert" not in client.get(CHECK).content.decode()
    assert outbox == []


@pytest.mark.parametrize("otp", [*NO_CODES, *ODD_TEXTS], ids=lambda otp: repr(otp)[:24])
def test_odd_codes(client: Client, otp: str) -> None:
    """An odd text is a wrong code, and the right code still works."""
    right = code(client)
    response = enter(client, otp)
    assert response.status_code == 200
    assert field(response, "otp")["aria-invalid"] == "true"
    assert not logged_in(client)
    assert enter(client, right).status_code == 302


@pytest.mark.parametrize("name", ["username", "otp", "next"])
@pytest.mark.parametrize("step", STEPS)
def test_lone_surrogates(client: Client, step: str, name: str) -> None:
    """They come in by an odd charset, and no page could show them again."""
    code(client)
    body = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n/+2AA-\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=utf-7"
    response = client.generic("POST", step, body.encode(), content_type=kind)
    assert response.status_code == 400
    assert not logged_in(client)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 300,
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=nonsense",
        "",
        "\u00e9",
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_wrong_content_types(client: Client, step: str, kind: str) -> None:
    """A body that is not a form logs no user in and raises no error."""
    code(client)
    body = b'{"username": 1, "otp": [1]}'
    response = client.generic("POST", step, body, content_type=kind)
    assert response.status_code in {200, 302, 400}
    assert not logged_in(client)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_missing_and_repeated_fields(client: Client, step: str, asked: bool) -> None:
    """Forms without fields, or with a field several times, log no user in."""
    if asked:
        code(client)
    assert client.post(step).status_code in {200, 302}
    data = {name: ["a", "b", ""] for name in ["username", "otp", "next"]}
    assert client.post(step, data).status_code in {200, 302}
    assert not logged_in(client)


@pytest.mark.parametrize("value", NO_REQUESTS, ids=str)
def test_session_that_somebody_else_wrote(client: Client, value: Any) -> None:
    """A session with unexpected content starts over."""
    session = client.session
    session[code_request.SESSION_KEY] = value
    session.save()
    assert client.get(CHECK)["Location"] == LOGIN
    assert enter(client, "123456")["Location"] == LOGIN
    assert client.post(RESEND)["Location"] == LOGIN
    assert ask(client).status_code == 302


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods(client: Client, step: str, method: str) -> None:
    """The steps take GET and POST only."""
    code(client)
    assert client.generic(method, step, b"otp=123456").status_code == 405


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_resend_is_for_post_alone(client: Client, staff: Any, method: str) -> None:
    """The resend takes POST only, also from a user who is logged in."""
    response = client.generic(method, RESEND)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    log_in(client, staff)
    assert client.generic(method, RESEND).status_code == 405
