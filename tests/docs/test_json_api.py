"""The pages on the JSON API: their requests have the answers that they show, and their tables."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyotp
import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse

from swap_user.api.openapi.schemas import SCHEMAS
from swap_user.api.problems import CODES
from swap_user.api.resources import OPERATIONS
from swap_user.testing import outbox
from tests import ROOT
from tests.docs.reading import BLOCKS, Block, code, rows
from tests.support import configure

GUIDE, REFERENCE = "docs/howto/json-api.md", "docs/reference/json-api.md"

ORIGIN = "http://127.0.0.1:8000"

HOUR = 3600


@dataclass(frozen=True)
class Exchange:
    """A request of the page, as the arguments of curl, and the answer that the page shows."""

    block: Block
    method: str
    path: str
    headers: dict[str, str]
    members: dict[str, Any] | None
    status: int
    answer: Any


def exchanges() -> Iterator[Exchange]:
    """Yield the requests with curl that are followed by their answers, in the order of the page."""
    blocks = [block for block in BLOCKS if block.page == ROOT / GUIDE]
    for block, following in pairwise(blocks):
        if block.body.startswith("curl ") and following.language == "json":
            yield exchange(block, following)


def exchange(block: Block, following: Block) -> Exchange:
    command = shlex.split(block.body.replace("\\\n", " "))[1:]
    method, url, headers, members = "", "", {}, None
    while command:
        match command.pop(0):
            case "-X":
                method = command.pop(0)
            case "-H":
                name, _, value = command.pop(0).partition(": ")
                headers[name] = value
            case "--json":
                members = json.loads(command.pop(0))
            case url:
                assert url.startswith(ORIGIN), url
    return Exchange(
        block,
        method or ("GET" if members is None else "POST"),
        url.removeprefix(ORIGIN),
        headers,
        members,
        int(following.title.split()[0]),
        json.loads(following.body),
    )


def names(value: Any) -> Any:
    """Return the names of all members, and the types of their values."""
    match value:
        case dict():
            return {name: names(each) for name, each in value.items()}
        case list():
            return [names(each) for each in value[:1]]
        case None:
            return None
    return type(value).__name__


@dataclass
class Kept:
    """What the client on the page has got so far, which replaces what the page shows."""

    client: Client = field(default_factory=Client)
    values: dict[str, str] = field(default_factory=dict)

    def send(self, exchange: Exchange) -> tuple[int, Any]:
        members = exchange.members
        if members is not None:
            members = {name: self.value(name, text, exchange) for name, text in members.items()}
        headers = {
            name: re.sub(r"sut_.+", self.values.get("session_token", ""), text)
            for name, text in exchange.headers.items()
        }
        sent = {"content_type": "application/json"} if members is not None else {}
        response = self.client.generic(
            exchange.method,
            re.sub(r"[0-9a-f-]{36}", self.values.get("id", ""), exchange.path),
            "" if members is None else json.dumps(members),
            headers=headers,
            **sent,
        )
        answer = response.json()
        self.values |= {name: each for name, each in answer.items() if isinstance(each, str)}
        return response.status_code, answer

    def value(self, name: str, shown: str, exchange: Exchange) -> str:
        if name == "otp":
            if "authenticators/" in exchange.path:
                return pyotp.TOTP(self.values["secret"]).at(time.time())
            assert len(shown) == len(outbox[-1].otp)
            return outbox[-1].otp
        return self.values[name] if name == "flow" else shown


@pytest.mark.django_db
@pytest.mark.user_model("no password", "email as username")
def test_answers_are_those_of_the_page(clock, settings):
    """The status and the members of each, from the first request of the page to the last one."""
    from django.contrib.auth import get_user_model

    get_user_model()._default_manager.create_user("me@example.com")
    configure(settings, OTP_RESEND_INTERVAL=0)
    kept = Kept()
    found = list(exchanges())
    assert len(found) >= 12
    for each in found:
        if each.answer.get("code") == "fresh_login_needed":
            clock.shift(HOUR)
        status, answer = kept.send(each)
        assert status == each.status, (each.block.where, answer)
        each.answer.pop("resend_in", None)  # as in the settings of the tests
        answer.pop("resend_in", None)
        assert names(answer) == names(each.answer), each.block.where


def test_an_app_needs_four_calls():
    """The page begins with three of them. The fourth one is the logout, as its scenario counts."""
    first = [(each.method, each.path) for each in exchanges()][:3]
    assert first == [
        ("POST", "/api/auth/code/"),
        ("POST", "/api/auth/session/"),
        ("GET", "/api/auth/session/"),
    ]


@pytest.mark.django_db
def test_csrf_token_of_a_page_that_was_never_rendered(user):
    """The requests of the page: without the token they fail, and with it they don't."""
    client = Client(enforce_csrf_checks=True)

    def ask(**headers: str) -> int:
        members = {"username": user.get_username()}
        return client.post(
            "/api/auth/code/", members, content_type="application/json", headers=headers
        ).status_code

    assert ask() == 403
    answer = client.get("/api/auth/session/")
    assert answer.status_code == 401
    assert ask(**{"X-CSRFToken": answer.json()["csrf_token"]}) == 202


def test_codes_of_problems():
    """Each code with its status, in the order of the code."""
    told = [(code(row[0]), int(row[1].split(";")[0])) for row in rows(GUIDE, "code")]
    assert told == [(name, int(status)) for name, (status, _) in CODES.items()]


def test_members_of_problems():
    """Those of the schema."""
    told = [name for row in rows(REFERENCE, "member of a problem") for name in names_in(row[0])]
    assert sorted(told) == sorted(SCHEMAS["Problem"]["properties"])


def names_in(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def operation_rows() -> Iterator[list[str]]:
    """Yield the table of operations, made from the declarations."""
    for each in OPERATIONS:
        path = re.sub(r"<\w+:(\w+)>", lambda found: found[1].upper(), each.route)
        takes = [f"`{member.name}`" + ("" if member.required else "?") for member in each.takes]
        needs = "a recent login" if each.needs_fresh_login else "a login"
        others = [found.partition(" ") for found in each.problems]
        row = [
            f"`{each.method} {path}`",
            each.summary,
            ", ".join(takes),
            needs if each.needs_login else "",
            ", ".join(str(int(status)) for status in each.returns),
            ", ".join(
                f"`{name}`" + (f" ({status})" if status else "") for name, _, status in others
            ),
        ]
        yield [cell or "–" for cell in row]


def test_url_names():
    """They are as the page says, and Django's checks object to none."""
    given = re.findall(r"`swap_user_api:([\w-]+)`", (ROOT / REFERENCE).read_text())
    assert given == ["code", "authenticators-id-confirm"]
    for each in OPERATIONS:
        name = re.sub(r"<\w+:(\w+)>", r"\1", each.route).strip("/").replace("/", "-")
        takes = {"id": "ID"} if "<str:id>" in each.route else {}
        path = re.sub(r"<\w+:\w+>", "ID", each.route)
        assert reverse(f"swap_user_api:{name}", kwargs=takes) == f"/api/auth/{path}"
    assert "urls.W003" not in {each.id for each in run_checks(tags=["urls"])}


def test_operations():
    """What each does, takes, needs and answers. On a difference, the right table is printed."""
    declared = list(operation_rows())
    for row in declared:
        print(f"| {' | '.join(row)} |")
    assert rows(REFERENCE, "request") == declared
