"""The own pages under any path and in any namespace, and where they lead."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.test import Client
from django.test.utils import override_script_prefix
from django.urls import include, path, reverse

from swap_user.otp import urls
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import field
from tests.support import username

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("user")]

OWN = "swap_user.otp.urls"
ROW = UUID(int=1)

NAMES: list[tuple[str, list[Any], str]] = [
    ("login", [], "login/"),
    ("check-otp", [], "check-otp/"),
    ("resend-otp", [], "resend-otp/"),
    ("step-up", [], "step-up/"),
    ("logout", [], "logout/"),
    ("not-me", [], "not-me/"),
    ("sign-up", [], "sign-up/"),
    ("change-username", [], "change-username/"),
    ("undo-change", [], "change-username/undo/"),
    ("sign-in-methods", [], "sign-in-methods/"),
    ("add-sign-in-method", [], "sign-in-methods/add/"),
    ("rename-sign-in-method", [ROW], f"sign-in-methods/{ROW}/rename/"),
    ("remove-sign-in-method", [ROW], f"sign-in-methods/{ROW}/remove/"),
    ("forget-browser", [7], "sign-in-methods/browsers/7/forget/"),
    ("recovery-codes", [], "sign-in-methods/recovery-codes/"),
    ("sessions", [], "sessions/"),
]

# Patterns, and the path under which they have the pages.
PLACES: dict[str, tuple[list[Any], str]] = {
    "root": ([path("", include(OWN))], "/"),
    "one folder": ([path("account/", include(OWN))], "/account/"),
    "folders": ([path("a/b.c/d-e/", include(OWN))], "/a/b.c/d-e/"),
    "inside a namespace": (
        [path("shop/", include(([path("me/", include(OWN))], "shop")))],
        "/shop/me/",
    ),
    "inside two namespaces": (
        [path("a/", include(([path("b/", include(([path("c/", include(OWN))], "b")))], "a")))],
        "/a/b/c/",
    ),
    "in a namespace of the site's": ([path("me/", include(OWN, namespace="me"))], "/me/"),
    "twice": (
        [path("first/", include(OWN)), path("second/", include(OWN, namespace="second"))],
        "/second/",
    ),
}


def own_links(response: Any) -> set[str]:
    """Where the links and the forms of a page lead on this host."""
    found = re.findall(r'\s(?:href|action)="(/[^"]*)"', response.content.decode())
    return {url for url in found if not url.startswith("/static/")}


def asked(client: Client, prefix: str, **data: str) -> str:
    """Take the first step, and return the code."""
    client.post(f"{prefix}login/", {"username": username(), **data})
    return outbox[-1].otp


def walk(client: Client, prefix: str) -> None:
    """Log in, look at every page that has no argument, and log out. All links stay here."""

    def stay(response: Any) -> None:
        assert response.status_code == 200
        links = own_links(response) - {"/"}
        assert links
        assert all(link.startswith(prefix) for link in links), links

    first = client.get(f"{prefix}sign-in-methods/", follow=True)
    assert first.redirect_chain == [(f"{prefix}login/?next={prefix}sign-in-methods/", 302)]
    stay(first)
    response = client.post(f"{prefix}login/", {"username": username()})
    assert response["Location"] == f"{prefix}check-otp/"
    stay(client.get(f"{prefix}check-otp/"))
    assert client.post(f"{prefix}resend-otp/")["Location"] == f"{prefix}check-otp/"
    response = client.post(f"{prefix}check-otp/", {"otp": outbox[-1].otp})
    assert response["Location"] == f"{prefix}sign-in-methods/"
    for page in ("", "add/", "recovery-codes/"):
        stay(client.get(f"{prefix}sign-in-methods/{page}"))
    stay(client.get(f"{prefix}sessions/"))
    assert client.get(f"{prefix}step-up/")["Location"] == f"{prefix}sign-in-methods/"
    stay(client.post(f"{prefix}logout/"))
    assert SESSION_KEY not in client.session


def test_names_and_addresses() -> None:
    """A project links to every page by its name in the namespace swap_user."""
    for name, args, route in NAMES:
        assert reverse(f"swap_user:{name}", args=args) == f"/account/{route}"
    assert {entry.name for entry in urls.urlpatterns} == {name for name, _, _ in NAMES}


@pytest.mark.parametrize("place", PLACES)
def test_they_work_at_any_place(client: Client, use_urls: Callable[..., None], place: str) -> None:
    """Every link and every redirect leads to pages of the same place."""
    patterns, prefix = PLACES[place]
    use_urls(*patterns)
    walk(client, prefix)


@pytest.mark.parametrize("language", ["en", "de"])
def test_they_work_below_a_language(
    client: Client, settings: Any, use_urls: Callable[..., None], language: str
) -> None:
    """The language of the address is kept, and the page names it."""
    middleware = "django.middleware.locale.LocaleMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.LANGUAGE_CODE = "en"
    use_urls(*i18n_patterns(path("account/", include(OWN))))
    assert f'<html lang="{language}"' in client.get(f"/{language}/account/login/").content.decode()
    walk(client, f"/{language}/account/")


def test_they_work_below_a_script_name(user: Any) -> None:
    """A site may be mounted below a path of its server. The link to the home page leads there."""
    with override_script_prefix("/app/"):
        client = Client(SCRIPT_NAME="/app")
        page = client.get("/account/login/")
        assert own_links(page) == {"/app/", "/app/account/login/"}
        response = client.post("/account/login/", {"username": username()})
        assert response["Location"] == "/app/account/check-otp/"
        response = client.post("/account/check-otp/", {"otp": outbox[-1].otp})
        assert response["Location"] == "/app/account/sign-in-methods/"


def test_other_packages_may_guard_the_rest(client: Client, settings: Any) -> None:
    """With LoginRequiredMiddleware and a LOGIN_URL of another package the pages are open still."""
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
    settings.LOGIN_URL = "/elsewhere/login/"
    walk(client, "/account/")
    # The logout needs no login.
    assert client.post("/account/logout/").status_code == 200
    for page in ("step-up/", "resend-otp/", "check-otp/"):
        assert client.post(f"/account/{page}")["Location"] == "/account/login/"


def test_without_a_page_to_go_to(client: Client, settings: Any) -> None:
    """The default of Django need not exist, so that a login leads to the sign-in methods."""
    assert not settings.is_overridden("LOGIN_REDIRECT_URL")
    otp = asked(client, "/account/")
    response = client.post("/account/check-otp/", {"otp": otp})
    assert response["Location"] == "/account/sign-in-methods/"
    assert client.get("/account/login/")["Location"] == "/account/sign-in-methods/"


@pytest.mark.parametrize("target", ["/basket/", "basket", "https://shop.example/basket/"])
def test_the_site_says_where_to_go(
    client: Client, settings: Any, use_urls: Callable[..., None], target: str
) -> None:
    """LOGIN_REDIRECT_URL is a path, a name, or an address elsewhere: the site's own choice."""
    basket = path("basket/", lambda request: HttpResponse(), name="basket")
    use_urls(basket, path("account/", include(OWN)))
    settings.LOGIN_REDIRECT_URL = target
    there = "/basket/" if target == "basket" else target
    otp = asked(client, "/account/")
    assert client.post("/account/check-otp/", {"otp": otp})["Location"] == there
    for step in ("login/", "check-otp/", "step-up/"):
        assert client.get(f"/account/{step}")["Location"] == there


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_site_that_says_nothing(client: Client, settings: Any, nothing: str | None) -> None:
    """An empty setting is as good as none."""
    settings.LOGIN_REDIRECT_URL = nothing
    otp = asked(client, "/account/")
    response = client.post("/account/check-otp/", {"otp": otp})
    assert response["Location"] == "/account/sign-in-methods/"


@pytest.mark.requirement("R38")
def test_next_comes_before_the_choice_of_the_site(client: Client, settings: Any) -> None:
    """Who was on the way to a page gets there."""
    settings.LOGIN_REDIRECT_URL = "/basket/"
    assert field(client.get("/account/login/?next=/x/%3Fa"), "next")["value"] == "/x/?a"
    otp = asked(client, "/account/", next="/x/?a")
    response = client.post("/account/check-otp/", {"otp": otp, "next": "/x/?a"})
    assert response["Location"] == "/x/?a"


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_stays_on_this_host(
    client: Client, user: Any, settings: Any, clock: Any, target: str
) -> None:
    """At every page that takes it: the steps, step-up and logout."""
    settings.LOGOUT_REDIRECT_URL = "/bye/"
    otp = asked(client, "/account/", next=target)
    response = client.post("/account/check-otp/", {"otp": otp, "next": target})
    assert response["Location"] == "/account/sign-in-methods/"
    clock.shift(3600)
    page = client.get("/account/step-up/", {"next": target})
    assert field(page, "next")["value"] == ""
    assert "evil" not in page.content.decode()
    assert client.post("/account/step-up/", {"next": target})["Location"] == "/account/step-up/"
    log_in(client, user)
    response = client.get("/account/step-up/", {"next": target})
    assert response["Location"] == "/account/sign-in-methods/"
    assert client.post("/account/logout/", {"next": target})["Location"] == "/bye/"
