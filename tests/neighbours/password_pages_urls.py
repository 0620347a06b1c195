"""The OTP admin, a plain admin site, and the login pages of allauth and Django REST framework."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("plain/", admin.AdminSite(name="plain").urls),
    path("accounts/", include("allauth.urls")),
    path("api/", include("rest_framework.urls")),
]
