"""The admin, where `startproject` puts it, the pages for a site's own users, and the JSON API."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("account/", include("swap_user.otp.urls")),
    path("api/auth/", include("swap_user.api.urls")),
]
