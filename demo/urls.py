"""The shop, the pages of an account, the admin, and the mails of the demo."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path

from demo.shop import views
from demo.shop.mails import mails_page

urlpatterns = [
    path("", views.front, name="front"),
    path("terms/", views.terms, name="terms"),
    path("order/<slug:slug>/", views.checkout, name="checkout"),
    path("order/<slug:slug>/place/", views.place_order, name="place-order"),
    path("orders/", views.orders, name="orders"),
    path("account/", include("swap_user.otp.urls")),
    path("admin/", admin.site.urls),
    path("mails/", mails_page, name="mails"),
    path("language/", include("django.conf.urls.i18n")),
    # Browsers request it. A 404 would be logged between the codes.
    path("favicon.ico", lambda request: HttpResponse(status=204)),
]
