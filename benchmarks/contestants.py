"""
The contestants: functions that take a username and a code and return whether the code is right.

In each round, each contestant checks a code of another user, from another address. So a right code
is always unused, a wrong code is the first one of its user, and the clock need not be changed. No
contestant reaches a throttle limit, which would change the cost of later rounds, except the one
that measures a limited attempt.
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

from swap_user.models import Authenticator, WrongGuess
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
# The address of visitors who have no guess left.
_SPENT = "192.0.2.1"
FLOW = "a-flow-as-long-as-those-that-sessions-get"

User: Any = get_user_model()


@dataclass(frozen=True)
class Contestant:
    """
    A function to measure.

    Attributes:
        key: a short name for the command line.
        label: the name in the table.
        check: a function that takes a username and a code (or a password) and returns whether it
            is right.
        enroll: a function that prepares all users.
        right: whether the codes are right.
        every: it runs in one of this number of rounds.
    """

    key: str
    label: str
    check: Callable[[str, str], bool]
    enroll: Callable[[Sequence[Any]], None]
    right: bool = True
    every: int = 1


_numbers = itertools.count()


def address() -> str:
    """Return a client address that was not used before."""
    number = next(_numbers)
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


# Ours


def _request() -> HttpRequest:
    request = RequestFactory().post("/")
    # The session of a visitor who has requested a code. It is only read.
    request.session = {flow.SESSION_KEY: FLOW}  # type: ignore[assignment]
    return request


_REQUEST = _request()


def ours_authenticate(username: str, code: str) -> bool:
    """Check a code as a view does."""
    _REQUEST.META["REMOTE_ADDR"] = address()
    return authenticate(_REQUEST, username=username, otp=code) is not None


def ours_limited(username: str, code: str) -> bool:
    """Check a code as a view does, from an address that has no guess left."""
    _REQUEST.META["REMOTE_ADDR"] = _SPENT
    accepted = authenticate(_REQUEST, username=username, otp=code) is not None
    assert limited(_REQUEST) is not None
    return accepted


def ours_verifier(username: str, code: str) -> bool:
    """Check a code without Django's authenticate() and its signals."""
    return verifier.verify(username, code, Visitor(FLOW, address())).user is not None


def enroll_ours(users: Sequence[Any]) -> None:
    """Enroll a TOTP authenticator for each user."""
    rows = [Authenticator(user=user, type="totp", name="phone") for user in users]
    for row in rows:
        seal(row, SECRET)
    Authenticator.objects.bulk_create(rows)


def enroll_limited(users: Sequence[Any]) -> None:
    """Enroll a TOTP authenticator for each user, and use up the guesses of one address."""
    enroll_ours(users)
    account, visitor = keys.account_key("nobody"), Visitor(address=_SPENT)
    while not isinstance(
        guesses.begin(account, "000000", visitor, now=time.time(), is_known=False), ReachedLimit
    ):
        pass


def enroll_spent(users: Sequence[Any]) -> None:
    """Enroll a TOTP authenticator for each user, and use up the guesses of unknown browsers."""
    enroll_ours(users)
    WrongGuess.objects.bulk_create(
        WrongGuess(user=user, at=int(time.time()), units=4, is_known=False)
        for user in users
        for _ in range(16)
    )


# The floor: one indexed SELECT, one comparison with pyotp, one EVALSHA

_FLOOR_SCRIPT = """
local mark = tonumber(redis.call('GET', KEYS[1]) or '-1')
if mark >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 3600000)
return 1
"""
_floor: dict[str, Any] = {}


def floor(username: str, code: str) -> bool:
    """Do the minimum of a check, without the ORM and without writing to the database."""
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
    # Redis is also called for a wrong code. The script refuses it.
    counter = hotp.time_step(time.time()) if right else -1
    return bool(_floor["client"].evalsha(_floor["sha"], 1, f"floor:{pk}", counter))


def trip(username: str, code: str) -> bool:
    """Call Redis once without doing anything there: the minimum of a limited attempt."""
    if "nothing" not in _floor:
        shared: Any = cache
        client = shared._cache.get_client(write=True)
        _floor["nothing"] = partial(client.evalsha, client.script_load("return 0"), 0)
    return bool(_floor["nothing"]())


# django-otp


def django_otp(username: str, code: str) -> bool:
    """Fetch the user, and check the code with all their devices."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    return match_token(user, code) is not None


def enroll_django_otp(users: Sequence[Any]) -> None:
    """Create a TOTP device for each user."""
    key = base64.b32decode(SECRET).hex()
    TOTPDevice.objects.bulk_create([TOTPDevice(user=user, name="phone", key=key) for user in users])


# allauth


def allauth(username: str, code: str) -> bool:
    """Fetch the user and the authenticator. allauth records a used code in the cache for 30 s."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    row = AllauthAuthenticator.objects.get(user=user, type=AllauthAuthenticator.Type.TOTP)
    return bool(row.wrap().validate_code(code))


def allauth_recorded(username: str, code: str) -> bool:
    """Check as ``allauth()`` does, and record the usage in the database like allauth's login."""
    user = User._default_manager.get(**{User.USERNAME_FIELD: username})
    row = AllauthAuthenticator.objects.get(user=user, type=AllauthAuthenticator.Type.TOTP)
    if not row.wrap().validate_code(code):
        return False
    row.record_usage()
    return True


def enroll_allauth(users: Sequence[Any]) -> None:
    """Create a TOTP authenticator of allauth for each user."""
    kind = AllauthAuthenticator.Type.TOTP
    AllauthAuthenticator.objects.bulk_create(
        [AllauthAuthenticator(user=user, type=kind, data={"secret": SECRET}) for user in users]
    )


# Django's password


def password(username: str, typed: str) -> bool:
    """Check a password with Django's default hasher."""
    return authenticate(_REQUEST, username=username, password=typed) is not None


def enroll_password(users: Sequence[Any]) -> None:
    """Set the same password for all users. Hashing a password for each would take minutes."""
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
        "ours, `authenticate()`, limited by its address",
        ours_limited,
        enroll_limited,
        right=False,
    ),
    Contestant(
        "spent-wrong",
        "ours, `authenticate()`, no guess left at the account",
        ours_authenticate,
        enroll_spent,
        right=False,
    ),
    Contestant(
        "django-otp-wrong", "django-otp, `match_token`", django_otp, enroll_django_otp, right=False
    ),
    Contestant("allauth-wrong", "allauth, `validate_code`", allauth, enroll_allauth, right=False),
    Contestant("password-wrong", "Django's password", password, enroll_password, False, 50),
]


def offered(contestant: Contestant, now: float) -> str:
    """Return the code (or password) for a contestant at ``now``, right or wrong as it requires."""
    if contestant.check is password:
        return PASSWORD if contestant.right else "wrong horse battery staple"
    step = hotp.time_step(now)
    right = [hotp.code_at(SECRET, counter) for counter in range(step - 2, step + 3)]
    if contestant.right:
        return right[2]
    return next(code for code in map("{:06}".format, range(10)) if code not in right)
