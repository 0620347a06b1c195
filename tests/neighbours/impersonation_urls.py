"""The admin, and the URLs of the package for impersonation that is installed."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

from tests.neighbours.impersonation import who_am_i

urlpatterns = [path("admin/", admin.site.urls), path("whoami/", who_am_i)]
if apps.is_installed("loginas"):
    urlpatterns.append(path("", include("loginas.urls")))
if apps.is_installed("hijack"):
    urlpatterns.append(path("hijack/", include("hijack.urls")))
if apps.is_installed("impersonate"):
    urlpatterns.append(path("impersonate/", include("impersonate.urls")))
