"""
The link in a notice with which a change of address is undone: its token, and where it leads.

A queue stores the number of the change. The job makes the token from it.
"""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import urlencode

from swap_user.models import AddressChange
from swap_user.otp.delivery import not_me
from swap_user.otp.store.keys import scope

MAX_AGE = 7 * 86_400
"""How long the link works, in seconds."""

URL_NAME = "undo-change"
PARAMETER = "token"


def page_url(request: HttpRequest) -> str:
    """
    Return the URL of the page, or "" if there is none that is safe to send.

    It is one of the site's own pages, or of the admin if they are not included.

    Args:
        request: the request in which the address is changed.
    """
    return not_me.page_url(request, URL_NAME) or not_me.page_url(request, URL_NAME, "admin")


def link(url: str, user: Any, language: str, change_pk: int) -> str:
    """
    Return the link; see ``not_me.link()``.

    Args:
        url: what ``page_url()`` returned, or "".
        user: the owner of the account.
        language: the language of the owner.
        change_pk: the primary key of the change.
    """
    if not url:
        return ""
    query = urlencode({PARAMETER: _token(change_pk, user.pk, settings.SECRET_KEY)})
    return f"{translate_url(url, language)}?{query}"


def read(token: str) -> int | None:
    """Return the primary key in a token, which may be forged, or None."""
    number, _, _mac = token.partition("-")
    # In an unusual charset, the rest of the token may be text that can't be encoded.
    return int(number) if token.isascii() and number.isdigit() and len(number) < 19 else None


def fits(token: str, change: AddressChange) -> bool:
    """Return whether a token was made for this change."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    tokens = [_token(change.pk, change.user_id, key) for key in keys]
    return any(constant_time_compare(token, each) for each in tokens)


def _token(change_pk: int, user_pk: object, key: str | bytes) -> str:
    value = f"{scope()}:{change_pk}:{user_pk}"
    mac = salted_hmac("swap_user.undo", value, secret=key, algorithm="sha256")
    return f"{change_pk}-{mac.hexdigest()[:32]}"
