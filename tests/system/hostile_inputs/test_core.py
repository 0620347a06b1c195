"""Hostile inputs to authenticate() and send_code()."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core import signing
from django.http import HttpRequest
from hypothesis import strategies as st

from swap_user.otp import send_code
from swap_user.otp.store import keys
from swap_user.otp.visitors import code_request, known_browsers
from swap_user.otp.visitors.client_ip import client_address
from swap_user.users import usernames
from tests.support import totp, visitor
from tests.system.hostile_inputs.strategies import (
    ANYTHING,
    COOKIES,
    HEADER_VALUES,
    JSON,
    NAMES,
    OTPS,
    TEXT,
    TIMES,
)
from tests.system.hostile_inputs.trials import KNOWN, changed, hostile, is_right

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R14")]


@hostile("authenticate", name=NAMES, otp=OTPS, session=st.integers(0, 2))
def test_authenticate(user, name, otp, session):
    """Refused, never an exception; a login only by the code that is right, which few hit."""
    request = [None, visitor(), HttpRequest()][session]
    found = authenticate(request, username=name, otp=otp)
    assert found is None or (found == user and is_right(otp))


def test_a_right_code_is_told_from_the_others(user):
    """So that the assertions here say something."""
    assert is_right(totp(time.time()))
    assert not is_right("9" * 10)
    assert authenticate(visitor(), username=KNOWN, otp=totp(time.time())) == user


@hostile("send_code", name=NAMES, with_session=st.booleans())
def test_send_code(user, name, with_session):
    """It returns, and tells nothing."""
    assert send_code(visitor() if with_session else None, name) is None


@hostile(
    "cookie",
    value=COOKIES,
    salt=st.sampled_from([known_browsers.SALT] * 4 + ["django.core.signing", "swap_user.other"]),
    raw=st.one_of(st.none(), st.none(), st.none(), TEXT),
)
def test_the_cookie_of_the_browser(user, value, salt, raw):
    """Forged, of another salt, or of an unexpected shape: no budget, and no error."""
    text = raw
    if text is None:
        text = json.dumps(value).replace('"account"', json.dumps(_account()))
        text = signing.TimestampSigner(salt=salt).sign(signing.b64_encode(text.encode()).decode())
    request = visitor()
    request.COOKIES[known_browsers.COOKIE] = text
    send_code(request, KNOWN)
    authenticate(request, username=KNOWN, otp="000000")
    known_browsers.remember(request, _Response(), _account(), user)


def _account() -> str:
    return keys.account_key(usernames.normalize(KNOWN))


class _Response:
    def set_cookie(self, *args: Any, **kwargs: Any) -> None:
        pass


@hostile(
    "address",
    peer=HEADER_VALUES,
    forwarded=st.one_of(st.none(), HEADER_VALUES),
    header=st.sampled_from(["", "X-Forwarded-For", "X-Real-IP", "Forwarded", "\u00e4", " "]),
    proxies=st.integers(1, 10),
)
def test_addresses(user, peer, forwarded, header, proxies):
    """Whatever servers and proxies say."""
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    request = visitor(REMOTE_ADDR=peer, **headers)
    with changed(OTP_CLIENT_ADDRESS_HEADER=header, OTP_PROXIES=proxies):
        found = client_address(request)
        assert found is None or isinstance(found, str)
        send_code(request, KNOWN)
        authenticate(request, username=KNOWN, otp="000000")


@hostile(
    "session",
    flow=ANYTHING.filter(lambda value: not isinstance(value, type)),
    asked=st.one_of(
        JSON,
        st.fixed_dictionaries(
            {"username": st.one_of(st.just(KNOWN), TEXT), "sent_at": TIMES, "expires_at": TIMES},
            optional={"wanted": JSON},
        ),
    ),
)
def test_what_a_session_holds(user, flow, asked):
    """An older version's, another app's, or none of anybody's."""
    request = visitor()
    request.session["_swap_user_flow"] = flow
    request.session[code_request.SESSION_KEY] = asked
    found = code_request.load(request.session)
    if found:
        now = time.time()
        assert found.expires_in(now) >= 0
        assert found.resend_in(now) >= 0
    send_code(request, KNOWN)
    authenticate(request, username=KNOWN, otp="000000")
