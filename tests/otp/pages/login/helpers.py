"""What tests of the login pages share: addresses, steps, and how an answer is read."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.test import Client

from swap_user.testing import outbox
from tests.support import username

# The addresses on both sites, see the fixture ``site``. INDEX is where one is led after a login.
INDEX, LOGIN, CHECK, RESEND, LOGOUT = (
    "/admin/",
    "/admin/login/",
    "/admin/check-otp/",
    "/admin/resend-otp/",
    "/admin/logout/",
)
STEP_UP = "/admin/step-up/"  # on the own pages alone
STEPS = [LOGIN, CHECK, RESEND]
WRONG = "That code did not work."
NOBODY, INACTIVE, NO_STAFF = 2, 3, 4

# Texts that are no code, and that hardly any account has as its name.
ODD_TEXTS = [
    "ünï@exämple.com",
    "\u202euser9@example.com",
    "' OR 1=1 --",
    "{{ 7*7 }}{% now %}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "\uff11\uff12\uff13\uff14\uff15\uff16",
    "٠١٢٣٤٥",
    "+" * 50,
    "00491511234500",
    "\U0001f600",
    "%00%ff",
    "null",
    "-1",
    "1e999",
]


def ask(client: Client, name: str | None = None, **data: str) -> Any:
    """The first step."""
    return client.post(LOGIN, {"username": username() if name is None else name, **data})


def code(client: Client, name: str | None = None) -> str:
    """The first step, and what came by mail."""
    before = len(outbox)
    assert ask(client, name).status_code == 302
    assert len(outbox) == before + 1
    return outbox[-1].otp


def enter(client: Client, otp: str, **data: str) -> Any:
    """The second step."""
    return client.post(CHECK, {"otp": otp, **data})


def logged_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def text(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def words(response: HttpResponse) -> str:
    """The text of a page without its tags, which differ from site to site."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def complaints(response: HttpResponse, name: str) -> list[str]:
    """What a page says is wrong with a field: in a list in the admin, else in paragraphs."""
    page = response.content.decode()
    box = re.search(rf'id="id_{name}_error">(.*?)</(?:ul|div)>', page, re.DOTALL)
    return re.findall(r"<(?:li|p)>(.*?)</(?:li|p)>", box[1], re.DOTALL) if box else []


def field(response: HttpResponse, name: str) -> dict[str, str]:
    """The attributes of an input."""
    tags = re.findall(r"<input\b[^>]*>", response.content.decode())
    found = [dict(re.findall(r'([\w-]+)(?:="([^"]*)")?', tag[6:-1])) for tag in tags]
    return next(attributes for attributes in found if attributes.get("name") == name)


def wrong(otp: str) -> str:
    return f"{(int(otp) + 1) % 10 ** len(otp):0{len(otp)}}"


def same(response: Any, name: str = "") -> tuple[Any, ...]:
    """What an onlooker sees of a response, without what must differ: tokens and the name typed."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    cookies = {
        key: {attribute: value for attribute, value in morsel.items() if attribute != "expires"}
        for key, morsel in response.cookies.items()
    }
    return (response.status_code, dict(response.headers), cookies, body.replace(name, "NAME"))


def assert_unavailable(response: Any) -> None:
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "This is not possible right now." in text(response)
    note = r'class="(?:errornote|swap-note swap-note-error)">(?:\s*<svg.*?</svg>\s*<span>)?\s*This'
    assert re.search(note, text(response))
