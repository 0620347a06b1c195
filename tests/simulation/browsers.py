"""The cookies that browsers get at a login."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse

from swap_user.otp import remember_browser, send_code
from swap_user.otp.visitors import known_browsers
from swap_user.testing import outbox
from tests.simulation.places import request_from
from tests.support import make_user, username


def enter(request: HttpRequest, user: Any) -> dict[str, str]:
    """Finish the login of a user whose code was accepted, and return the cookies of the browser."""
    login(request, user, backend="swap_user.backends.OTPBackend")
    response = HttpResponse()
    remember_browser(request, response)
    return {known_browsers.COOKIE: response.cookies[known_browsers.COOKIE].value}


def minted(addresses: list[str], *, number: int = 2) -> list[dict[str, str]]:
    """
    Return the cookies of browsers that an attacker makes known with an account of their own.

    Args:
        addresses: where each of the browsers is.
        number: that of the account's username.
    """
    user, cookies = make_user(number), []
    for address in addresses:
        request = request_from(address)
        send_code(request, username(number))
        assert authenticate(request, username=username(number), otp=outbox[-1].otp) == user
        cookies.append(enter(request, user))
    return cookies
