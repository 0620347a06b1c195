"""
The link "This wasn't me" in a notice: what is signed, and where it leads (R26).

The signature is for this purpose only. It logs no user in.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse, translate_url
from django.utils.http import urlencode

from swap_user.otp.site_name import host_name
from swap_user.otp.store import keys

URL_NAME = "not-me"
SALT = "swap_user.not_me"
PARAMETER = "token"

# How long a link works, in seconds: a week, in which owners read their mail.
MAX_AGE = 7 * 86_400

_APP = "swap_user"


def page_url(request: HttpRequest, name: str = URL_NAME, app: str = _APP) -> str:
    """
    Return the URL of a page, without a token, or "" if there is none that is safe to send.

    A visitor chooses the host of a request. So ALLOWED_HOSTS must name it, without "*".

    Args:
        request: the request that caused the notice.
        name: the URL name of the page.
        app: the name of the application in which the page is.
    """
    host = host_name(request)
    if not host or "*" in settings.ALLOWED_HOSTS:
        return ""
    try:
        path = reverse(f"{_namespace(request, app)}:{name}")
    except NoReverseMatch:  # the pages are not included
        return ""
    is_secure = (
        request.is_secure() or settings.SECURE_SSL_REDIRECT or settings.SESSION_COOKIE_SECURE
    )
    return f"{'https' if is_secure else 'http'}://{host}{path}"


def _namespace(request: HttpRequest, app: str) -> str:
    """Return the namespace of the pages, which a request to one of them tells."""
    match = getattr(request, "resolver_match", None)
    if match is None or app not in match.app_names:
        return app
    return ":".join(match.namespaces[: match.app_names.index(app) + 1])


def link(url: str, user: Any, language: str) -> str:
    """
    Return the link for a user. Call it in the language of ``url``.

    Args:
        url: what ``page_url()`` returned, or "".
        user: the owner of the account.
        language: the language of the owner, for sites with a language in their URLs.

    Returns:
        The link, or "" if there is no URL.
    """
    if not url:
        return ""
    return f"{translate_url(url, language)}?{urlencode({PARAMETER: sign(user)})}"


def sign(user: Any) -> str:
    """Return a token that names a user."""
    return signing.dumps([user._meta.label_lower, str(user.pk)], salt=_salt())


def read(token: str) -> str | None:
    """Return the primary key of the user in a token, as text, or None if it is not valid."""
    try:
        match signing.loads(token, salt=_salt(), max_age=MAX_AGE):
            case [model, str(pk)] if model == get_user_model()._meta.label_lower:
                return pk
    except signing.BadSignature:
        pass
    return None


def _salt() -> str:
    """Return the salt of the signature. The token of one tenant is not valid in another one."""
    scope = keys.scope()
    return f"{SALT}:{scope}" if scope else SALT
