"""Leads users to the page that adds an authenticator app, or reminds them of it."""

import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.template.defaultfilters import date
from django.urls import NoReverseMatch, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _

from swap_user.otp.enforcement.standing import SESSION_KEY, Standing

# URL name of the page that adds an app, as in `pages/methods/names.py`, which is in a higher row.
_ADD = "add-sign-in-method"

# How often a session is reminded during the grace period, in seconds.
REMINDED_EVERY = 86_400


def enroll_first(
    request: HttpRequest, now: Standing, add_url: str | None = None
) -> HttpResponseRedirect | None:
    """
    Return a redirect to the page that adds an app if the user needs one now, or else None.

    In the grace period, a message reminds the user once in a day and session.

    Args:
        request: a request after the authentication middleware.
        now: what the policy requires of the user, see ``standing()``.
        add_url: URL of the page that adds an app. None for that of ``find_add_url()``.

    Raises:
        ImproperlyConfigured: the user needs an app now, and no page adds one.
    """
    if now.is_due:
        return redirect_to_enrollment(request, add_url or required_add_url(request))
    remind(request, now, add_url)
    return None


def redirect_to_enrollment(request: HttpRequest, add_url: str) -> HttpResponseRedirect:
    """
    Redirect to the page that adds an app, and from there back.

    Args:
        request: the request of the user. After a form, the user does not come back to its page.
        add_url: URL of the page that adds an app.
    """
    is_page = request.method in {"GET", "HEAD"}
    response = HttpResponseRedirect(
        with_next(add_url, request.get_full_path()) if is_page else add_url
    )
    add_never_cache_headers(response)
    return response


def with_next(url: str, next_url: str, field: str = REDIRECT_FIELD_NAME) -> str:
    """
    Return a URL with the field ``next``, or as it is if there is no next URL.

    Args:
        url: the URL.
        next_url: the value of the field, or "".
        field: the name of the field.
    """
    if not next_url:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode({field: next_url}, safe='/')}"


def find_add_url(request: HttpRequest) -> str | None:
    """
    Return the URL of the page that adds an app, or None if the project has no such page.

    On a page of an admin site, it is that of this site. On the own pages, it is one of them.
    Elsewhere, it is one of the own pages, or of the admin if there are none.
    """
    match = request.resolver_match
    here = match.app_names[-1:] if match else []
    current = match.namespace if match else None
    for namespace in (*(["admin"] if here == ["admin"] else []), "swap_user", "admin"):
        with suppress(NoReverseMatch):
            return reverse(f"{namespace}:{_ADD}", current_app=current)
    if current and here == ["swap_user"]:  # included in another namespace
        return reverse(f"{current}:{_ADD}")
    return None


def required_add_url(request: HttpRequest) -> str:
    """
    Return the URL of the page that adds an app.

    Raises:
        ImproperlyConfigured: the project has no such page.
    """
    url = find_add_url(request)
    if url is None:
        raise ImproperlyConfigured(
            "The policy requires an authenticator app, but no page adds one. Include "
            '"swap_user.otp.urls" in the URLconf.'
        )
    return url


def remind(request: HttpRequest, now: Standing, add_url: str | None = None) -> None:
    """
    Add a message with the end of the grace period, once in a day and session.

    Args:
        request: the request of the user.
        now: what the policy requires of the user.
        add_url: see ``enroll_first()``.
    """
    until = now.date
    if until is None:
        return
    session = request.session
    stored: dict[str, Any] = session.get(SESSION_KEY, {})
    if time.time() - stored.get("reminded_at", 0) < REMINDED_EVERY:
        return
    session[SESSION_KEY] = stored | {"reminded_at": time.time()}
    local = localtime(until) if is_aware(until) else until
    words = {
        "date": format_html("<bdi>{}</bdi>", date(local, "DATETIME_FORMAT")),
        "url": add_url or find_add_url(request),
    }
    text = (
        _(
            "From {date} on, your account needs an authenticator app. "
            'Please <a href="{url}">add one</a> before then.'
        )
        if words["url"]
        else _(
            "From {date} on, your account needs an authenticator app. Please add one before then."
        )
    )
    messages.warning(request, format_html(text, **words), fail_silently=True)
