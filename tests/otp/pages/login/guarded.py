"""A site of one view behind the guard against outages, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test.utils import CaptureQueriesContext
from django.urls import path

from swap_user.otp.pages.login.unavailable import RETRY_AFTER, answer_outages

COOKIE = "sessionid"

View = Callable[[HttpRequest], HttpResponse]
views: list[View] = []


@answer_outages
def newest_view(request: HttpRequest) -> HttpResponse:
    return views[-1](request)


urlpatterns = [path("", newest_view)]


@pytest.fixture
def answers_with(settings: Any) -> Iterator[Callable[[View], None]]:
    """Lets the site consist of one view, in the guard."""
    settings.ROOT_URLCONF = __name__
    yield views.append
    views.clear()


def fail(error: Exception) -> Any:
    raise error


def page(text: str) -> Any:
    return engines["django"].from_string(text)


def assert_unavailable(response: Any) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == str(RETRY_AFTER)
    assert "This is not possible right now." in response.content.decode()
    assert COOKIE not in response.cookies


def session_writes(queries: CaptureQueriesContext) -> int:
    return sum(
        "django_session" in query["sql"] and not query["sql"].startswith("SELECT")
        for query in queries
    )
