"""The admin, where `startproject` puts it, and the pages for a site's own users."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("account/", include("swap_user.otp.urls")),
]
