"""Users who are logged in show a code once more, before something that requires it (R51)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from django.views import View

from swap_user.models import Authenticator
from swap_user.otp import (
    OTPRequiredMixin,
    end_sessions,
    generate_recovery_codes,
    otp_required,
    session_factors,
)
from swap_user.otp.visitors import code_request
from swap_user.testing import log_in, outbox
from tests.clock import Clock
from tests.otp.pages.login.helpers import field, text, wrong
from tests.support import configure, give, make_user, totp, use_policy, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R51")]

STEP_UP = "/account/step-up/"


@otp_required
def any_age(request: HttpRequest) -> HttpResponse:
    return HttpResponse("shown")


@otp_required(max_age=600)
def pay(request: HttpRequest, amount: int = 0) -> HttpResponse:
    return HttpResponse(f"paid {amount}")


@otp_required(max_age=600)
async def pay_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("paid")


class Pay(OTPRequiredMixin, View):
    max_age = 600

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid by a form")


class PayAsync(OTPRequiredMixin, View):
    max_age = 600

    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


@login_required
def factors(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(sorted(session_factors(request))))


urlpatterns = [
    path("account/", include("swap_user.otp.urls")),
    path("any-age/", any_age),
    path("pay/", pay),
    path("pay/<int:amount>/", pay),
    path("pay-async/", pay_async),
    path("pay-class/", Pay.as_view()),
    path("pay-class-async/", PayAsync.as_view()),
    path("pay-rarely/", Pay.as_view(max_age=7200)),
    path("factors/", factors),
]
PROTECTED = ["/pay/", "/pay-async/", "/pay-class/", "/pay-class-async/"]


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def client() -> Client:
    """A browser of its own."""
    return Client()


@pytest.fixture
def late(client: Client, user: Any, clock: Clock) -> Client:
    """A browser whose login was an hour ago."""
    log_in(client, user)
    clock.shift(3600)
    return client


def sent(client: Client) -> str:
    """Press the button that sends a code, and return that code."""
    before = len(outbox)
    assert client.post(STEP_UP, {"next": "/pay/"})["Location"] == f"{STEP_UP}?next=/pay/"
    assert len(outbox) == before + 1
    return outbox[-1].otp


@pytest.mark.parametrize("url", PROTECTED)
def test_a_recent_login_is_enough(client, user, url):
    """Nothing is asked."""
    log_in(client, user)
    assert client.get(url).content.startswith(b"paid")


@pytest.mark.parametrize("url", [*PROTECTED, "/any-age/"])
def test_without_a_login(client, url):
    """The login page asks, and leads back. The default of LOGIN_URL leads nowhere."""
    response = client.get(url)
    assert response["Location"] == f"/account/login/?next={url}"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("url", PROTECTED)
def test_a_sent_code_is_enough(late, url):
    """The page sends one at the press of a button, and leads back."""
    response = late.get(url)
    assert response["Location"] == f"{STEP_UP}?next={url}"
    before = len(outbox)
    page = late.get(response["Location"])
    assert len(outbox) == before, "the page sends nothing by itself"
    assert "Confirm that it is you" in text(page)
    response = late.post(STEP_UP, {"otp": sent(late), "next": url})
    assert response["Location"] == url
    assert late.get(url).content.startswith(b"paid")


def test_a_code_of_an_app_is_enough(late, user, clock):
    """Without a message."""
    give(user)
    late.get("/pay/")
    before = len(outbox)
    assert late.post(STEP_UP, {"otp": totp(time.time()), "next": "/pay/"})["Location"] == "/pay/"
    assert len(outbox) == before
    assert late.get("/pay/").content == b"paid 0"
    assert late.get("/factors/").content == b"authenticator sent"


def test_a_recovery_code_is_enough(late, user):
    """As in a login."""
    code = generate_recovery_codes(user)[0]
    assert late.post(STEP_UP, {"otp": code, "next": "/pay/"})["Location"] == "/pay/"
    assert late.get("/pay/").status_code == 200


@pytest.mark.requirement("R53", "R35")
def test_the_session_gets_a_new_key(late):
    """And stays logged in."""
    before = late.session.session_key
    late.post(STEP_UP, {"otp": sent(late)})
    assert late.session.session_key != before
    assert late.get("/factors/").status_code == 200


@pytest.mark.requirement("R6")
def test_a_code_counts_once(late, user):
    """Not a second time in another browser."""
    give(user)
    code = totp(time.time())
    other = Client()
    other.force_login(user)
    assert late.post(STEP_UP, {"otp": code}).status_code == 302
    response = other.post(STEP_UP, {"otp": code})
    assert "That code did not work" in text(response)


def test_a_wrong_code(late):
    """The page stays, and says so."""
    late.get("/pay/")
    response = late.post(STEP_UP, {"otp": wrong(sent(late)), "next": "/pay/"})
    assert response.status_code == 200
    assert "That code did not work" in text(response)
    assert field(response, "next")["value"] == "/pay/"
    assert late.get("/pay/").status_code == 302


def test_the_code_of_another_user(late, user):
    """It is not looked at: the account is that of the session."""
    other = make_user(2)
    give(other)
    response = late.post(STEP_UP, {"otp": totp(time.time()), "username": other.get_username()})
    assert "That code did not work" in text(response)


def test_a_code_asked_for_another_user_in_this_session(late):
    """A request for another account is not one of this page."""
    session = late.session
    now = time.time()
    code_request.save(session, username(2), now=now)
    session.save()
    assert "A code is on its way" not in text(late.get(STEP_UP))
    code_request.save(session, username(1), now=now)
    session.save()
    assert "A code is on its way" in text(late.get(STEP_UP))


def test_who_is_not_logged_in(client):
    """There is nothing to confirm: the login page, with next."""
    assert client.get(STEP_UP, {"next": "/pay/"})["Location"] == "/account/login/?next=/pay/"
    for data in ({}, {"otp": "123456"}):
        response = client.post(STEP_UP, {"next": "/pay/", **data})
        assert response["Location"] == "/account/login/?next=/pay/"
    assert not outbox


def test_nothing_is_asked_after_a_recent_login(client, user):
    """The page leads on."""
    log_in(client, user)
    assert client.get(STEP_UP, {"next": "/pay/"})["Location"] == "/pay/"


@pytest.mark.requirement("R38")
def test_next_stays_on_this_host(late):
    """As after a login."""
    response = late.post(STEP_UP, {"otp": sent(late), "next": "https://evil.example/"})
    assert response["Location"] == "/account/sign-in-methods/"


def test_a_shorter_age_than_that_of_a_fresh_login(client, user, clock, settings):
    """The page asks although the login is fresh enough for the pages of the package."""
    configure(settings, OTP_FRESH_LOGIN=3600)
    log_in(client, user)
    clock.shift(700)
    assert client.get("/pay/")["Location"] == f"{STEP_UP}?next=/pay/"
    assert client.get(STEP_UP).status_code == 200
    client.post(STEP_UP, {"otp": sent(client)})
    assert client.get("/pay/").status_code == 200


def test_the_age_of_a_class_can_be_an_argument(client, user, clock):
    """``as_view(max_age=…)`` takes the place of the attribute."""
    log_in(client, user)
    clock.shift(7000)
    assert client.get("/pay-rarely/").content == b"paid"
    clock.shift(201)
    assert client.get("/pay-rarely/").status_code == 302


def test_any_age(client, user, clock):
    """Without ``max_age`` the factors count as long as the session."""
    log_in(client, user)
    clock.shift(86_400)
    assert client.get("/any-age/").content == b"shown"


def test_a_login_without_a_code(client, user):
    """Of another package: the page asks, at any age."""
    client.force_login(user)
    assert client.get("/factors/").content == b""
    assert client.get("/any-age/")["Location"] == f"{STEP_UP}?next=/any-age/"
    assert client.get(STEP_UP).status_code == 200
    client.post(STEP_UP, {"otp": sent(client)})
    assert client.get("/any-age/").content == b"shown"
    assert client.get("/factors/").content == b"sent"


def test_a_form_that_is_too_late(late):
    """The visitor comes back to the page of the form."""
    assert late.post("/pay-class/")["Location"] == f"{STEP_UP}?next=/pay-class/"


def test_arguments_reach_the_view(client, user):
    """Those of the URL."""
    log_in(client, user)
    assert client.get("/pay/12/").content == b"paid 12"


@pytest.mark.parametrize("max_age", [0, -1, 29.9])
def test_an_age_that_no_browser_could_meet(max_age):
    """It would send visitors round in a circle."""
    with pytest.raises(ValueError, match="at least 30 seconds"):
        otp_required(max_age=max_age)
    assert callable(otp_required(max_age=30))


@pytest.mark.user_model("no password")
def test_two_factors(late, user, settings, clock):
    """With a policy that asks for both, both are asked for again, in either order."""
    use_policy(settings, "Both")
    give(user)
    late.get("/pay/")
    response = late.post(STEP_UP, {"otp": totp(time.time()), "next": "/pay/"})
    assert response.status_code == 200
    assert "Now enter the code that was sent to you." in text(response)
    assert late.get("/pay/").status_code == 302, "one is not enough"
    assert late.post(STEP_UP, {"otp": sent(late), "next": "/pay/"})["Location"] == "/pay/"
    assert late.get("/pay/").status_code == 200
    clock.shift(700)
    late.get("/pay/")
    response = late.post(STEP_UP, {"otp": sent(late), "next": "/pay/"})
    assert "Now enter the code of your authenticator app" in text(response)
    assert late.post(STEP_UP, {"otp": totp(time.time()), "next": "/pay/"})["Location"] == "/pay/"
    assert late.get("/pay/").status_code == 200


@pytest.mark.user_model("password")
def test_a_policy_that_asks_for_a_password(client, user, settings, clock):
    """Only the login page asks for it: the step-up leads there, and the login page asks."""
    use_policy(settings, "Both")
    user.set_password("correct horse")
    user.save()
    give(user)
    log_in(client, user, factors=["password", "sent"])
    clock.shift(700)
    client.get("/pay/")
    response = client.post(STEP_UP, {"otp": totp(time.time()), "next": "/pay/"})
    assert response["Location"] == "/account/login/?next=/pay/"
    assert field(client.get(response["Location"]), "password")["type"] == "password"
    data = {"username": username(), "password": "correct horse", "next": "/pay/"}
    client.post("/account/login/", data)
    clock.shift(30)  # each code counts once
    otp = {"otp": totp(time.time()), "next": "/pay/"}
    response = client.post("/account/check-otp/", otp)
    assert response["Location"] == "/pay/"
    assert client.get("/pay/").status_code == 200


def test_a_user_without_an_app(late, user):
    """Nothing can be entered before a code was sent, so the button is all there is."""
    page = text(late.get(STEP_UP))
    assert "You will be sent a one-time code." in page
    assert 'name="otp"' not in page
    assert '<button type="submit" class="swap-button">Send code' in page
    page = text(late.post(STEP_UP, follow=True))
    assert "A code is on its way to you." in page
    assert "app" not in page[page.index("<h1>") : page.index("Lost your phone?")]
    assert 'name="otp"' in page


def test_a_user_with_an_app(late, user):
    """The field, and the button beside it."""
    give(user)
    page = text(late.get(STEP_UP))
    assert "or let us send you one." in page
    assert 'name="otp"' in page
    assert '<button type="submit" class="swap-button swap-button-plain">Send code' in page
    assert "of your authenticator app works, too." in text(late.post(STEP_UP, follow=True))


def test_where_a_sent_code_is_not_accepted(late, user, settings):
    """No code is offered."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert 'id="resend-form"' in text(late.get(STEP_UP))
    give(user)
    assert 'id="resend-form"' not in text(late.get(STEP_UP))


def test_a_second_press_of_the_button(late):
    """No second message: the page says how long to wait."""
    sent(late)
    before = len(outbox)
    response = late.post(STEP_UP, follow=True)
    assert len(outbox) == before
    assert "You can ask for another code in" in text(response)


def test_redis_away(late, redis_away):
    """Status 503 and the same page, for the code and for the button."""
    redis_away()
    for data in ({"otp": "123456"}, {}):
        response = late.post(STEP_UP, data)
        assert response.status_code == 503
        assert "This is not possible right now." in text(response)


def test_under_asgi(user):
    """An async view asks in the same way."""

    async def ask() -> list[int]:
        browser = AsyncClient()
        await browser.aforce_login(user)
        answers = [(await browser.get(url)).status_code for url in PROTECTED]
        await sync_to_async(log_in)(browser, user)
        return [*answers, *[(await browser.get(url)).status_code for url in PROTECTED]]

    assert async_to_sync(ask)() == [302] * 4 + [200] * 4


def test_the_pages_of_an_account_ask_here(late):
    """The own pages lead to the step-up; the admin's lead to its login page."""
    url = "/account/sign-in-methods/add/"
    assert late.get(url)["Location"] == f"{STEP_UP}?next={url}"
    assert late.post(STEP_UP, {"otp": sent(late), "next": url})["Location"] == url
    assert late.get(url).status_code == 200


def test_the_times_of_factors(client, user, clock):
    """Each factor has the time at which it was last shown."""
    start = datetime.now(UTC)
    log_in(client, user, factors=["sent", "authenticator"])
    clock.shift(700)
    client.post(STEP_UP, {"otp": sent(client)})
    request = HttpRequest()
    request.session, request.user = client.session, user
    assert session_factors(request) == {
        "authenticator": start,
        "sent": start + timedelta(seconds=700),
    }


def test_an_app_that_is_gone_counts_no_more(client, user):
    """After the last one is removed, the session has not shown one."""
    apps = [give(user), give(user, name="Other")]
    log_in(client, user, factors=["sent", "authenticator"])
    for row, left in zip(apps, [b"authenticator sent", b"sent"], strict=True):
        client.post(f"/account/sign-in-methods/{row.pk}/remove/")
        assert client.get("/factors/").content == left
    assert not Authenticator.objects.exclude(type="sent").exists()


def test_a_session_that_has_ended(late, user):
    """There is nothing left to confirm."""
    code = sent(late)
    end_sessions(user)
    assert late.post(STEP_UP, {"otp": code})["Location"] == "/account/login/"


def test_a_site_without_the_own_pages(client, user, settings):
    """LOGIN_URL asks, which is a login page of this package."""
    settings.ROOT_URLCONF = "tests.otp.pages.account.admin_only_urls"
    settings.LOGIN_URL = "admin:login"
    client.force_login(user)
    assert client.get("/pay/")["Location"] == "/admin/login/?next=/pay/"
    assert client.get("/admin/login/?next=/pay/").status_code == 200
    settings.ROOT_URLCONF = __name__


def test_a_site_with_a_login_page_of_its_own(client, settings):
    """Who is not logged in is sent to LOGIN_URL, as Django does."""
    settings.LOGIN_URL = "/enter/"
    assert client.get("/pay/")["Location"] == "/enter/?next=/pay/"
