"""EnrollmentMiddleware: a whole site, and what stays open."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client

from swap_user.middleware import EnrollmentMiddleware
from swap_user.models import EnrollmentGrace
from swap_user.testing import enroll_authenticator, log_in
from tests.otp.enforcement import project
from tests.otp.enforcement.project import BY_DECORATOR, BY_MIDDLEWARE, OWN_ADD

pytestmark = pytest.mark.django_db

OPEN = ["/open/", "/shop/logout/", "/static/site.css"]


@pytest.fixture
def due(client: Client, user: Any, use: Any, join: Any) -> Client:
    """A browser of a user who must enroll an app."""
    use("Finance")
    join("Root")
    log_in(client, user)
    return client


@pytest.mark.parametrize("url", OPEN)
def test_what_stays_open(due: Client, url: str) -> None:
    """Views that need no login, logouts and static files."""
    assert due.get(url).status_code == 200


def test_a_logout_of_django(due: Client) -> None:
    """Whatever its name is."""
    assert due.post("/leave/")["Location"] == "/open/"
    assert due.get("/page/").status_code == 200  # nobody is logged in any more


@pytest.mark.parametrize("url", [*BY_MIDDLEWARE, *BY_DECORATOR])
def test_under_asgi(due: Client, user: Any, url: str) -> None:
    """The same for an asynchronous server, where the middleware is called without a thread."""

    async def get() -> Any:
        client = AsyncClient()
        client.cookies = due.cookies
        return await client.get(url)

    assert async_to_sync(get)()["Location"] == f"{OWN_ADD}?next={url}"
    enroll_authenticator(user)
    assert async_to_sync(get)().status_code == 200


@pytest.mark.parametrize("url", [*BY_DECORATOR, *BY_MIDDLEWARE])
def test_with_login_required_middleware(due: Client, settings: Any, url: str) -> None:
    """In any order: no loop, and the page that adds an app is open."""
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    for middleware in ([*settings.MIDDLEWARE, required], _before_last(settings, required)):
        settings.MIDDLEWARE = middleware
        response = due.get(url, follow=True)
        assert response.redirect_chain == [(f"{OWN_ADD}?next={url}", 302)]
        assert response.status_code == 200


def _before_last(settings: Any, name: str) -> list[str]:
    others = [each for each in settings.MIDDLEWARE if each != name]
    return [*others[:-1], name, others[-1]]


@pytest.mark.parametrize("url", BY_MIDDLEWARE)
def test_with_atomic_requests(
    client: Client, user: Any, use: Any, join: Any, settings: Any, url: str
) -> None:
    """The period begins all the same."""
    from django.db import connection

    use("Finance")
    join("Finance")
    log_in(client, user)
    connection.settings_dict["ATOMIC_REQUESTS"] = "async" not in url
    try:
        assert client.get(url).status_code == 200
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert EnrollmentGrace.objects.count() == 1


def test_a_password_is_no_way_around(client: Client, user: Any, use: Any, join: Any) -> None:
    """A login by another page or package is led there as well, and shows a code first."""
    use("Finance")
    join("Root")
    client.force_login(user)
    response = client.get("/page/", follow=True)
    assert response.redirect_chain[0] == (f"{OWN_ADD}?next=/page/", 302)
    assert response.redirect_chain[1][0].startswith("/account/step-up/")
    assert response.status_code == 200


def test_a_page_of_the_project(due: Client, settings: Any, user: Any) -> None:
    """A subclass names it, and leaves out sessions in which staff act as the user."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:-1], f"{project.__name__}.ByHand"]
    assert due.get("/page/")["Location"] == "/mine/?next=/page/"
    assert due.get("/mine/").status_code == 200
    session = due.session
    session["acts_as"] = True
    session.save()
    assert due.get("/page/").status_code == 200


def test_it_needs_the_user(rf: Any, use: Any) -> None:
    """In the wrong place, it says so instead of letting everyone pass."""
    use("AtOnce")
    middleware = EnrollmentMiddleware(lambda request: None)
    with pytest.raises(ImproperlyConfigured, match="after AuthenticationMiddleware"):
        middleware.process_view(rf.get("/"), project.page, (), {})


def test_a_site_without_a_page_that_adds_an_app(client: Client, user: Any, use: Any, settings: Any):
    """Its users see an error, not the page."""
    from django.urls import path

    use("AtOnce")
    settings.ROOT_URLCONF = (path("page/", project.page),)
    log_in(client, user)
    with pytest.raises(ImproperlyConfigured, match="no page adds one"):
        client.get("/page/")


def test_without_a_rule_no_session_is_read(rf: Any) -> None:
    """So that public pages can be cached."""

    class Session:
        def get(self, *args: Any) -> Any:
            raise AssertionError("the session was read")

    request = rf.get("/")
    request.session, request.user = Session(), AnonymousUser()
    middleware = EnrollmentMiddleware(lambda request: None)
    assert middleware.process_view(request, project.page, (), {}) is None
