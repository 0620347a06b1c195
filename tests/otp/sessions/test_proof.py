"""What a session has shown, and which pages ask for it (R51)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import enroll, is_fresh
from swap_user.otp.policies import AnyCode
from swap_user.otp.sessions import proof
from swap_user.otp.sites import OTPAdminSite, OTPAdminSiteMixin
from swap_user.testing import enroll_authenticator, log_in, outbox
from tests.otp.pages.login.helpers import CHECK, INDEX, LOGIN, ask, code, enter, logged_in, text
from tests.otp.pages.methods.helpers import ADD, CODES, METHODS, begin, rename, totp_of
from tests.support import ask as ask_for
from tests.support import configure, give, make_user, use_policy, username, visitor
from tests.support import enter as offer
from tests.user_models import HAS_PASSWORD

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
    if HAS_PASSWORD:
        staff.set_password(PASSWORD)
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
    other = make_user(2, is_staff=True)
    request = visitor()
    assert offer(request, ask_for(request)) == boss
    login(request, other, backend="swap_user.backends.OTPBackend")
    assert not is_fresh(request)


def test_another_login_takes_the_proof_away(client: Client, boss: Any) -> None:
    """Who logs in again by another page, as the same or as another user, has shown nothing."""
    others = [boss, make_user(2, is_staff=True, is_superuser=True), boss]
    assert enter(client, code(client)).status_code == 302
    assert client.get(INDEX).status_code == 200
    for user in others:
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
    use_policy(settings, policy)
    if policy == "Both" and HAS_PASSWORD:
        ask(client, password=PASSWORD)
    else:
        ask(client)
    assert enter(client, outbox[-1].otp).status_code == 302
    for name in ("one", "two"):
        secret = begin(client, name)
        assert client.post(ADD, {"otp": totp_of(secret)}).status_code == 302
        assert client.get(INDEX).status_code == 200
    assert Authenticator.objects.exclude(type="sent").count() == 2


def test_staff_log_out_without_proof(client: Client, boss: Any) -> None:
    """The way out of the admin asks for nothing."""
    by_another_page(client, boss)
    assert client.post("/admin/logout/").status_code == 200
    assert not logged_in(client)


class Careless(OTPAdminSite):
    """A site of a project, whose permission does not ask the one of its base class."""

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)


class Theme(AdminSite):
    """A theme's site, with a page of its own."""

    def get_urls(self) -> Any:
        return [path("search/", self.admin_view(search), name="search"), *super().get_urls()]


class Themed(OTPAdminSiteMixin, Theme):
    """As the documentation says."""


def search(request: HttpRequest) -> HttpResponse:
    return HttpResponse("found")


@pytest.mark.parametrize("place", ["/careless/", "/themed/", "/themed/search/"])
def test_sites_of_projects(client: Client, boss: Any, settings: Any, place: str) -> None:
    """They ask as well, and let in who has logged in on them."""
    settings.ROOT_URLCONF = __name__
    site = f"/{place.split('/')[1]}/"
    by_another_page(client, boss)
    assert client.get(place)["Location"] == f"{site}login/?next={place}"
    assert "a one-time code" in text(client.get(f"{site}login/"))
    client.post(f"{site}login/", {"username": username()})
    assert client.post(f"{site}check-otp/", {"otp": outbox[-1].otp}).status_code == 302
    assert client.get(place).status_code == 200
    assert client.get(INDEX).status_code == 200


def test_permission_where_there_is_no_admin(boss: Any) -> None:
    """A project may ask a site that is in no URLconf: no exception."""
    request = visitor()
    request.user = boss
    with override_settings(ROOT_URLCONF="tests.otp.sessions.no_urls"):
        assert not admin.site.has_permission(request)
    proof.record(request.session, boss, ["sent"], now=time.time())
    assert admin.site.has_permission(request)


def test_staff_who_must_enroll(client: Client, boss: Any, settings: Any) -> None:
    """They log in here first: nobody enrolls an app in a session without proof."""
    configure(settings, OTP_STAFF_MUST_ENROLL=True)
    by_another_page(client, boss)
    assert client.get(INDEX)["Location"] == f"{LOGIN}?next={INDEX}"
    log_in(client, boss)
    assert client.get(INDEX)["Location"] == f"{ADD}?next={INDEX}"


@pytest.mark.parametrize(
    ("groups", "factors", "expected"),
    [
        ((), ["sent", "authenticator", "recovery", "password"], 302),
        ((frozenset(),), ["sent"], 302),
        ((frozenset({"sent"}), frozenset({"recovery"})), ["sent"], 302),
        ((frozenset({"sent"}), frozenset({"recovery"})), ["recovery", "sent"], 200),
        ((frozenset({"password"}),), ["sent"], 302),
    ],
)
def test_a_policy_of_a_project(
    client: Client, boss: Any, monkeypatch: Any, groups: Any, factors: Any, expected: int
) -> None:
    """Each group asks for one of its factors; with no groups at all nobody may log in."""
    monkeypatch.setattr(AnyCode, "groups", lambda self, user, *, enrolled: groups)
    log_in(client, boss, factors)
    assert client.get(INDEX).status_code == expected
    assert client.get(LOGIN).status_code == (302 if expected == 200 else 200)


def test_one_query_only_where_the_app_matters(
    client: Client,
    boss: Any,
    settings: Any,
) -> None:
    """Whether the user has an app is looked up once, and only if the answer depends on it."""

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/admin/jsi18n/").status_code == 200
        return len(captured)

    log_in(client, boss)
    usual = queries()
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert queries() == usual + 1
    log_in(client, boss, ["authenticator"])
    assert queries() == usual


def test_an_app_confirmed_in_a_session_without_proof(boss: Any, settings: Any) -> None:
    """By a view of a project, which should have asked for a recent login: it completes nothing."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    for request_user, shown_by, proven in ((boss, None, False), (boss, boss, True)):
        request = visitor()
        request.user = request_user
        if shown_by:
            proof.record(request.session, shown_by, ["sent"], now=time.time())
        Authenticator.objects.all().delete()
        enrollment = enroll(boss)
        code = totp_of(enrollment.secret)
        enrollment.confirm(code, request)
        assert is_fresh(request) is proven


def test_an_app_confirmed_long_after_the_login(boss: Any) -> None:
    """It does not make the login recent: the app is as old a factor as the login."""
    request = visitor()
    request.user = boss
    proof.record(request.session, boss, ["sent"], now=time.time() - 86_400)
    enrollment = enroll(boss)
    enrollment.confirm(totp_of(enrollment.secret), request)
    assert proof.is_sufficient(request)
    assert not is_fresh(request)


def test_a_proof_of_the_version_before(boss: Any) -> None:
    """It is found again after an update: its name and its form stay the same."""
    request = visitor()
    request.user = boss
    assert not is_fresh(request)
    record = {"user": str(boss.pk), "factors": {"sent": time.time()}}
    request.session["_swap_user_proof"] = record
    assert is_fresh(request)


@pytest.fixture
def shown(boss: Any) -> HttpRequest:
    """A request whose user has just shown a sent code."""
    request = visitor()
    request.user = boss
    proof.record(request.session, boss, ["sent"], now=time.time())
    return request


def test_an_app_of_somebody_else(shown: HttpRequest, boss: Any) -> None:
    """Staff who enroll an app for another user have not shown a factor of their own."""
    before = dict(shown.session[proof.SESSION_KEY])
    proof.note_enrollment(None, shown, authenticator=give(make_user(2)))
    assert shown.session[proof.SESSION_KEY] == before


def test_another_app_does_not_replace_the_first(
    shown: HttpRequest, boss: Any, settings: Any
) -> None:
    """Who has shown only a sent code where an app is needed proves nothing with a new app."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    give(boss)
    proof.note_enrollment(None, shown, authenticator=give(boss, name="new"))
    assert not proof.is_sufficient(shown)


def test_an_app_that_changes_what_is_required(
    shown: HttpRequest, boss: Any, monkeypatch: Any
) -> None:
    """From its enrollment on, within the same request."""

    def groups(self: Any, user: Any, *, enrolled: bool) -> Any:
        return (frozenset({"recovery" if enrolled else "sent"}),)

    monkeypatch.setattr(AnyCode, "groups", groups)
    assert proof.is_sufficient(shown)
    proof.note_enrollment(None, shown, authenticator=give(boss))
    assert not proof.is_sufficient(shown)


def test_an_app_that_is_enrolled_without_a_user(shown: HttpRequest, boss: Any, rf: Any) -> None:
    """By a command, by an API, or in a session whose user is gone: nothing is recorded."""
    authenticator = give(boss)
    before = dict(shown.session[proof.SESSION_KEY])
    shown.user = AnonymousUser()
    for request in (None, rf.get("/"), shown):
        proof.note_enrollment(None, request, authenticator=authenticator)
    assert shown.session[proof.SESSION_KEY] == before


def test_requests_without_a_user_or_a_session(shown: HttpRequest, boss: Any, rf: Any) -> None:
    """They have shown nothing, and nothing is missing for a visitor who is not logged in."""
    api = rf.get("/")
    assert not proof.is_sufficient(api)
    assert proof.missing(api) == ()
    api.user = boss
    assert not proof.is_sufficient(api)
    shown.user = AnonymousUser()
    assert not proof.is_sufficient(shown)
    assert proof.missing(shown) == ()


def test_a_request_that_gets_another_user(shown: HttpRequest, boss: Any, settings: Any) -> None:
    """Whether this user has an app is looked up, too."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert proof.is_sufficient(shown)
    shown.user = make_user(2)
    give(shown.user)
    proof.record(shown.session, shown.user, ["sent"], now=time.time())
    assert not proof.is_sufficient(shown)


def test_log_in_of_the_helpers(client: Client, boss: Any, settings: Any, tmp_path: Any) -> None:
    """With every session engine; a factor that does not exist is an error."""
    settings.SESSION_FILE_PATH = str(tmp_path)
    for engine in ("db", "cached_db", "cache", "file", "signed_cookies"):
        settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
        client = Client()
        log_in(client, boss)
        assert client.get(INDEX).status_code == 200, engine
    with pytest.raises(ValueError, match="There is no factor 'sms'"):
        log_in(client, boss, ["sms"])
    log_in(client, boss, "sent")
    assert client.get(INDEX).status_code == 200


def test_the_app_of_the_helpers(client: Client, boss: Any) -> None:
    """What it shows logs in."""
    app = enroll_authenticator(boss)
    code(client)
    assert enter(client, app.now()).status_code == 302
    assert logged_in(client)
    assert str(app.authenticator) == "Test app"


urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("careless/", Careless(name="careless").urls),
    path("themed/", Themed(name="themed").urls),
]
