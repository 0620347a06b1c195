"""Users who must enroll an app: they are led to one page, add an app there, and come back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import include, path, reverse

from swap_user.models import Authenticator
from swap_user.otp.enforcement import pages
from swap_user.otp.pages.methods.names import ADD as ADD_NAME
from swap_user.testing import enroll_authenticator, log_in, outbox
from tests.clock import Clock
from tests.otp.enforcement import project
from tests.otp.enforcement.project import ADD, DAY, OWN_ADD, PLACES
from tests.otp.pages.methods.helpers import secret_in, totp_of
from tests.support import configure, username

pytestmark = pytest.mark.django_db


@pytest.fixture
def due(client: Client, user: Any, use: Any, join: Any) -> Client:
    """A browser with a fresh login of a user who must enroll an app."""
    use("FinanceOnceEnrolled")
    join("Root")
    log_in(client, user)
    return client


def form_action(response: Any, below: str) -> str:
    """The address that the form of a page is sent to."""
    text = response.content.decode()
    actions = re.findall(r'<form[^>]* action="([^"]+)"', text)
    (action,) = [each for each in actions if each.startswith(below)]
    return action.replace("&amp;", "&")


@pytest.mark.parametrize("url", [*PLACES, "/page/?a=1&b=%2F"])
def test_users_add_an_app_and_come_back(due: Client, url: str) -> None:
    """Through the forms of the pages, past the recovery codes, to where they wanted to go."""
    add_url = PLACES.get(url, OWN_ADD)
    response = due.get(url, follow=True)
    response = due.post(form_action(response, add_url), {"name": "Phone"}, follow=True)
    code = totp_of(secret_in(response))
    response = due.post(form_action(response, add_url), {"otp": code})
    codes_url = add_url.replace("add/", "recovery-codes/")
    assert response["Location"].startswith(f"{codes_url}?next=")
    page = due.get(response["Location"])
    target = url.replace("&", "&amp;")
    assert f'href="{target}">Not now</a>' in page.content.decode()
    page = due.post(form_action(page, codes_url), {"replaces": "0"}, follow=True)
    assert f'href="{target}">I have kept them</a>' in page.content.decode()
    assert due.get(url).status_code == 200


def test_a_wrong_code_does_not_lose_the_way_back(due: Client) -> None:
    """Nor does a second picture."""
    response = due.post(f"{OWN_ADD}?next=/pay/", {"name": ""}, follow=True)
    response = due.post(form_action(response, OWN_ADD), {"otp": "1"})
    assert f'<a class="swap-link" href="{OWN_ADD}?next=/pay/">' in response.content.decode()
    assert form_action(response, OWN_ADD) == f"{OWN_ADD}?confirm&next=/pay/"


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_the_way_back_leads_to_no_other_site(due: Client, user: Any, target: str) -> None:
    """Not after the app is added, and not from the recovery codes."""
    response = due.post(f"{OWN_ADD}?next={target}", {"name": ""}, follow=True)
    action = form_action(response, OWN_ADD)
    assert action == f"{OWN_ADD}?confirm"
    code = totp_of(secret_in(response))
    response = due.post(f"{action}&next={target}", {"otp": code})
    assert response["Location"] == "/account/sign-in-methods/recovery-codes/"
    page = due.get(f"/account/sign-in-methods/recovery-codes/?next={target}").content.decode()
    assert "evil" not in page
    assert "alert(1)" not in page


def test_after_a_form_there_is_no_way_back(due: Client) -> None:
    """A browser can't send it again."""
    for url, add_url in PLACES.items():
        assert due.post(url)["Location"] == add_url


def test_a_login_that_is_not_fresh(due: Client, clock: Clock) -> None:
    """A code first, then the page that adds an app: no loop, and the way back is kept."""
    clock.shift(3600)
    response = due.get("/page/", follow=True)
    first, second = [url for url, _ in response.redirect_chain]
    assert first == f"{OWN_ADD}?next=/page/"
    assert second.startswith(f"/account/step-up/?next={OWN_ADD}%3Fnext%3D")
    due.post("/account/step-up/", {"next": f"{OWN_ADD}?next=/page/"})
    response = due.post(
        "/account/step-up/", {"otp": outbox[-1].otp, "next": f"{OWN_ADD}?next=/page/"}, follow=True
    )
    assert response.redirect_chain == [(f"{OWN_ADD}?next=/page/", 302)]
    assert response.status_code == 200


@pytest.mark.parametrize("wanted", ["/open/", OWN_ADD, ""])
def test_the_login_of_the_own_pages_leads_there(
    client: Client, user: Any, use: Any, join: Any, wanted: str
) -> None:
    """Also if the next page is open to everyone."""
    use("Finance")
    join("Root")
    client.post("/account/login/", {"username": username(), "next": wanted})
    answer = {"otp": outbox[-1].otp, "next": wanted}
    response = client.post("/account/check-otp/", answer)
    way_back = {OWN_ADD: "", "": "?next=/account/sign-in-methods/"}.get(wanted, f"?next={wanted}")
    assert response["Location"] == f"{OWN_ADD}{way_back}"
    assert client.get(response["Location"]).status_code == 200


def test_the_login_of_the_admin_leads_there(client: Client, user: Any, use: Any, join: Any) -> None:
    """By its index, which is guarded."""
    use("Finance")
    join("Root")
    client.post("/admin/login/", {"username": username()})
    response = client.post("/admin/check-otp/", {"otp": outbox[-1].otp}, follow=True)
    assert response.redirect_chain == [("/admin/", 302), (f"{ADD}?next=/admin/", 302)]


@pytest.mark.parametrize("below", ["/admin/", "/account/"])
@pytest.mark.parametrize("group", ["Finance", "Root"])
def test_the_last_app_stays(
    client: Client, user: Any, use: Any, join: Any, below: str, group: str
) -> None:
    """Also in the grace period. Users may remove it when they have another one."""
    use("Finance")
    join(group)
    first = enroll_authenticator(user).authenticator
    log_in(client, user, ["authenticator"])
    url = f"{below}sign-in-methods/{first.pk}/remove/"
    for response in (client.get(url, follow=True), client.post(url, follow=True)):
        assert response.redirect_chain == [(f"{below}sign-in-methods/", 302)]
        assert "Add another one before you remove it." in response.content.decode()
    enroll_authenticator(user)
    assert client.get(url).status_code == 200
    client.post(url)
    assert not Authenticator.objects.filter(pk=first.pk).exists()
    assert client.get(below).status_code in {200, 404}


@pytest.mark.parametrize("below", ["/admin/", "/account/"])
def test_others_may_remove_their_last_app(
    client: Client, user: Any, use: Any, join: Any, below: str
) -> None:
    """And must add one at once if they join the group afterwards, without waiting."""
    use("Finance")
    app = enroll_authenticator(user).authenticator
    log_in(client, user, ["authenticator", "sent"])
    client.get("/page/")
    client.post(f"{below}sign-in-methods/{app.pk}/remove/")
    assert not Authenticator.objects.filter(type="totp").exists()
    join("Root")
    assert client.get("/page/")["Location"] == f"{OWN_ADD}?next=/page/"


def test_the_page_offers_no_other_way(due: Client, user: Any) -> None:
    """A button that leads back to the same page would be a riddle. Others can cancel."""
    for url in (ADD, OWN_ADD):
        page = due.get(url)
        assert ">Cancel</a>" not in page.content.decode()
        page = due.post(url, {"name": ""}, follow=True)
        assert ">Cancel</a>" not in page.content.decode()
    enroll_authenticator(user)
    log_in(due, user, ["authenticator"])
    assert ">Cancel</a>" in due.get(OWN_ADD).content.decode()


def test_an_app_that_was_added_elsewhere(due: Client, user: Any) -> None:
    """In another browser, or by a command: the next request notices it."""
    assert due.get("/page/").status_code == 302
    enroll_authenticator(user)
    assert due.get("/page/").status_code == 200


def test_logout_and_the_steps_of_a_login_stay_open(due: Client) -> None:
    """Users can leave, and log in as somebody else."""
    for url in ("/account/login/", "/account/step-up/", "/admin/jsi18n/"):
        assert due.get(url, {"next": "/open/"}, follow=True).status_code == 200
    page = due.post("/account/logout/", follow=True).content.decode()
    assert "You are logged out" in page


def test_a_site_without_own_pages(client: Client, user: Any, use: Any, settings: Any) -> None:
    """Its staff are led to the page of the admin."""
    use("AtOnce")
    settings.ROOT_URLCONF = (path("admin/", admin.site.urls), path("pay/", project.Pay.as_view()))
    log_in(client, user)
    assert client.get("/pay/")["Location"] == f"{ADD}?next=/pay/"


def test_a_site_with_own_pages_in_another_namespace(
    client: Client, user: Any, use: Any, settings: Any
) -> None:
    """The own pages lead to their own page."""
    use("AtOnce")
    below = ([path("me/", include("swap_user.otp.urls"))], "shop")
    settings.ROOT_URLCONF = (path("shop/", include(below)),)
    log_in(client, user)
    url = "/shop/me/sessions/"
    assert client.get(url)["Location"] == f"/shop/me/sign-in-methods/add/?next={url}"
    use("Everyone")
    client = Client()
    client.post("/shop/me/login/", {"username": username()})
    response = client.post("/shop/me/check-otp/", {"otp": outbox[-1].otp}, follow=True)
    assert 'href="/shop/me/sign-in-methods/add/">add one</a>' in response.content.decode()


def test_the_names_are_the_same() -> None:
    """The name of the page is written in two rows of the architecture."""
    assert pages._ADD == ADD_NAME
    assert reverse(f"swap_user:{ADD_NAME}") == OWN_ADD


def test_nothing_in_a_name_becomes_html(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """The path of the page, which a visitor chooses, is in the links."""
    use("Finance")
    join("Root")
    log_in(client, user)
    page = client.get('/page/?"><script>alert(1)</script>', follow=True).content.decode()
    assert "<script>alert" not in page
    clock.shift(DAY)


@pytest.mark.parametrize("url", ["/page/", "/pay/", "/account/sessions/"])
def test_visitors_are_not_concerned(client: Client, use: Any, settings: Any, url: str) -> None:
    """Whoever is not logged in sees what everyone sees, and gets no session."""
    use("AtOnce")
    configure(settings, OTP_STAFF_MUST_ENROLL=True)
    response = client.get(url)
    assert OWN_ADD not in response.get("Location", "")
    assert "sessionid" not in client.cookies
