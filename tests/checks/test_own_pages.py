"""Where the own pages can be included: below any path, but without arguments."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, re_path

pytestmark = pytest.mark.django_db

OWN = include("swap_user.otp.urls")


def page(request: Any, **kwargs: Any) -> HttpResponse:
    """A page of the project."""
    return HttpResponse()


def found(settings: Any, *patterns: Any) -> list[str]:
    """Return the messages of the check about a URLconf."""
    urlconf: Any = ModuleType("made_up_urls")
    urlconf.urlpatterns = [*patterns]
    settings.ROOT_URLCONF = urlconf
    return [each.msg for each in run_checks() if each.id == "swap_user.E025"]


@pytest.mark.parametrize(
    ("patterns", "route"),
    [
        ([path("<slug:shop>/account/", OWN)], "/<slug:shop>/account/"),
        ([path("<shop>/", include([path("account/", OWN)]))], "/<shop>/"),
        ([path("shops/", include([path("<shop>/", OWN)]))], "/shops/<shop>/"),
        ([re_path(r"^(\w+)/account/", OWN)], r"/^(\w+)/account/"),
        ([path("account/", OWN, {"shop": 1})], "/account/"),
    ],
)
def test_a_path_with_arguments(settings: Any, patterns: Any, route: str) -> None:
    """It is reported with its route. Without the check, the first visitor finds it."""
    (message,) = found(settings, *patterns)
    assert f"below the path {route}, " in message


def test_beside_a_view_without_a_hash(settings: Any) -> None:
    """A view may be any object that can be called."""

    class Page:
        __hash__ = None

        def __call__(self, request: Any, shop: str) -> HttpResponse:
            return HttpResponse()

    assert found(settings, path("<shop>/", include([path("cart/", Page()), path("", OWN)])))


def test_why_it_is_an_error(settings: Any) -> None:
    """The pages have no such arguments."""
    found(settings, path("<slug:shop>/account/", OWN))
    with pytest.raises(TypeError):
        Client().get("/shoes/account/login/")


def test_other_paths(settings: Any) -> None:
    """Nested, in any language, and beside pages with arguments."""
    patterns = [
        path("shop/", include([path("account/", OWN)])),
        path("<slug:shop>/", include([path("cart/", page)])),
        path("<slug:shop>/account/", page),
        *i18n_patterns(path("account/", OWN)),
    ]
    assert found(settings, *patterns) == []


@pytest.mark.parametrize("name", ["no.such.module", "tests.checks"])
def test_a_urlconf_that_is_broken(settings: Any, name: str) -> None:
    """Django reports it, and the check does not fail."""
    from swap_user.checks.urls import check_own_pages

    settings.ROOT_URLCONF = name
    assert check_own_pages(None) == []
