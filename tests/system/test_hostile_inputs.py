"""
Hostile inputs: whatever comes in, no exception and no status 500 (R14).

``HOSTILE_EXAMPLES`` is how many are tried in all, 2,000 by default. At the end pytest says how many
there really were.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import time
from functools import wraps
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY, authenticate
from django.core import signing
from django.http import HttpRequest, QueryDict
from django.test import Client, override_settings
from django.urls import reverse
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from swap_user.conf import setting
from swap_user.otp import send_code
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.otp.policies import Both
from swap_user.otp.sessions import code_request
from swap_user.otp.store import keys
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.client_ip import client_address
from swap_user.testing import outbox
from swap_user.users import usernames
from tests.support import give, make_user, totp, username, visitor
from tests.user_models import HAS_PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R14")]

TOTAL = int(os.environ.get("HOSTILE_EXAMPLES", "2000"))

# Of a thousand inputs: the doors of the core are cheap, a page with its template is dear.
SHARES = {
    "authenticate": 510,
    "send_code": 300,
    "cookie": 40,
    "address": 50,
    "session": 30,
    "username page": 20,
    "password page": 10,
    "code page": 15,
    "resend": 5,
    "body": 15,
    "methods": 5,
}

KNOWN = username()

PASSWORD = "correct horse"

# No limit is reached, so that what is typed really gets to the code behind.
OPEN = {
    "OTP_GUESSES_PER_ACCOUNT": 10**9,
    "OTP_GUESSES_PER_BROWSER": 10**9,
    "OTP_GUESSES_PER_ADDRESS": 10**9,
    "OTP_GUESSES_PER_CODE": 10**9,
    "OTP_SENDS_PER_ACCOUNT": 10**9,
    "OTP_SENDS_PER_BROWSER": 10**9,
    "OTP_SENDS_PER_ADDRESS": 10**9,
    "OTP_SENDS_PER_RECEIVER": 10**9,
    "OTP_RESEND_INTERVAL": 0,
}

_UNLIMITED = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
]


class _Tried:
    """How many inputs the running test has really been given; pytest adds them up."""

    properties: ClassVar[list[tuple[str, int]]] = []
    number = 0

    @classmethod
    def add(cls) -> None:
        cls.number += 1
        cls.properties[:] = [("hostile inputs", cls.number)]


def hostile(share: str, /, **strategies: Any) -> Any:
    """Run a test with its share of the inputs, and count them."""

    def decorate(test: Any) -> Any:
        @wraps(test)
        def counted(*args: Any, **kwargs: Any) -> None:
            _Tried.add()
            test(*args, **kwargs)

        return examples(
            max_examples=max(10, TOTAL * SHARES[share] // sum(SHARES.values()) + 1),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=_UNLIMITED,
        )(given(**strategies)(counted))

    return decorate


@pytest.fixture(autouse=True)
def _open(settings, request, monkeypatch, no_log) -> None:
    """Without limits, and without a log; and with more time where there are more inputs."""
    if TOTAL > 10_000:
        faulthandler.dump_traceback_later(1800, exit=True, file=sys.__stderr__)
    monkeypatch.setattr(setting.Setting, "_problem_with_range", lambda setting, value: None)
    settings.SWAP_USER = settings.SWAP_USER | OPEN
    _Tried.properties, _Tried.number = request.node.user_properties, 0


@pytest.fixture
def user():
    """Somebody with all kinds of codes who may enter the admin."""
    user = make_user(is_staff=True, is_superuser=True)
    if HAS_PASSWORD:
        user.set_password(PASSWORD)
        user.save()
    give(user)
    recovery_codes.generate_recovery_codes(user)
    return user


# What may come in

SURROGATES = st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF, categories=["Cs"]))
ODD = st.sampled_from(
    [
        "",
        "\x00",
        KNOWN + "\x00",
        "\x00" * 6,
        "\ud800",
        KNOWN + "\udfff",
        "x" * 1_000_000,
        "1" * 1_000_000,
        "1" * 64,
        "1" * 65,
        "\u202e" + KNOWN,
        "１２３４５６",
        "٠١٢٣٤٥",
        "⁶" * 6,
        "1 2 3 4 5 6",
        "12345\n6",
        "0" * 16,
        "OIL0-OIL0-OIL0-OIL0",
        "ß" * 16,
        "\ufdfa" * 60,
        "%s%n%x",
        "{{7*7}}",
        "{0.__class__}",
        "a@" + "b" * 63 + ".example",
        "@",
        "a@b@c",
        "+49" + "1" * 300,
        "tel:+49;ext=1",
        "-1",
        "1e999",
        "NaN",
    ]
)
DIGITS = st.from_regex(r"[0-9]{1,12}", fullmatch=True)
RECOVERY = st.text(recovery_codes.ALPHABET + "- oil", min_size=14, max_size=24)
TEXT = st.one_of(ODD, st.text(max_size=80), SURROGATES, DIGITS, RECOVERY)
ANYTHING = st.one_of(
    TEXT,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=40),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.just(object()),
    st.just(float),
)
NAMES = st.one_of(st.just(KNOWN), st.just(KNOWN), ANYTHING)
OTPS = st.one_of(DIGITS, st.from_regex(r"[0-9]{6}|[0-9]{10}", fullmatch=True), ANYTHING)

ACCOUNT = keys.account_key(KNOWN)
TIMES = st.one_of(
    st.integers(), st.floats(), st.text(max_size=10), st.none(), st.booleans(),
    st.sampled_from([10**30, -(10**30), 10**400, 1e308, "NaN", float("nan"), float("inf"), [], {}]),
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
LOGIN = st.one_of(
    TIMES,
    JSON,
    st.tuples(TIMES, st.one_of(st.text(max_size=8), TIMES)).map(list),
    st.tuples(st.integers(-1, 2**60), st.one_of(st.just("mark"), st.text(max_size=8))).map(list),
)
LOGINS = st.dictionaries(st.one_of(st.just("account"), st.text(max_size=8)), LOGIN, max_size=7)
NAME = st.one_of(st.just("id"), st.text(max_size=20), st.integers(), st.none(), SURROGATES)
COOKIES = st.one_of(
    JSON,
    st.tuples(NAME, LOGINS).map(list),
    st.just(["id", {"account": 10**400}]),
    st.just(["id", {"account": [10**400, "mark"]}]),
    st.tuples(NAME, st.fixed_dictionaries({"account": LOGIN})).map(list),
)

HEADER_VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=60),
    st.ip_addresses().map(str),
    st.lists(st.ip_addresses().map(str), max_size=4).map(",".join),
    st.sampled_from(
        ["", "unix:", ",", ",,,", "[::1", "[::1]:80", "]", "::1%eth0", "fe80::1%25", "1.2.3.4:5",
         "::ffff:1.2.3.4", "256.1.1.1", "0x7f", "1" * 999, "for=1.2.3.4", '"[::1]:1"', "%", "::%",
         "64:ff9b::1.2.3.4", "::", "0", "1.2.3.4%x", "2001:db8::/32"]
    ),
)  # fmt: skip


# The core


@hostile("authenticate", name=NAMES, otp=OTPS, session=st.integers(0, 2))
def test_authenticate(user, name, otp, session):
    """Refused, never an exception; a login only by the code that is right, which few hit."""
    request = [None, visitor(), HttpRequest()][session]
    found = authenticate(request, username=name, otp=otp)
    assert found is None or (found == user and _is_right(otp))


def _is_right(otp: Any) -> bool:
    """Say whether it is one of the codes that let the user in now, or did a moment ago."""
    now = time.time()
    shown = {totp(now + 30 * step) for step in (-2, -1, 0, 1)} | {each.otp for each in outbox}
    return hotp.normalize(otp) in shown


def test_a_right_code_is_told_from_the_others(user):
    """So that the assertions here say something."""
    assert _is_right(totp(time.time()))
    assert not _is_right("9" * 10)
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
    """Forged, of another salt, or of a shape that nobody here signs: no budget, and no error."""
    text = raw
    if text is None:
        text = json.dumps(value).replace('"account"', json.dumps(_account()))
        text = text.replace('"mark"', json.dumps(known_browsers.mark(user)))
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
    with _with(OTP_CLIENT_ADDRESS_HEADER=header, OTP_PROXIES=proxies):
        found = client_address(request)
        assert found is None or isinstance(found, str)
        send_code(request, KNOWN)
        authenticate(request, username=KNOWN, otp="000000")


def _with(**swap_user: Any) -> override_settings:
    """Change settings for one input: pytest-django's fixture would pile the changes up."""
    return override_settings(SWAP_USER=settings.SWAP_USER | swap_user)


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


# The pages

NEXT = st.one_of(
    TEXT, st.sampled_from(["//evil.example", "/admin/", "javascript:1", "http:\\\\evil", "///x"])
)


def _post(client: Client, name: str, data: dict[str, str], *args: Any, **extra: Any) -> Any:
    """Post a form as a browser would, except that a browser would refuse some of it."""
    form = QueryDict(mutable=True)
    for key, value in data.items():
        form[key] = value.encode(errors="surrogatepass").decode("latin-1")
    url = reverse(f"admin:{name}", args=args)
    response = client.post(
        url, form.urlencode(), content_type="application/x-www-form-urlencoded", **extra
    )
    assert response.status_code < 500, response.status_code
    if response.has_header("Location"):
        assert not response["Location"].startswith(("//", "http", "javascript"))
    return response


@hostile("username page", name=TEXT, password=st.one_of(st.none(), TEXT), next=NEXT)
def test_the_page_that_asks_who(user, name, password, next):
    """The first step: a page, or the next step."""
    data = {"username": name, "next": next}
    data |= {} if password is None else {"password": password}
    _post(Client(), "login", data)


class AlwaysAsks(Both):
    """The page asks for a password even where no user has one; then none is right."""

    def asks_password(self) -> bool:
        return True


@hostile(
    "password page",
    name=st.one_of(st.just(KNOWN), TEXT),
    password=st.one_of(st.just(PASSWORD), TEXT),
    otp=TEXT,
)
def test_the_page_that_asks_for_a_password(user, name, password, otp):
    """The password, and the code after it; in full only with settings whose users have one."""
    policy = Both if HAS_PASSWORD else AlwaysAsks
    with _with(OTP_POLICY_CLASS=f"{policy.__module__}.{policy.__qualname__}"):
        _log_in_with_a_password(name, password, otp)


def _log_in_with_a_password(name: str, password: str, otp: str) -> None:
    client = Client()
    assert b'type="password"' in client.get(reverse("admin:login")).content
    response = _post(client, "login", {"username": name, "password": password})
    # Only the right password leads on; a name has more than one spelling.
    passed = response.status_code == 302
    assert not passed or (HAS_PASSWORD and password == PASSWORD)
    assert passed or (name, password) != (KNOWN, PASSWORD) or not HAS_PASSWORD
    _post(client, "check-otp", {"otp": otp})
    assert not _is_in(client) or (passed and _is_right(otp))


def _is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


@hostile("code page", name=st.sampled_from([KNOWN, username(2)]), otp=TEXT, next=NEXT)
def test_the_page_that_asks_for_the_code(user, name, otp, next):
    """The second step, of somebody who is there and of somebody who isn't."""
    client = Client()
    _post(client, "login", {"username": name})
    _post(client, "check-otp", {"otp": otp, "next": next})
    assert not _is_in(client) or (name == KNOWN and _is_right(otp))


@hostile("resend", data=st.dictionaries(st.text("otpnexuramc", max_size=8), TEXT, max_size=3))
def test_the_resend(user, data):
    """Another code, with whatever beside."""
    client = Client()
    _post(client, "login", {"username": KNOWN})
    _post(client, "resend-otp", data)


@hostile(
    "body",
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
def test_bodies_that_are_no_form(user, page, body, kind, language, cookie):
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
    response = client.generic("POST", reverse(f"admin:{page}"), body, content_type=kind, **extra)
    assert response.status_code < 500


PAGES = ["add-sign-in-method", "recovery-codes", "rename-sign-in-method", "remove-sign-in-method"]


@hostile(
    "methods",
    page=st.sampled_from([*PAGES[:1], *PAGES]),
    data=st.dictionaries(st.sampled_from(["name", "type", "otp", "x"]), TEXT, max_size=4),
    enrollment=st.one_of(st.none(), st.none(), JSON),
    stamp=st.one_of(st.none(), st.none(), TIMES),
    query=st.sampled_from(["", "?confirm", "?confirm=%00", "?next=//evil"]),
)
def test_the_pages_on_sign_in_methods(user, page, data, enrollment, stamp, query):
    """Add, rename, remove, recovery codes, of somebody who is logged in."""
    client = Client()
    client.force_login(user)
    session = client.session
    if enrollment is not None:
        session["_swap_user_enrollment"] = enrollment
    if stamp is not None:
        session["_swap_user_logged_in_at"] = stamp
    session.save()
    args = []
    if page.startswith("re") and page != "recovery-codes":
        args = [give(user, secret="C" * 32).pk]
    assert client.get(reverse(f"admin:{page}", args=args) + query).status_code < 500
    _post(client, page, data, *args)
