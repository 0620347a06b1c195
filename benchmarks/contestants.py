"""
Who is measured: each takes a user's name and a code, and says whether it was right.

Each offers a code to a user of its own in every round, from an address of its own, so that every
accepted code is a fresh one and every wrong one a user's first: no clock is moved, nobody runs into
a throttle (ours and django-otp's would make later rounds cheaper or dearer than the first), except
who is here to show what that takes.
"""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyotp
from allauth.mfa.models import Authenticator as AllauthAuthenticator
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django_otp import match_token
from django_otp.plugins.otp_totp.models import TOTPDevice

from swap_user.models import Authenticator
from swap_user.otp import limited
from swap_user.otp.authenticators.secrets import seal
from swap_user.otp.crypto import hotp
from swap_user.otp.store import keys
from swap_user.otp.throttling import guesses
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.verification import verifier
from swap_user.otp.visitors import flow
from swap_user.otp.visitors.visitor import Visitor

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PASSWORD = "correct horse battery staple"
FLOW = "a-flow-as-long-as-those-that-sessions-get"

User: Any = get_user_model()


@dataclass(frozen=True)
class Contestant:
    """
    One that is measured.

    Args:
        key: a short name for the command line.
        label: what the table calls it.
        check: takes a username and a code (or a password); says whether it was right.
        enroll: gives users what it needs, all at once.
        right: whether it is given right codes.
        every: it takes part in one round of so many.
    """

    key: str
    label: str
    check: Callable[[str, str], bool]
    enroll: Callable[[Sequence[Any]], None]
    right: bool = True
    every: int = 1


_numbers = itertools.count()


def address() -> str:
    """Return an address that nobody has come from."""
    number = next(_numbers)
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


# Ours


def _request() -> HttpRequest:
    request = RequestFactory().post("/")
    # Only read from: the session of a visitor who has come through the first page.
    request.session = {flow.SESSION_KEY: FLOW}  # type: ignore[assignment]
    return request


_REQUEST = _request()


def ours_authenticate(username: str, code: str) -> bool:
    """Check it as a view does."""
    _REQUEST.META["REMOTE_ADDR"] = address()
    return authenticate(_REQUEST, username=username, otp=code) is not None


def ours_limited(username: str, code: str) -> bool:
    """Do the same where strangers have no guess left."""
    accepted = ours_authenticate(username, code)
    assert limited(_REQUEST) is not None
    return accepted


def ours_verifier(username: str, code: str) -> bool:
    """Check it without Django's authenticate() and its signals around."""
    return verifier.verify(username, code, Visitor(FLOW, address())).user is not None


def enroll_ours(users: Sequence[Any]) -> None:
    """One TOTP authenticator each."""
    rows = [Authenticator(user=user, type="totp", name="phone") for user in users]
    for row in rows:
        seal(row, SECRET)
    Authenticator.objects.bulk_create(rows)


def enroll_limited(users: Sequence[Any]) -> None:
    """One TOTP authenticator each, and all the guesses that strangers have are spent."""
    enroll_ours(users)
    for user in users:
        account = keys.account_key(user.get_username())
        while not isinstance(
            guesses.charge(account, "000000", Visitor(), now=time.time()), ReachedLimit
        ):
            pass


# The floor: one indexed SELECT, one pyotp match, one EVALSHA

_FLOOR_SCRIPT = """
local mark = tonumber(redis.call('GET', KEYS[1]) or '-1')
if mark >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 3600000)
return 1
"""
_floor: dict[str, Any] = {}


def floor(username: str, code: str) -> bool:
    """Do the least that could be called a check, without the ORM; nothing durable."""
    field = User.USERNAME_FIELD
    if not _floor:
        shared: Any = cache
        _floor["client"] = shared._cache.get_client(write=True)
        _floor["sha"] = _floor["client"].script_load(_FLOOR_SCRIPT)
        _floor["sql"] = (
            "SELECT a.id, a.secret, a.consumed FROM swap_user_authenticator a "
            f"JOIN {User._meta.db_table} u ON u.id = a.user_id WHERE u.{field} = %s"
        )
    with connection.cursor() as cursor:
        cursor.execute(_floor["sql"], [username])
        pk, _secret, _consumed = cursor.fetchone()
    right = pyotp.TOTP(SECRET).verify(code, valid_window=1)
    # A wrong code pays for its trip too; the script says no to it.
    counter = hotp.time_step(time.time()) if right else -1
    return bool(_floor["client"].evalsha(_floor["sha"], 1, f"floor:{pk}", counter))


def trip(username: str, code: str) -> bool:
    """Go to Redis once, and do nothing there: a limited attempt can't take less."""
    if "nothing" not in _floor:
        shared: Any = cache
        client = shared._cache.get_client(write=True)
        _floor["nothing"] = partial(client.evalsha, client.script_load("return 0"), 0)
    return bool(_floor["nothing"]())


# django-otp


def django_otp(username: str, code: str) -> bool:
    """Fetch the user, and ask all their devices."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    return match_token(user, code) is not None


def enroll_django_otp(users: Sequence[Any]) -> None:
    """One TOTP device each."""
    key = base64.b32decode(SECRET).hex()
    TOTPDevice.objects.bulk_create([TOTPDevice(user=user, name="phone", key=key) for user in users])


# allauth


def allauth(username: str, code: str) -> bool:
    """Fetch the user, then the authenticator; a used code is remembered in Redis for 30 s."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    row = AllauthAuthenticator.objects.get(user=user, type=AllauthAuthenticator.Type.TOTP)
    return bool(row.wrap().validate_code(code))


def allauth_recorded(username: str, code: str) -> bool:
    """Do the same, and record the usage in the database, as allauth's own login does."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    row = AllauthAuthenticator.objects.get(user=user, type=AllauthAuthenticator.Type.TOTP)
    if not row.wrap().validate_code(code):
        return False
    row.record_usage()
    return True


def enroll_allauth(users: Sequence[Any]) -> None:
    """One TOTP authenticator each."""
    kind = AllauthAuthenticator.Type.TOTP
    AllauthAuthenticator.objects.bulk_create(
        [AllauthAuthenticator(user=user, type=kind, data={"secret": SECRET}) for user in users]
    )


# Django's password


def password(username: str, typed: str) -> bool:
    """Check a password with Django's default hasher."""
    return authenticate(_REQUEST, username=username, password=typed) is not None


def enroll_password(users: Sequence[Any]) -> None:
    """One password for all: hashing one each would take minutes."""
    User._default_manager.filter(pk__in=[user.pk for user in users]).update(
        password=make_password(PASSWORD)
    )


CONTESTANTS = [
    Contestant("floor", "floor: 1 SELECT, 1 pyotp match, 1 EVALSHA", floor, enroll_ours),
    Contestant("ours", "ours, `authenticate()`", ours_authenticate, enroll_ours),
    Contestant("ours-verifier", "ours, the verifier alone", ours_verifier, enroll_ours),
    Contestant("django-otp", "django-otp, `match_token`", django_otp, enroll_django_otp),
    Contestant("allauth", "allauth, `validate_code`", allauth, enroll_allauth),
    Contestant(
        "allauth-recorded", "allauth, and its `record_usage`", allauth_recorded, enroll_allauth
    ),
    Contestant("password", "Django's password", password, enroll_password, every=50),
    Contestant("trip-wrong", "one trip to Redis, and nothing else", trip, enroll_ours, right=False),
    Contestant("floor-wrong", "floor", floor, enroll_ours, right=False),
    Contestant("ours-wrong", "ours, `authenticate()`", ours_authenticate, enroll_ours, right=False),
    Contestant(
        "ours-verifier-wrong", "ours, the verifier alone", ours_verifier, enroll_ours, right=False
    ),
    Contestant(
        "limited-wrong",
        "ours, `authenticate()`, limited",
        ours_limited,
        enroll_limited,
        right=False,
    ),
    Contestant(
        "django-otp-wrong", "django-otp, `match_token`", django_otp, enroll_django_otp, right=False
    ),
    Contestant("allauth-wrong", "allauth, `validate_code`", allauth, enroll_allauth, right=False),
    Contestant("password-wrong", "Django's password", password, enroll_password, False, 50),
]


def offered(contestant: Contestant, now: float) -> str:
    """Return what the contestant is given at ``now``: the code of this moment, or a wrong one."""
    if contestant.check is password:
        return PASSWORD if contestant.right else "wrong horse battery staple"
    step = hotp.time_step(now)
    right = [hotp.code_at(SECRET, counter) for counter in range(step - 2, step + 3)]
    if contestant.right:
        return right[2]
    return next(code for code in map("{:06}".format, range(10)) if code not in right)
