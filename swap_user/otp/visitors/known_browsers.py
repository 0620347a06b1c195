"""
Known browsers: a browser that has logged in holds a signed cookie, and has budgets of its own.

So strangers can't use up what the owner of an account needs (OWASP, device cookies). The cookie
names accounts by their keyed hash. It lets nobody in: all that it gives is a budget.
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

# In seconds: one year. Browsers keep no cookie for much longer.
MAX_AGE = 365 * 86_400

# How far the clocks of a site's servers may lie apart, in ms.
_SKEW = 60_000

# How many accounts one browser is remembered for; the longest ago goes first.
MAX_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Browser:
    """
    What the cookie says.

    Args:
        id: random, the same for as long as the browser keeps the cookie.
        logins: for which accounts; of each when it logged in last, in ms since 1970, and what
            stands for its user.
    """

    id: str
    logins: dict[str, tuple[int, str]]

    def since(self, account_key: str, *, now: float) -> int:
        """Return when the account logged in here, in ms since 1970; 0 if not, or too long ago."""
        at, _ = self.logins.get(account_key, (0, ""))
        return at if -_SKEW <= now * 1000 - at <= MAX_AGE * 1000 else 0

    def is_of(self, account_key: str, user: AbstractBaseUser) -> bool:
        """Say whether it was this user who logged in to the account here."""
        return self.logins.get(account_key, (0, ""))[1] == mark(user)


def read(request: HttpRequest | None) -> Browser | None:
    """Return what the browser's cookie says, or None: there is none, or none of ours."""
    cookie = getattr(request, "COOKIES", {}).get(COOKIE) if request is not None else None
    if not cookie:
        return None
    try:
        match signing.loads(cookie, salt=SALT, max_age=MAX_AGE):
            case [str(name), dict(logins)] if name.isascii():
                return Browser(name, dict(_readable(logins)))
    except signing.BadSignature:
        pass
    return None


def _readable(logins: dict[str, object]) -> Iterator[tuple[str, tuple[int, str]]]:
    for account_key, login in logins.items():
        match login:
            case [int(at), str(mark)] if 0 <= at < 2**53:  # greater ones no float holds
                yield account_key, (at, mark)


def mark(user: AbstractBaseUser) -> str:
    """Return what stands for a user in the cookie: a name may be somebody else's by then."""
    return keys.keyed_hash("user", f"{user._meta.label_lower}:{user.pk}")[:8]


def remember(
    request: HttpRequest, response: HttpResponseBase, account_key: str, user: AbstractBaseUser
) -> None:
    """
    Let the browser be known from now on; to be called after a login.

    Args:
        request: the one that logged in.
        response: what answers it; it gets the cookie.
        account_key: as ``keys.account_key`` returns it.
        user: who logged in.
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
        signing.dumps([before.id, logins], salt=SALT),
        max_age=MAX_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def revocation_key(account_key: str) -> str:
    """Return where it lies from when on browsers are known for the account."""
    return keys.redis_key(account_key, "browsers")


LUA = """
-- Whether a browser that logged in at this time is known, by the key of the revocation.
local function is_known(key, since, browser)
    if since == 0 then return false end
    local revoked = redis.call('GET', key)
    if not revoked then return true end
    local at, kept = string.match(revoked, '^(%d+):(.*)$')
    return since > tonumber(at) or kept == browser
end
"""
"""A Lua function for the beginning of a script."""

_REVOKE = scripts.Script("return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])")


def revoke(account_key: str, *, keep: Browser | None = None) -> None:
    """
    Forget the account's browsers: their cookies count for nothing from now on.

    Args:
        account_key: as ``keys.account_key`` returns it.
        keep: the one that stays known.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    at = f"{int(time.time() * 1000)}:{keep.id if keep else ''}"
    _REVOKE([revocation_key(account_key)], [at, MAX_AGE * 1000])
