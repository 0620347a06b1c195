"""The pages for a site's own users."""

from __future__ import annotations

import re
from typing import Any

from tests.docs.scenarios.steps import EMAIL, mailed, scenario, user_known_by

LOGIN, METHODS = "/account/login/", "/account/sign-in-methods/"


def enter(client: Any, page: str = LOGIN, *, follow: bool = True) -> Any:
    """Log in over the two pages, and return what the second one answers."""
    user_known_by(EMAIL)
    next_url = page.partition("?next=")[2]
    asked = client.post(page, {"username": EMAIL, "next": next_url})
    assert asked.status_code == 302, asked.content.decode()
    entered = client.post(asked["Location"], {"otp": mailed(), "next": next_url}, follow=follow)
    assert "_auth_user_id" in client.session
    return entered


def words(response: Any) -> str:
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


def brand() -> str:
    from django.contrib.staticfiles.finders import find

    with open(find("brand.css")) as file:
        return file.read()


def walk_the_pages() -> Any:
    """Log in, look at the pages, and log out. Return the browser."""
    from django.test import Client

    client = Client()
    assert client.get(METHODS)["Location"] == f"{LOGIN}?next={METHODS}"
    assert 'name="username"' in words(client.get(LOGIN))
    entered = enter(client)
    assert entered.redirect_chain == [(METHODS, 302)]
    assert EMAIL in words(entered)
    sessions = client.get("/account/sessions/")
    assert "This browser" in words(sessions)
    assert client.get("/account/logout/").status_code == 405
    left = words(client.post("/account/logout/"))
    assert "You are logged out" in left
    assert "My shop" in left
    assert client.get(METHODS).status_code == 302
    return client


@scenario("own-pages")
def _own_pages() -> None:
    from django.test import Client, override_settings

    client = walk_the_pages()
    page = words(client.get(LOGIN))
    assert "My shop" in page
    assert page.index("pages.css") < page.index("brand.css")
    enter(client)
    assert "brand.css" in words(client.get(METHODS))
    assert "Site administration" in words(client.get("/admin/"))
    shipped = (re.findall(r"--swap-[\w-]+(?=:)", brand()), static_text("swap_user/pages.css"))
    assert all(f"{name}:" in shipped[1] for name in shipped[0])
    with override_settings(LOGIN_REDIRECT_URL="/admin/", LOGOUT_REDIRECT_URL="/admin/login/"):
        client = Client()
        assert enter(client, follow=False)["Location"] == "/admin/"
        assert client.post("/account/logout/")["Location"] == "/admin/login/"


def static_text(name: str) -> str:
    from django.contrib.staticfiles.finders import find

    with open(find(name)) as file:
        return file.read()


@scenario("own-base")
def _own_base() -> None:
    from django.conf import settings
    from django.template.loader import render_to_string
    from django.test import Client, override_settings
    from django.utils import translation

    for language, direction in (("ar", "rtl"), ("de", "ltr")):
        with translation.override(language):
            page = render_to_string("base.html")
            assert f'<html lang="{language}" dir="{direction}">' in page
            assert page.startswith("<!DOCTYPE html>")

    def assert_own_base(page: str) -> None:
        assert '<a href="/">Your orders</a>' in page
        assert page.count("<main") == page.count("<h1") == 1
        content = page[page.index("<main>") :]
        assert "pages.css" in content
        assert "submit_once.js" in content

    client = Client()
    assert client.get("/")["Location"] == f"{LOGIN}?next=/"
    page = words(client.get(LOGIN))
    assert_own_base(page)
    assert re.search(r"<title>\s*Log in · My shop\s*</title>", page)
    assert "Log out" not in page
    orders = enter(client, f"{LOGIN}?next=/")
    assert f"Orders of {EMAIL}" in words(orders)
    page = words(client.get(METHODS))
    assert_own_base(page)
    assert page.count("Log out") == 1
    assert 'action="/account/logout/"' in page
    assert "/account/sessions/" in page
    assert_own_base(words(client.post("/account/logout/")))
    guard = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, guard]):
        client = Client()
        assert words(client.get(LOGIN))
        assert f"Orders of {EMAIL}" in words(enter(client, f"{LOGIN}?next=/"))
        assert words(client.post("/account/logout/"))


@scenario("own-checkout")
def _own_checkout() -> None:
    from django.core import mail
    from django.test import Client

    user_known_by(EMAIL)
    client = Client()
    assert 'name="email"' in words(client.get("/checkout/"))
    session = client.session
    session["basket"] = ["book"]
    session.save()
    asked = client.post("/checkout/", {"email": EMAIL})
    assert asked["Location"] == "/account/check-otp/?next=%2F"
    page = words(client.get(asked["Location"]))
    assert EMAIL in page
    again = client.post("/account/resend-otp/", {"next": "/"}, follow=True)
    assert "You can ask for another code in" in words(again)
    entered = client.post(asked["Location"], {"otp": mailed(), "next": "/"}, follow=True)
    assert f"Orders of {EMAIL}" in words(entered)
    assert client.session["basket"] == ["book"]
    before = len(mail.outbox)
    stranger = Client()
    asked = stranger.post("/checkout/", {"email": "unknown@example.com"})
    assert asked["Location"] == "/account/check-otp/?next=%2F"
    unknown = words(stranger.get(asked["Location"])).replace("unknown@example.com", EMAIL)
    assert without_secrets(unknown) == without_secrets(page)
    assert len(mail.outbox) == before


def without_secrets(page: str) -> str:
    """Return a page without what differs from visit to visit."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
    return re.sub(r"\d+", "", page)


@scenario("own-csp")
def _own_csp() -> None:
    from django.test import Client

    client = walk_the_pages()
    enter(client)
    add = "/account/sign-in-methods/add/"
    pages = [
        Client().get(LOGIN),
        client.get(METHODS),
        client.get("/account/sessions/"),
        client.post(add, {"name": "Phone"}, follow=True),
        client.post("/account/sign-in-methods/recovery-codes/", {"replaces": "0"}, follow=True),
    ]
    for page in pages:
        assert page["Content-Security-Policy"] == "default-src 'self'"
        assert_nothing_is_inline(words(page))
    assert "<svg" in words(pages[3])
    assert "recovery_codes.js" in words(pages[4])


def assert_nothing_is_inline(page: str) -> None:
    """No script, style or handler is in the page itself, and all that it loads is from here."""
    assert "<style" not in page
    assert not re.search(r"<[^>]*\s(style|on\w+)=", page)
    for script in re.findall(r"<script[^>]*>", page):
        assert 'src="/static/' in script
    for link in re.findall(r"<link[^>]*>", page):
        assert 'href="/static/' in link


@scenario("own-without-admin")
def _own_without_admin() -> None:
    from django.test import Client

    walk_the_pages()
    assert Client().get("/admin/").status_code == 404
