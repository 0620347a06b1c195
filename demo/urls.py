"""The landing page, the pages of an account, and the admin."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
from django.views.generic import TemplateView

from demo import ACCOUNT

landing = TemplateView.as_view(
    template_name="demo/landing.html", extra_context={"account": ACCOUNT}
)

urlpatterns = [
    path("", landing, name="landing"),
    # Browsers request it. A 404 would be logged between the codes.
    path("favicon.ico", lambda request: HttpResponse(status=204)),
    path("account/", include("swap_user.otp.urls")),
    path("admin/", admin.site.urls),
]
