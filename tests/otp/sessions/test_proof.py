"""What a session has shown, and which pages ask for it (R51)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate, login
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import is_fresh
from tests.otp.pages.login.helpers import CHECK, INDEX, LOGIN, ask, code, enter, logged_in, text
from tests.otp.pages.methods.helpers import ADD, CODES, METHODS, rename
from tests.support import NOW, give, make_user, totp, use_policy, username, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R51")]

POLICIES = ["AnyCode", "AuthenticatorOnceEnrolled", "Both"]

PASSWORD = "correct horse"

# Pages of the OTP admin of each kind.
PAGES = [
    INDEX,
    METHODS,
    ADD,
    CODES,
    "/admin/jsi18n/",
    "/admin/auth/",
    "/admin/auth/group/",
    "/admin/auth/group/add/",
    "/admin/autocomplete/",
    "/admin/swap_user/authenticator/",
    "/admin/nothing/",
]


@pytest.fixture
def boss(staff: Any) -> Any:
    """A superuser, who has a password where the user model has one."""
    if hasattr(staff, "set_password") and staff.has_usable_password() is not None:
        try:
            staff.set_password(PASSWORD)
        except Exception:
            return staff
        staff.save()
    return staff


def by_another_page(client: Client, user: Any) -> None:
    """Log in as a page of another kind does: a password page, allauth, single sign-on."""
    client.force_login(user)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("enrolled", [False, True])
def test_a_login_of_another_kind_is_no_proof(
    client: Client, boss: Any, settings: Any, policy: str, enrolled: bool
) -> None:
    """The OTP admin asks for a login, on every page; and nothing is enrolled or shown."""
    use_policy(settings, policy)
    row = give(boss, name="One") if enrolled else None
    by_another_page(client, boss)
    for page in PAGES if row is None else [*PAGES, rename(row)]:
        response = client.get(page)
        assert response.status_code == 302, page
        assert response["Location"] == f"{LOGIN}?next={page}"
    client.post(ADD, {"name": "x"})
    client.post(CODES)
    assert Authenticator.objects.count() == enrolled
    assert not RecoveryCode.objects.exists()
    assert "_swap_user_enrollment" not in client.session
    assert logged_in(client), "it stays a login everywhere else"


def test_the_login_page_says_what_is_missing(client: Client, boss: Any) -> None:
    """To a user who is logged in: neither a loop, nor an empty page, nor "no access"."""
    by_another_page(client, boss)
    response = client.get(INDEX, follow=True)
    assert response.redirect_chain == [(f"{LOGIN}?next={INDEX}", 302)]
    page = text(response)
    assert "You are logged in" in page
    assert "a one-time code" in page
    assert "has no access" not in page
    assert f'value="{username()}"' in page
    assert client.get(CHECK)["Location"] == LOGIN
    assert enter(client, code(client))["Location"] == INDEX
    assert client.get(INDEX).status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX


@pytest.mark.user_model("password")
def test_a_password_elsewhere(client: Client, boss: Any, settings: Any) -> None:
    """With the policy "both": on Django's own page, then the admin, which wants both factors."""
    use_policy(settings, "Both")
    settings.ROOT_URLCONF = __name__
    response = client.post("/accounts/login/", {"username": username(), "password": PASSWORD})
    assert response.status_code == 302
    assert logged_in(client)
    assert client.get(INDEX).status_code == 302
    page = text(client.get(LOGIN))
    assert "your password" in page
    assert "a one-time code" in page
    assert ask(client, password=PASSWORD).status_code == 302
    from swap_user.testing import outbox

    assert client.get(INDEX).status_code == 302
    assert enter(client, outbox[-1].otp).status_code == 302
    assert client.get(INDEX).status_code == 200


def test_a_session_of_the_version_before(client: Client, boss: Any) -> None:
    """It has no record: one logs in again for the admin, without an error."""
    client.force_login(boss)
    session = client.session
    session["_swap_user_logged_in_at"] = 1_800_000_000.5
    session.save()
    assert client.get(INDEX).status_code == 302
    assert client.get(LOGIN).status_code == 200
    assert enter(client, code(client)).status_code == 302
    assert client.get(INDEX).status_code == 200


def test_only_a_login_with_a_code_is_fresh(boss: Any) -> None:
    """Django's login() with a user that no code belongs to is not."""
    request = visitor()
    login(request, boss, backend="swap_user.backends.OTPBackend")
    assert not is_fresh(request)


def test_the_code_of_somebody_else_is_no_proof(boss: Any) -> None:
    """A view that checks one user's code and logs in another one."""
    from tests.support import ask as ask_for
    from tests.support import enter as offer

    other = make_user(2, is_staff=True)
    request = visitor()
    assert offer(request, ask_for(request)) == boss
    login(request, other, backend="swap_user.backends.OTPBackend")
    assert not is_fresh(request)


def test_another_login_takes_the_proof_away(client: Client, boss: Any) -> None:
    """Who logs in again by another page, as the same or as another user, has shown nothing."""
    settings_of = [boss, make_user(2, is_staff=True, is_superuser=True), boss]
    assert enter(client, code(client)).status_code == 302
    assert client.get(INDEX).status_code == 200
    for user in settings_of:
        by_another_page(client, user)
        assert client.get(INDEX).status_code == 302


def test_an_app_that_was_added_meanwhile(client: Client, boss: Any, settings: Any) -> None:
    """By a command, say: the session has not shown it, and the policy now asks for it."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert enter(client, code(client)).status_code == 302
    assert client.get(INDEX).status_code == 200
    give(boss)
    assert client.get(INDEX).status_code == 302
    assert "authenticator app" in text(client.get(LOGIN))


@pytest.mark.parametrize("policy", POLICIES)
def test_an_app_that_is_added_in_the_session(
    client: Client, boss: Any, settings: Any, clock: Any, policy: str
) -> None:
    """It has just been shown: one goes on, and may add another one."""
    from swap_user.testing import outbox
    from tests.otp.pages.methods.helpers import begin, totp_of

    use_policy(settings, policy)
    if policy == "Both" and hasattr(type(boss), "password"):
        ask(client, password=PASSWORD)
    else:
        ask(client)
    assert enter(client, outbox[-1].otp).status_code == 302
    for name in ("one", "two"):
        secret = begin(client, name)
        assert client.post(ADD, {"otp": totp_of(secret, NOW)}).status_code == 302
        assert client.get(INDEX).status_code == 200
    assert Authenticator.objects.exclude(type="sent").count() == 2


def test_staff_log_out_without_proof(client: Client, boss: Any) -> None:
    """The way out of the admin asks for nothing."""
    by_another_page(client, boss)
    assert client.post("/admin/logout/").status_code == 200
    assert not logged_in(client)


def answer(request: HttpRequest) -> HttpResponse:
    """A page of the site that is not the admin's."""
    return HttpResponse(str(request.user.pk))


from django.contrib import admin  # noqa: E402

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("whoami/", answer),
]
__all__ = ["authenticate", "totp"]
