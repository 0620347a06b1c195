"""Every state of every page, of both skins and in any language, as HTML that a browser can show."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.test import RequestFactory
from django.utils import translation

from swap_user.models import Authenticator, LoginSession, WrongGuess
from swap_user.otp.pages.login.unavailable import unavailable_page
from swap_user.testing import outbox
from tests.browser.csp import POLICY
from tests.otp.admin.staff import FIREFOX, browser_of, end_page, know, page
from tests.otp.enforcement import project
from tests.otp.pages.account.every_page import (
    ADD,
    ADMIN,
    ADMIN_PAGES,
    CHECK,
    OVERVIEW,
    OWN,
    PAGES,
    RECOVERY,
    Visit,
)
from tests.support import configure, give, make_user, use_policy

SKINS = {"own": OWN, "admin": ADMIN}

ORIGIN = "http://localhost"

State = Callable[[Visit, Any], Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A page as it comes from the server.

    Attributes:
        path: its path, below ORIGIN.
        html: its text.
    """

    path: str
    html: bytes


def crowded(visit: Visit, settings: Any) -> Any:
    """Many methods with long names, and wrong guesses."""
    visit.inside()
    give(visit.user, name="A very long name of a phone that somebody owns and likes a lot")
    give(visit.user, name="Donaudampfschifffahrtsgesellschaftskapitänsdiensttelefonnummer")
    for number, name in enumerate(
        [FIREFOX, "unheard-of/1.0 (with a name of its own; " * 3, "x" * 90]
    ):
        know(visit.user, str(number), name, "2001:db8:85a3::/48")
        browser_of(visit.user, name)
    LoginSession.objects.update(network="2001:db8:85a3::/48")
    WrongGuess.objects.create(user=visit.user, at=int(time.time()), units=4, is_known=False)
    return visit.get(OVERVIEW)


def second_code(visit: Visit, settings: Any) -> Any:
    """A policy that asks for a sent code and for one of an app."""
    give(visit.user, name="One")
    use_policy(settings, "Both")
    visit.ask()
    return visit.client.post(f"{visit.root}{CHECK}", {"otp": outbox[-1].otp}, follow=True)


def must_enroll(visit: Visit, settings: Any, policy: str, path: str) -> Any:
    Authenticator.objects.filter(user=visit.user).delete()
    configure(settings, OTP_POLICY_CLASS=f"{project.__name__}.{policy}")
    return visit.inside().get(path)


def other_user(visit: Visit, address: Callable[[Any], str], number: int) -> Any:
    """A page on which staff see what another user has."""
    other = make_user(number)
    browser_of(other)
    know(other, network="203.0.113.0/24")
    return visit.inside().client.get(address(other))


def outage(visit: Visit, settings: Any, method: str) -> Any:
    """The page while Redis or the database is away."""
    request = getattr(RequestFactory(), method)(f"{visit.root}login/")
    response: Any = unavailable_page(request)
    response.request = {"PATH_INFO": request.path}
    return response


MORE: dict[str, State] = {
    "outage": lambda visit, settings: outage(visit, settings, "get"),
    "outage, post": lambda visit, settings: outage(visit, settings, "post"),
    "not me, invalid": lambda visit, settings: visit.get("not-me/?token=x"),
    "undo, invalid": lambda visit, settings: visit.get("change-username/undo/?token=x"),
    "code, second": second_code,
    "must enroll": lambda visit, settings: must_enroll(visit, settings, "AtOnce", ADD),
    "must enroll, later": lambda visit, settings: must_enroll(
        visit, settings, "Everyone", OVERVIEW
    ),
    "methods, crowded": crowded,
    "sessions, crowded": lambda visit, settings: visit.inside().get(visit.sessions),
    "recovery, replace": lambda visit, settings: (
        visit.inside().post(RECOVERY),
        visit.get(f"{RECOVERY}?new"),
    )[1],
}

ONLY_ADMIN: dict[str, State] = {
    "staff": lambda visit, settings: other_user(visit, page, 8),
    "staff, end": lambda visit, settings: other_user(visit, end_page, 9),
}


def states_of(skin: str) -> dict[str, State]:
    """The states of a skin by their names, in an order in which each of them can be reached."""
    pages = {"own": PAGES, "admin": ADMIN_PAGES}[skin]
    only: dict[str, State] = {"own": {}, "admin": ONLY_ADMIN}[skin]
    return {**MORE, **only, **{name: _plain(each) for name, each in pages.items()}}


def _plain(page: Callable[[Visit], Any]) -> State:
    return lambda visit, settings: page(visit)


def render(skin: str, language: str, user: Any, clock: Any, settings: Any) -> dict[str, Shown]:
    """Return each state of a skin by its name."""
    return dict(_render(skin, language, user, clock, settings))


def _render(
    skin: str, language: str, user: Any, clock: Any, settings: Any
) -> Iterator[tuple[str, Shown]]:
    settings.LANGUAGE_CODE = language
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    before = settings.SWAP_USER | {"OTP_SIGN_UP": True, "OTP_ISSUER": "Example Books"}
    for name, state in states_of(skin).items():
        clock.shift(60)
        settings.SWAP_USER = before
        with translation.override(language):
            response = state(Visit(user, clock, SKINS[skin]), settings)
        assert response.status_code in {200, 404, 503}, (name, response.status_code)
        html = response.content
        assert html.lstrip().startswith(b"<!DOCTYPE html>"), (name, html[:300])
        yield name, Shown(response.request["PATH_INFO"], html)


@cache
def static_file(path: str) -> tuple[bytes, str]:
    """The content and the type of a static file."""
    found = finders.find(path)
    assert isinstance(found, str), path
    return Path(found).read_bytes(), mimetypes.guess_type(found)[0] or "text/plain"


def answers(shown: Shown, *, with_scripts: bool) -> Callable[[Any], None]:
    """
    Return a handler for requests of the browser: they get the page, or a static file.

    Without scripts, the files of all scripts are empty. A browser that runs none could not run
    axe-core either.
    """
    headers = {"Content-Security-Policy": POLICY}

    def answer(route: Any) -> None:
        path = route.request.url.removeprefix(ORIGIN).partition("?")[0]
        if path.startswith("/static/"):
            body, content_type = static_file(path.removeprefix("/static/"))
            if path.endswith(".js") and not with_scripts:
                body = b""
        elif route.request.is_navigation_request():
            body, content_type = shown.html, "text/html; charset=utf-8"
        else:
            body, content_type = b"", "text/javascript"
        route.fulfill(body=body, content_type=content_type, headers=headers)

    return answer
