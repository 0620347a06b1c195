"""W014: login pages that ask for a password alone."""

from __future__ import annotations

import sys
from functools import wraps
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path

from swap_user.checks.login_pages import check_code_as_password, check_login_pages
from tests.support import use_policy

pytestmark = [pytest.mark.requirement("R51")]

PASSWORDS = pytest.mark.user_model("password")


class Own(LoginView):
    """A project's subclass."""


class NotAModelBackend:
    """Accepts passwords of another server, for users without a column for them."""

    def authenticate(self, request: Any, username: str = "", password: str = "") -> None:
        """Accept nobody."""


def decorated(view: Any) -> Any:
    @wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return inner


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def reported(settings: Any, *patterns: Any) -> list[str]:
    """Which login pages of a site with these URLs are reported."""
    urls = ModuleType("tests.checks.some_urls")
    urls.urlpatterns = [path("admin/", admin.site.urls), *patterns]
    sys.modules[urls.__name__] = urls
    settings.ROOT_URLCONF = urls
    messages = check_login_pages(None)
    assert {each.id for each in messages} <= {"swap_user.W014"}
    assert all("OTP admin" in each.hint for each in messages)
    return [each.msg.split()[3] for each in messages]


@PASSWORDS
@pytest.mark.parametrize(
    ("patterns", "routes"),
    [
        ([path("in/", LoginView.as_view())], ["/in/"]),
        ([path("in/", Own.as_view())], ["/in/"]),
        ([path("in/", decorated(Own.as_view()))], ["/in/"]),
        ([path("a/", include("django.contrib.auth.urls"))], ["/a/login/"]),
        ([path("a/", include([path("b/", include("django.contrib.auth.urls"))]))], ["/a/b/login/"]),
        ([re_path(r"^x/(?P<n>\d+)/$", Own.as_view())], [r"/^x/(?P<n>\d+)/$"]),
        ([path("second/", AdminSite(name="second").urls)], ["/second/login/"]),
        ([path("x/", plain), path("x/", lambda request: None)], []),
        ([], []),
    ],
)
def test_what_is_reported(settings: Any, patterns: Any, routes: list[str]) -> None:
    """Each URL by its route; the OTP admin and pages without a password are not reported."""
    assert reported(settings, *patterns) == routes


@PASSWORDS
@pytest.mark.parametrize("package", ["rest_framework", "allauth.account"])
def test_pages_of_other_packages(
    settings: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django REST framework's and allauth's are found by their classes, wherever those are."""
    if package == "allauth.account":
        view: Any = type("LoginView", (), {"__module__": "allauth.account.views._login"})
        module: Any = ModuleType("allauth.account.views")
        module.LoginView = view
        monkeypatch.setitem(sys.modules, module.__name__, module)
        callback = decorated(plain)
        callback.view_class = type("Own", (view,), {})
        assert reported(settings, path("in/", callback)) == ["/in/"]
        return
    pytest.importorskip("rest_framework")
    assert reported(settings, path("api/", include("rest_framework.urls"))) == ["/api/login/"]


@pytest.mark.user_model("no password")
def test_users_without_passwords(settings: Any) -> None:
    """Nothing is reported, unless a backend takes the passwords of another server."""
    pattern = path("in/", LoginView.as_view())
    assert reported(settings, pattern) == []
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "django.contrib.auth.backends.ModelBackend",
    ]
    assert reported(settings, pattern) == []
    settings.AUTHENTICATION_BACKENDS += ["nowhere.Backend", f"{__name__}.plain"]
    assert reported(settings, pattern) == []
    settings.AUTHENTICATION_BACKENDS += [f"{__name__}.NotAModelBackend"]
    assert reported(settings, pattern) == ["/in/"]


@PASSWORDS
def test_without_a_backend_for_passwords(settings: Any) -> None:
    """Where only codes are accepted, no page can take a password."""
    settings.AUTHENTICATION_BACKENDS = ["swap_user.backends.OTPBackend"]
    assert reported(settings, path("in/", LoginView.as_view())) == []


class Odd:
    """A callback without a name, whose attributes can't be read."""

    def __call__(self, request: HttpRequest) -> None:
        """Answer nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(name)


@PASSWORDS
def test_odd_urlconfs(settings: Any) -> None:
    """One that includes itself, one that can't be loaded, and odd callbacks: no exception."""
    loop = ModuleType("tests.checks.loop_urls")
    sys.modules[loop.__name__] = loop
    loop.urlpatterns = [path("in/", Own.as_view()), path("again/", include(loop.__name__))]
    assert reported(settings, path("", include(loop.__name__))) == ["/in/"]
    for odd in ("no.such.urls", "", None, loop.__name__ + ".no"):
        settings.ROOT_URLCONF = odd
        assert check_login_pages(None) == []
    assert reported(settings, path("odd/", Odd()), path("in/", Own.as_view())) == ["/in/"]


# Codes as passwords

OTP = "swap_user.backends.OTPBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
CODE = "swap_user.backends.CodeAsPasswordBackend"


@PASSWORDS
def test_a_page_that_takes_codes_as_passwords(settings: Any) -> None:
    """It goes around no policy, unless another backend takes passwords."""
    settings.AUTHENTICATION_BACKENDS = [OTP, CODE]
    login = path("login/", LoginView.as_view())
    assert reported(settings, login) == []
    settings.AUTHENTICATION_BACKENDS = [OTP, MODEL, CODE]
    assert reported(settings, login) == ["/login/"]


@PASSWORDS
@pytest.mark.parametrize(
    ("backends", "policy", "ids"),
    [
        ([OTP, MODEL, CODE], "AnyCode", []),
        ([OTP, MODEL, CODE], "Both", ["swap_user.W025"]),
        ([OTP, CODE, MODEL], "AnyCode", ["swap_user.W026"]),
        ([CODE, OTP, MODEL], "Both", ["swap_user.W025", "swap_user.W026"]),
        ([OTP, MODEL], "Both", []),
        ([CODE, "nowhere.Backend"], "AnyCode", []),
        ([OTP, MODEL, CODE], "Missing", []),
    ],
)
def test_codes_as_passwords(
    settings: Any, backends: list[str], policy: str, ids: list[str]
) -> None:
    """W025: one code is not enough. W026: passwords are checked as codes first."""
    settings.AUTHENTICATION_BACKENDS = backends
    use_policy(settings, policy)
    assert [each.id for each in check_code_as_password(None)] == ids


@pytest.mark.user_model("no password")
def test_codes_as_passwords_without_passwords(settings: Any) -> None:
    """Then neither the order nor the policy is a mistake: some users need one code only."""
    settings.AUTHENTICATION_BACKENDS = [CODE, OTP, MODEL]
    use_policy(settings, "Both")
    assert check_code_as_password(None) == []
