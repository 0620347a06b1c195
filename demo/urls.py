"""The landing page, and the admin that the login is for."""

from django.contrib import admin
from django.urls import path
from django.views.generic import TemplateView

from demo import ACCOUNT

landing = TemplateView.as_view(
    template_name="demo/landing.html", extra_context={"account": ACCOUNT}
)

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
]
