"""Hostile inputs to the pages."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from hypothesis import strategies as st

from swap_user.otp.policies import Both
from swap_user.otp.visitors import code_request, known_browsers
from swap_user.testing import log_in
from tests.support import give, username
from tests.system.hostile_inputs.strategies import HEADER_VALUES, JSON, TEXT, TIMES
from tests.system.hostile_inputs.trials import KNOWN, PASSWORD, changed, hostile, is_right
from tests.user_models import HAS_PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R14")]

NEXT = st.one_of(
    TEXT, st.sampled_from(["//evil.example", "/admin/", "javascript:1", "http:\\\\evil", "///x"])
)

# The namespaces of the pages: those of the admin, and the own pages.
SITES = st.sampled_from(["admin", "swap_user"])


def _post(client: Client, name: str, data: dict[str, str], *args: Any, **extra: Any) -> Any:
    """Post a form as a browser would, except that a browser would refuse some of it."""
    form = QueryDict(mutable=True)
    for key, value in data.items():
        form[key] = value.encode(errors="surrogatepass").decode("latin-1")
    url = reverse(name, args=args)
    response = client.post(
        url, form.urlencode(), content_type="application/x-www-form-urlencoded", **extra
    )
    assert response.status_code < 500, response.status_code
    if response.has_header("Location"):
        assert not response["Location"].startswith(("//", "http", "javascript"))
    return response


@hostile("username page", site=SITES, name=TEXT, password=st.one_of(st.none(), TEXT), next=NEXT)
def test_the_page_that_asks_who(user, site, name, password, next):
    """The first step: a page, or the next step."""
    data = {"username": name, "next": next}
    data |= {} if password is None else {"password": password}
    _post(Client(), f"{site}:login", data)


class AlwaysAsks(Both):
    """The page asks for a password even where no user has one; then none is right."""

    def asks_password(self) -> bool:
        return True


@hostile(
    "password page",
    site=SITES,
    name=st.one_of(st.just(KNOWN), TEXT),
    password=st.one_of(st.just(PASSWORD), TEXT),
    otp=TEXT,
)
def test_the_page_that_asks_for_a_password(user, site, name, password, otp):
    """The password, and the code after it; in full only with settings whose users have one."""
    policy = Both if HAS_PASSWORD else AlwaysAsks
    with changed(OTP_POLICY_CLASS=f"{policy.__module__}.{policy.__qualname__}"):
        _log_in_with_a_password(site, name, password, otp)


def _log_in_with_a_password(site: str, name: str, password: str, otp: str) -> None:
    client = Client()
    assert b'type="password"' in client.get(reverse(f"{site}:login")).content
    response = _post(client, f"{site}:login", {"username": name, "password": password})
    # Only the right password leads on; a name has more than one spelling.
    passed = response.status_code == 302
    assert not passed or (HAS_PASSWORD and password == PASSWORD)
    assert passed or (name, password) != (KNOWN, PASSWORD) or not HAS_PASSWORD
    _post(client, f"{site}:check-otp", {"otp": otp})
    assert not _is_in(client) or (passed and is_right(otp))


def _is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@hostile("code page", site=SITES, name=st.sampled_from([KNOWN, username(2)]), otp=TEXT, next=NEXT)
def test_the_page_that_asks_for_the_code(user, site, name, otp, next):
    """The second step, for an account that exists and for one that doesn't."""
    client = Client()
    _post(client, f"{site}:login", {"username": name})
    _post(client, f"{site}:check-otp", {"otp": otp, "next": next})
    assert not _is_in(client) or (name == KNOWN and is_right(otp))


@hostile(
    "resend", site=SITES, data=st.dictionaries(st.text("otpnexuramc", max_size=8), TEXT, max_size=3)
)
def test_the_resend(user, site, data):
    """Another code, with whatever beside."""
    client = Client()
    _post(client, f"{site}:login", {"username": KNOWN})
    _post(client, f"{site}:resend-otp", data)


@hostile(
    "body",
    site=SITES,
    page=st.sampled_from(["login", "check-otp", "resend-otp"]),
    body=st.binary(max_size=200),
    kind=st.one_of(
        st.sampled_from(
            [
                "application/x-www-form-urlencoded",
                "application/x-www-form-urlencoded; charset=utf-7",
                "application/x-www-form-urlencoded; charset=utf-16",
                "application/x-www-form-urlencoded; charset=idna",
                "application/x-www-form-urlencoded; charset=none",
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "application/json",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
    language=st.one_of(st.none(), HEADER_VALUES),
    cookie=st.one_of(st.none(), st.text(st.characters(max_codepoint=255), max_size=50)),
)
def test_bodies_that_are_no_form(user, site, page, body, kind, language, cookie):
    """Bytes, charsets, languages and cookies."""
    client = Client()
    session = client.session
    session[code_request.SESSION_KEY] = {
        "username": KNOWN,
        "sent_at": time.time(),
        "expires_at": time.time() + 300,
    }
    session.save()
    extra = {} if language is None else {"HTTP_ACCEPT_LANGUAGE": language}
    if cookie is not None:
        client.cookies[known_browsers.COOKIE] = cookie
    response = client.generic("POST", reverse(f"{site}:{page}"), body, content_type=kind, **extra)
    assert response.status_code < 500


PAGES = ["add-sign-in-method", "recovery-codes", "rename-sign-in-method", "remove-sign-in-method"]


@hostile(
    "methods",
    site=SITES,
    page=st.sampled_from([*PAGES[:1], *PAGES]),
    data=st.dictionaries(st.sampled_from(["name", "type", "otp", "x"]), TEXT, max_size=4),
    enrollment=st.one_of(st.none(), st.none(), JSON),
    stamp=st.one_of(st.none(), st.none(), TIMES),
    query=st.sampled_from(["", "?confirm", "?confirm=%00", "?next=//evil"]),
)
def test_the_pages_on_sign_in_methods(user, site, page, data, enrollment, stamp, query):
    """Add, rename, remove, recovery codes, of a user who is logged in."""
    client = Client()
    log_in(client, user)
    session = client.session
    if enrollment is not None:
        session["_swap_user_enrollment"] = enrollment
    if stamp is not None:
        session["_swap_user_proof"]["factors"]["sent"] = stamp
    session.save()
    args = []
    if page.startswith("re") and page != "recovery-codes":
        args = [give(user, secret="C" * 32).pk]
    assert client.get(reverse(f"{site}:{page}", args=args) + query).status_code < 500
    _post(client, f"{site}:{page}", data, *args)
