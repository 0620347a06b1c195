"""A project with policies that require apps, and with views that are guarded in every way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View

from swap_user.middleware import EnrollmentMiddleware
from swap_user.otp import OTPRequiredMixin, otp_required
from swap_user.otp.policies import AnyCode, AuthenticatorOnceEnrolled

DAY = 86_400


class Finance(AnyCode):
    must_enroll_groups = {
        "Finance": timedelta(days=14),
        "Board": timedelta(days=2),
        "Root": timedelta(0),
    }


class FinanceOnceEnrolled(Finance, AuthenticatorOnceEnrolled):
    pass


class Everyone(AnyCode):
    """Whoever logs in."""

    grace: Any = timedelta(days=7)

    def must_enroll(self, user: Any) -> Any:
        return self.grace


class AtOnce(Everyone):
    grace = True


class Never(Everyone):
    grace = False


class Silent(Everyone):
    grace = None


class Odd(Everyone):
    grace = 14


class Backwards(Everyone):
    grace = timedelta(days=-1)


class Endless(Everyone):
    grace = timedelta.max


def page(request: HttpRequest) -> HttpResponse:
    assert request.user  # as most pages do, which reads the session
    return HttpResponse("page " + "\n".join(map(str, get_messages(request))))


@login_not_required
def open_page(request: HttpRequest) -> HttpResponse:
    return page(request)


async def page_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("page " + "\n".join(map(str, get_messages(request))))


class Pay(OTPRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("page")


class PayAsync(OTPRequiredMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return await page_async(request)


class ByHand(EnrollmentMiddleware):
    """For a project with a page of its own, and with staff who act as other users."""

    def applies_to(self, request: HttpRequest) -> bool:
        return "acts_as" not in request.session

    def get_add_url(self, request: HttpRequest) -> str:
        return "/mine/"


urlpatterns = [
    path("admin/", admin.site.urls),
    path("account/", include("swap_user.otp.urls")),
    path("pay/", otp_required(page)),
    path("pay-async/", otp_required(page_async)),
    path("pay-class/", Pay.as_view()),
    path("pay-class-async/", PayAsync.as_view()),
    path("page/", page),
    path("page-async/", page_async),
    path("open/", open_page),
    path("leave/", LogoutView.as_view(next_page="/open/")),
    path("shop/logout/", page, name="shop_logout"),
    path("static/site.css", page),
    path("mine/", page),
]

MIDDLEWARE = "swap_user.middleware.EnrollmentMiddleware"
ADD, OWN_ADD = "/admin/sign-in-methods/add/", "/account/sign-in-methods/add/"

# Each place with the page that it leads to.
BY_DECORATOR = ["/pay/", "/pay-async/", "/pay-class/", "/pay-class-async/"]
OWN_PAGES = ["/account/sign-in-methods/", "/account/sign-in-methods/recovery-codes/"]
OWN_PAGES += ["/account/sessions/"]
BY_MIDDLEWARE = ["/page/", "/page-async/"]
PLACES = {
    "/admin/": ADD,
    "/admin/sign-in-methods/": ADD,
    **dict.fromkeys([*BY_DECORATOR, *OWN_PAGES, *BY_MIDDLEWARE], OWN_ADD),
}
