"""Bodies and paths that are not as described: a problem, and never an error of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.test import Client

from swap_user.api.body import MAX_LENGTH
from swap_user.api.resources import OPERATIONS
from swap_user.testing import outbox
from tests.api.clients import BASE, AppClient, assert_described, logged_in
from tests.api.conftest import sent_code
from tests.support import username

pytestmark = pytest.mark.django_db

JSON = "application/json"

GOOD = {"username": "x", "otp": "1", "client": "app"}

# A body that no other bytes may be added to.
MALFORMED = {
    "no JSON": b"{",
    "a form": b"username=x&otp=1&client=app",
    "a comment": b'{"username": "x"} // y',
    "two objects": b"{}{}",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "empty": b"",
    "space": b"  ",
    "NUL": b"\x00",
    "NUL in it": b'{"username": "x\x00", "client": "app"}',
    "NaN": b'{"username": "x", "otp": "1", "client": "app", "more": NaN}',
    "infinity": b'{"username": "x", "otp": "1", "client": "app", "more": -Infinity}',
    "UTF-8 with BOM": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "UTF-16 without BOM": json.dumps(GOOD).encode("utf-16-le"),
    "UTF-32": json.dumps(GOOD).encode("utf-32"),
    "Latin-1": '{"username": "\u00fc", "client": "app"}'.encode("latin-1"),
    "deep lists": b"[" * 8000,
    "deep objects": b'{"a":' * 3000 + b"1" + b"}" * 3000,
    "deep in a member": b'{"client":"app","username":' + b"[" * 8000 + b"]" * 8000 + b"}",
    "deep in a member that is not known": json.dumps(
        {**GOOD, "more": json.loads("[" * 30 + "]" * 30)}
    ).encode(),
    "a lone surrogate": b'{"username": "\\ud800", "client": "app", "otp": "1"}',
    "a lone surrogate in a name": b'{"\\udfff": 1, "username": "x", "client": "app", "otp": "1"}',
    "a big integer": b'{"username": ' + b"9" * 5000 + b', "client": "app"}',
    "a large body": json.dumps({**GOOD, "more": "x" * MAX_LENGTH}).encode(),
    "a very large body": json.dumps({**GOOD, "more": "x" * 3_000_000}).encode(),
}

# Values that are no text.
NO_TEXTS = [1, -1, 1.5, True, False, [], ["x"], {}, {"x": "y"}, 10**4000, 1e308]

POSTS = [each.route for each in OPERATIONS if each.takes and "<" not in each.route]
NEEDS_BODY = [each.route for each in OPERATIONS if any(member.required for member in each.takes)]


def send(path: str, body: bytes, kind: str = JSON, method: str = "POST", **headers: str) -> Any:
    """Send a body as an app that has not logged in, and compare the answer with the description."""
    client = Client(raise_request_exception=True)
    response = client.generic(method, BASE + path, body, content_type=kind, headers=headers)
    assert_described(method, path, response)
    return response


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed(body: bytes) -> None:
    """400, whoever sends it: the body is read first."""
    for path in ("session/", "username/confirm/"):
        response = send(path, body)
        assert (response.status_code, response.json()["code"]) == (400, "malformed")
    assert not outbox


@pytest.mark.parametrize("path", POSTS)
def test_malformed_for_every_operation(path: str) -> None:
    """The same everywhere. No body at all is an object without members."""
    for name in ("no JSON", "a list", "UTF-16", "a large body"):
        assert send(path, MALFORMED[name]).json()["code"] == "malformed"
    is_needed = path in NEEDS_BODY
    code = send(path, b"").json()["code"]
    assert code in ({"malformed"} if is_needed else {"invalid", "not_authenticated"})


@pytest.mark.parametrize("value", NO_TEXTS, ids=lambda value: repr(value)[:20])
def test_wrong_types(value: object) -> None:
    """400, with the member that is wrong."""
    for name in ("username", "otp", "client", "flow", "known_browser"):
        response = send("session/", json.dumps({**GOOD, name: value}).encode())
        assert response.status_code == 400
        assert [each["pointer"] for each in response.json()["errors"]] == [f"#/{name}"]


@pytest.mark.parametrize("value", ["absent", None])
def test_missing_members(value: Any) -> None:
    """A member that is null is missing."""
    body = {"client": "app"} if value else {"client": "app", "username": None}
    response = send("code/", json.dumps(body).encode())
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "#/username"


@pytest.mark.parametrize(
    "members",
    [
        {"client": "robot"},
        {"client": ""},
        {"username": "x" * 1001},
        {"username": ""},
        {"username": "\x00"},
        {"otp": "1" * 5000},
        {"known_browser": "x" * 5000},
        {"flow": "x" * 12_001},
    ],
    ids=lambda members: repr(members)[:24],
)
def test_texts_that_are_not_allowed(members: dict[str, str]) -> None:
    """400, with the member that is wrong."""
    name = next(iter(members))
    response = send("session/", json.dumps({**GOOD, **members}).encode())
    assert response.status_code == 400
    assert {each["pointer"] for each in response.json()["errors"]} == {f"#/{name}"}


def test_more_members_than_are_known(user: Any) -> None:
    """They are ignored, so that an app can be newer than the server."""
    body = {"username": username(), "client": "app", "more": {"x": [1, None, 10**300]}}
    assert send("code/", json.dumps(body).encode()).status_code == 202


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 300,
        "application/octet-stream",
        "application/jsonp",
        "application/merge-patch+json",
        "",
        "\u00e9",
    ],
)
def test_other_content_types(user: Any, kind: str) -> None:
    """415: what a page of another site can send without asking first is not read."""
    body = json.dumps({"username": username(), "client": "app"}).encode()
    response = send("code/", body, kind)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert not outbox


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "nonsense"])
def test_charset_has_no_meaning(user: Any, charset: str) -> None:
    """JSON is always UTF-8 (RFC 8259 section 11)."""
    body = json.dumps({"username": username(), "client": "app"}).encode()
    assert send("code/", body, f"{JSON}; charset={charset}").status_code == 202


@pytest.mark.parametrize(
    "length", ["999999999999999999999999999999", "16385", "-1", "x", "\u0661\u0662", "1e9", "5"]
)
def test_wrong_content_length(length: str) -> None:
    """A length that is not that of the body."""
    body = json.dumps(GOOD).encode()
    response = Client().generic(
        "POST", f"{BASE}session/", body, content_type=JSON, CONTENT_LENGTH=length
    )
    assert response.status_code == 400


def test_no_content_length() -> None:
    """WSGI reads no body without a length."""
    body = json.dumps(GOOD).encode()
    extra = {"content_type": JSON, "CONTENT_LENGTH": ""}
    response = Client().generic("POST", f"{BASE}session/", body, **extra)
    assert response.json()["code"] == "malformed"


async def _send_in_chunks(chunks: list[bytes]) -> tuple[int, bytes]:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": f"{BASE}session/",
        "query_string": b"",
        "headers": [(b"host", b"testserver"), (b"content-type", JSON.encode())],
    }
    server = ApplicationCommunicator(get_asgi_application(), scope)
    for number, chunk in enumerate(chunks, start=1):
        more = number < len(chunks)
        await server.send_input({"type": "http.request", "body": chunk, "more_body": more})
    start = await server.receive_output(20)
    body = await server.receive_output(20)
    return start["status"], body["body"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("count", "code"), [(1, "flow_ended"), (50, "malformed")])
def test_chunks_without_a_length(count: int, code: str) -> None:
    """ASGI takes a body without a length: the limit holds, and a small one is read."""
    whole = json.dumps({**GOOD, "flow": "x", "more": "x" * 900 * count}).encode()
    chunks = [whole[start : start + 1000] for start in range(0, len(whole), 1000)]
    _, body = async_to_sync(_send_in_chunks)(chunks)
    assert json.loads(body)["code"] == code


# --- Paths and methods ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "x",
        "nothing/",
        "code",
        "session",
        "sessions/a/b/",
        "authenticators/1/confirm",
        "authenticators//",
        "authenticators//confirm/",
        "../admin/",
        "%00",
        "%ff/",
        "openapi.json/",
        "session/token/x/",
        "\u00fc/",
        "x" * 3000,
    ],
)
def test_no_such_path(path: str) -> None:
    """A problem, and no redirect to a path with a slash."""
    for method in ("GET", "POST", "DELETE", "TRACE"):
        response = Client(enforce_csrf_checks=True).generic(method, BASE + path)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "not_found"
        assert "no-store" in response["Cache-Control"]


PATHS = sorted({each.route.replace("<str:id>", "1") for each in OPERATIONS})

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]


@pytest.mark.parametrize("path", PATHS)
def test_other_methods(path: str) -> None:
    """405, with those that there are."""
    known = {each.method for each in OPERATIONS if each.route.replace("<str:id>", "1") == path}
    for method in METHODS:
        if method in known:
            continue
        response = Client(enforce_csrf_checks=True).generic(method, BASE + path, b"{}")
        assert response.status_code == 405, method
        assert response.json()["code"] == "method_not_allowed"
        allowed = {*response["Allow"].split(", ")}
        assert allowed == known | ({"HEAD"} if "GET" in known else set())


def test_head(member: Any) -> None:
    """As a GET without its body."""
    response = member.client.generic("HEAD", f"{BASE}session/", headers=member.headers())
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("name", ["1", "null", "%00", "%ff", "\u00fc", "1" * 500, "0" * 32])
@pytest.mark.parametrize(
    ("method", "path", "members"),
    [
        ("PATCH", "authenticators/{}/", {"name": "x"}),
        ("DELETE", "authenticators/{}/", {}),
        ("POST", "authenticators/{}/confirm/", {"otp": "1"}),
        ("DELETE", "sessions/{}/", {}),
    ],
)
def test_unknown_ids(
    member: Any, method: str, path: str, members: dict[str, str], name: str
) -> None:
    """404, for a UUID of nothing and for what is none."""
    response = member.send(method, path.format(name), **members)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_description() -> None:
    """It is there for everybody, and read only."""
    response = Client().get(f"{BASE}openapi.json")
    assert response.json()["openapi"] == "3.1.0"
    assert response.json()["servers"] == [{"url": BASE.rstrip("/")}]
    refused = Client().post(f"{BASE}openapi.json")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")


def test_odd_names_of_authenticators(user: Any) -> None:
    """What the form of the page refuses."""
    app = logged_in(AppClient(), sent_code)
    for name in ("x" * 65, "a\x00b"):
        refused = app.post("authenticators/", name=name)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == "#/name"
    assert app.post("authenticators/", type="sent").status_code == 400
    assert app.post("authenticators/").status_code == 201
