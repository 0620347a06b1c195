"""A site with the admin, and without the own pages."""

from django.contrib import admin
from django.urls import path

from tests.otp.pages.account.test_step_up import pay

urlpatterns = [path("admin/", admin.site.urls), path("pay/", pay)]
