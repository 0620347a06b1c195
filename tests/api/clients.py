"""Clients of the API. Each answer is compared with the description of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from swap_user.api.openapi.description import document
from tests.support import username

BASE = "/api/auth/"

DOCUMENT = document(BASE)

_PATHS = {
    re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"): operations
    for path, operations in DOCUMENT["paths"].items()
}


def described(method: str, path: str) -> dict[str, Any]:
    """Return the described answers of an operation."""
    for pattern, operations in _PATHS.items():
        if pattern.match(f"/{path}"):
            return operations[method.lower()]["responses"]
    raise LookupError(path)


def assert_described(method: str, path: str, response: Any) -> None:
    """Compare an answer with the description."""
    answers = described(method, path)
    assert str(response.status_code) in answers, (method, path, response.status_code)
    content = answers[str(response.status_code)].get("content")
    assert "no-store" in response["Cache-Control"]
    if content is None:
        assert response.content == b""
        return
    media_type = response["Content-Type"].partition(";")[0]
    schema = content[media_type]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    checker = FormatChecker()
    Draft202012Validator(whole, format_checker=checker).validate(response.json())


@dataclass
class APIClient:
    """
    A client of the API.

    Attributes:
        client: the test client, with its cookies.
        base: the path of the API.
    """

    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    base: str = BASE

    def send(self, method: str, path: str, **members: Any) -> Any:
        """Send a request, and return the answer, which must be as described."""
        body = {"content_type": "application/json", "data": members} if members else {}
        response = self.client.generic(
            method, self.base + path, **self._encoded(body), headers=self.headers()
        )
        assert_described(method, path, response)
        self.note(response)
        return response

    def _encoded(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body:
            return {}
        return {**body, "data": self.client._encode_json(body["data"], body["content_type"])}

    def headers(self) -> dict[str, str]:
        """Return the headers of each request."""
        return {}

    def note(self, response: Any) -> None:
        """Keep what a client must keep of an answer."""

    def get(self, path: str) -> Any:
        """Send a GET."""
        return self.send("GET", path)

    def post(self, path: str, **members: Any) -> Any:
        """Send a POST."""
        return self.send("POST", path, **members)

    def delete(self, path: str) -> Any:
        """Send a DELETE."""
        return self.send("DELETE", path)

    def patch(self, path: str, **members: Any) -> Any:
        """Send a PATCH."""
        return self.send("PATCH", path, **members)


@dataclass
class BrowserClient(APIClient):
    """A page with scripts: a session cookie, and the CSRF token of the last answer."""

    csrf_token: str = ""

    def start(self) -> BrowserClient:
        """Get the first token, as a page that was not rendered by Django does."""
        self.get("session/")
        return self

    def headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.csrf_token} if self.csrf_token else {}

    def note(self, response: Any) -> None:
        if response.content:
            self.csrf_token = response.json().get("csrf_token", self.csrf_token)

    def ask(self, name: str | None = None) -> Any:
        return self.post("code/", username=name or username())

    def enter(self, otp: str, name: str | None = None, **members: Any) -> Any:
        return self.post("session/", username=name or username(), otp=otp, **members)


@dataclass
class AppClient(APIClient):
    """
    An app: a flow, and then a session token. It has no cookies.

    Attributes:
        flow: the flow of its last answer.
        token: its session token.
        known_browser: what it sends at its next login.
        varies_by_cookie: whether a middleware reads the session of each request.
    """

    flow: str = ""
    token: str = ""
    known_browser: str = ""
    varies_by_cookie: bool = False

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def note(self, response: Any) -> None:
        assert not response.cookies, response.cookies
        assert self.varies_by_cookie or "Cookie" not in response.get("Vary", "")
        if not response.content:
            return
        kept = response.json()
        self.flow = kept.get("flow", self.flow)
        self.token = kept.get("session_token", self.token)
        self.known_browser = kept.get("known_browser", self.known_browser)

    def client_members(self) -> dict[str, str]:
        """Return who the client is, for a request without a session token."""
        if self.token:
            return {}
        members = {"flow": self.flow} if self.flow else {"client": "app"}
        if self.known_browser:
            members["known_browser"] = self.known_browser
        return members

    def ask(self, name: str | None = None) -> Any:
        return self.post("code/", username=name or username(), **self.client_members())

    def enter(self, otp: str, name: str | None = None, **members: Any) -> Any:
        members = {**self.client_members(), **members}
        return self.post("session/", username=name or username(), otp=otp, **members)

    def start(self) -> AppClient:
        """Nothing to do: an app needs no token before its first request."""
        return self


def logged_in(client: Any, code_of_message: Any, name: str | None = None) -> Any:
    """Log a client in with a sent code, and return it."""
    client.start()
    assert client.ask(name).status_code == 202
    response = client.enter(code_of_message(), name)
    assert response.status_code == 200, response.content
    return client
