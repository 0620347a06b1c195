"""
Known browsers: a browser that has logged in gets a signed cookie, and has its own limits.

Attackers in other browsers can't use up these limits (OWASP: device cookies). The cookie contains
account keys, not usernames. It does not log a user in.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from swap_user.otp.store import keys, scripts

COOKIE = "swap_user_browser"
SALT = "swap_user.browser"

# Lifetime of the cookie in seconds: one year. Browsers delete cookies after little more than that.
MAX_AGE = 365 * 86_400

# Tolerated difference between the clocks of two servers, in milliseconds.
_SKEW = 60_000

# Maximum number of accounts in a cookie. The account with the oldest login is removed first.
MAX_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Browser:
    """
    The content of the cookie.

    Attributes:
        id: a random id, which stays the same while the browser keeps the cookie.
        logins: maps account keys to the time of the last login (Unix time in milliseconds) and the
            mark of the user, see ``mark()``.
    """

    id: str
    logins: dict[str, tuple[int, str]]

    def since(self, account_key: str, *, now: float) -> int:
        """
        Return the time of the last login to the account in this browser.

        Args:
            account_key: the account key.
            now: Unix time in seconds.

        Returns:
            Unix time in milliseconds, or 0 if there was no login or the login is too old.
        """
        at, _ = self.logins.get(account_key, (0, ""))
        return at if -_SKEW <= now * 1000 - at <= MAX_AGE * 1000 else 0

    def is_of(self, account_key: str, user: AbstractBaseUser) -> bool:
        """Return whether ``user`` is the user who logged in to the account in this browser."""
        return self.logins.get(account_key, (0, ""))[1] == mark(user)


def read(request: HttpRequest | None) -> Browser | None:
    """Return the content of the cookie, or None if it is missing or not valid."""
    cookie = getattr(request, "COOKIES", {}).get(COOKIE) if request is not None else None
    if not cookie:
        return None
    try:
        match signing.loads(cookie, salt=_salt(), max_age=MAX_AGE):
            case [str(name), dict(logins)] if name.isascii():
                return Browser(name, dict(_readable(logins)))
    except signing.BadSignature:
        pass
    return None


def _salt() -> str:
    """Return the salt of the signature. The cookie of one tenant is not valid in another one."""
    scope = keys.scope()
    return f"{SALT}:{scope}" if scope else SALT


def _readable(logins: dict[str, object]) -> Iterator[tuple[str, tuple[int, str]]]:
    for account_key, login in logins.items():
        match login:
            case [int(at), str(mark)] if 0 <= at < 2**53:  # exact as a number in Lua
                yield account_key, (at, mark)


def mark(user: AbstractBaseUser) -> str:
    """
    Return the mark of a user: a short keyed hash of the primary key.

    The cookie contains it to show whether the username still belongs to the same user.
    """
    return keys.keyed_hash("user", f"{user._meta.label_lower}:{user.pk}")[:8]


def remember(
    request: HttpRequest, response: HttpResponseBase, account_key: str, user: AbstractBaseUser
) -> None:
    """
    Set the cookie that makes the browser known. Call it after a login.

    Args:
        request: the request of the login.
        response: the response, which gets the cookie.
        account_key: the account key, see ``keys.account_key()``.
        user: the user who logged in.
    """
    now = int(time.time() * 1000)
    before = read(request) or Browser(secrets.token_urlsafe(16), {})
    others = sorted(
        ((name, login) for name, login in before.logins.items() if name != account_key),
        key=lambda login: login[1],
    )
    logins = dict([*others[1 - MAX_ACCOUNTS :], (account_key, (now, mark(user)))])
    response.set_cookie(
        COOKIE,
        signing.dumps([before.id, logins], salt=_salt()),
        max_age=MAX_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def revocation_key(account_key: str) -> str:
    """Return the Redis key of the account's revocation time."""
    return keys.redis_key(account_key, "browsers")


LUA = """
-- Return whether a browser is known. key: the Redis key of the account's revocation time;
-- since: time of the browser's last login, or 0; browser: its id.
local function is_known(key, since, browser)
    if since == 0 then return false end
    local revoked = redis.call('GET', key)
    if not revoked then return true end
    local at, kept = string.match(revoked, '^(%d+):(.*)$')
    return since > tonumber(at) or kept == browser
end
"""
"""A Lua function. Scripts that use it begin with this text."""

_REVOKE = scripts.Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


def revoke(account_key: str, *, keep: Browser | None = None) -> None:
    """
    Revoke the known browsers of an account. Their cookies then have no effect for the account.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        keep: a browser that stays known, or None.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    at = f"{int(time.time() * 1000)}:{keep.id if keep else ''}"
    _REVOKE([revocation_key(account_key)], [at, MAX_AGE * 1000])
