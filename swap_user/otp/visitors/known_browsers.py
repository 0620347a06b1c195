"""
Known browsers: a browser that has logged in gets a signed cookie, and has its own limits.

Attackers in other browsers can't use up these limits (OWASP: device cookies). The cookie contains
account keys, not usernames. It does not log a user in, and it has no effect without its row in the
database, which the owner of the account can delete.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from swap_user.models import KnownBrowser
from swap_user.otp.store import keys
from swap_user.otp.visitors.personal_data import browser_and_network, language_and_time_zone
from swap_user.users.databases import written

COOKIE = "swap_user_browser"
SALT = "swap_user.browser"

# Lifetime of the cookie in seconds: one year. Browsers delete cookies after little more than that.
MAX_AGE = 365 * 86_400

# Maximum number of accounts in a cookie. The account with the oldest login is removed first.
MAX_ACCOUNTS = 5

# Maximum number of browsers of an account. The browser with the oldest login is removed first.
MAX_BROWSERS = 10

# How old the stored time of the last login can be, in seconds. So most logins write no row.
_STORED_EVERY = 86_400


@dataclass(frozen=True)
class Browser:
    """
    The content of the cookie.

    Attributes:
        id: a random id, which stays the same while the browser keeps the cookie.
        accounts: the account keys of the last logins, the newest last.
    """

    id: str
    accounts: Sequence[str]

    @cached_property
    def hash(self) -> str:
        """The keyed hash of the id, which is stored in the database."""
        return keys.keyed_hash("browser", self.id)


def read(request: HttpRequest | None) -> Browser | None:
    """Return the content of the cookie of a request, or None if it is missing or not valid."""
    return parse(getattr(request, "COOKIES", {}).get(COOKIE) if request is not None else None)


def parse(cookie: str | None) -> Browser | None:
    """Return the content of a cookie, or None if it is missing or not valid."""
    if not cookie:
        return None
    try:
        match signing.loads(cookie, salt=_salt(), max_age=MAX_AGE):
            case [str(name), list(accounts)] if name.isascii():
                return Browser(name, [each for each in accounts if isinstance(each, str)])
    except signing.BadSignature:
        pass
    return None


def _salt() -> str:
    """Return the salt of the signature. The cookie of one tenant is not valid in another one."""
    scope = keys.scope()
    return f"{SALT}:{scope}" if scope else SALT


def is_recent(seen_at: datetime | None) -> bool:
    """Return whether a browser is known whose last login was at ``seen_at``, None for never."""
    return seen_at is not None and timezone.now() - seen_at <= timedelta(seconds=MAX_AGE)


def is_known(browser: str, user: Any) -> bool:
    """
    Return whether a user has logged in with a browser.

    Args:
        browser: the hash of the browser.
        user: the user.
    """
    rows = of_user(user).filter(browser=browser)
    return is_recent(rows.values_list("logged_in_at", flat=True).first())


def of_user(user: Any) -> "QuerySet[KnownBrowser]":
    """Return the known browsers of a user, the newest login first."""
    return written(KnownBrowser).filter(user_id=user.pk).order_by("-logged_in_at", "-pk")


def remember(request: HttpRequest, response: HttpResponseBase, account_key: str, user: Any) -> None:
    """
    Make the browser known, and set its cookie. Call it after a login.

    Args:
        request: the request of the login.
        response: the response, which gets the cookie.
        account_key: the account key, see ``keys.account_key()``.
        user: the user who logged in.
    """
    browser = read(request) or _new()
    row = of_user(user).filter(browser=browser.hash).first()
    if row is None and account_key in browser.accounts:
        # It was revoked. With the same id, this login would bring back all copies of its cookie.
        browser = _new()
    others = [each for each in browser.accounts if each != account_key]
    browser = Browser(browser.id, [*others[1 - MAX_ACCOUNTS :], account_key])
    values = language_and_time_zone()
    if row is None or _is_outdated(row, values):
        _store(browser, user, {**browser_and_network(request), **values})
    response.set_cookie(
        COOKIE,
        signing.dumps([browser.id, browser.accounts], salt=_salt()),
        max_age=MAX_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def _new() -> Browser:
    return Browser(secrets.token_urlsafe(16), [])


def _is_outdated(row: KnownBrowser, values: dict[str, str]) -> bool:
    age = timezone.now() - row.logged_in_at
    is_same = all(getattr(row, name) == value for name, value in values.items())
    return not is_same or age >= timedelta(seconds=_STORED_EVERY)


def _store(browser: Browser, user: Any, seen: dict[str, str]) -> None:
    rows = of_user(user)
    values = {"logged_in_at": timezone.now(), **seen}
    _, is_new = rows.update_or_create(user_id=user.pk, browser=browser.hash, defaults=values)
    if is_new:
        rows.filter(pk__in=list(rows.values_list("pk", flat=True)[MAX_BROWSERS:])).delete()


def revoke(user: Any, *, keep: Browser | None = None) -> None:
    """
    Revoke the known browsers of a user. Their cookies then have no effect for the account.

    Args:
        user: the user.
        keep: a browser that stays known, or None.
    """
    rows = written(KnownBrowser).filter(user_id=user.pk)
    (rows if keep is None else rows.exclude(browser=keep.hash)).delete()
