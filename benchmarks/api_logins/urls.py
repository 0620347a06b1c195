"""The JSON API."""

from django.urls import include, path

urlpatterns = [path("api/auth/", include("swap_user.api.urls"))]
