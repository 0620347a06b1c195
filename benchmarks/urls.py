"""The admin, whose login pages are visited; the rest of what is measured lies below pages."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
