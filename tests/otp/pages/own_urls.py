"""
A site with pages of its own, and without the admin.

They are included where the admin would be, so that tests know the pages of both by the same
addresses. In place of the admin's index there is a home page for users who are logged in.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show the messages of the pages before."""
    return HttpResponse("\n".join(map(str, get_messages(request))))


urlpatterns = [
    path("admin/", home, name="home"),
    path("admin/", include("swap_user.otp.urls")),
]
