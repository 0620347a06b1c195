"""The pages on one's own sign-in methods. What takes a browser is in tests/browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.crypto.hotp import code_at, time_step
from swap_user.otp.pages.methods import pending
from swap_user.otp.sites import OTPAdminSite
from swap_user.testing import MemoryOTPSender, outbox
from tests.support import NOW, give, make_user, username

pytestmark = pytest.mark.django_db


INDEX, LOGIN, CHECK = "/admin/", "/admin/login/", "/admin/check-otp/"
METHODS = "/admin/sign-in-methods/"
ADD = f"{METHODS}add/"
CODES = f"{METHODS}recovery-codes/"

urlpatterns = [path("admin/", admin.site.urls), path("second/", OTPAdminSite(name="second").urls)]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(client: Client) -> Any:
    """Staff without any permission, logged in."""
    user = make_user(is_staff=True)
    client.force_login(user)
    return user


def rename(row: Authenticator) -> str:
    return f"{METHODS}{row.pk}/rename/"


def remove(row: Authenticator) -> str:
    return f"{METHODS}{row.pk}/remove/"


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def secret_in(response: Any) -> str:
    """The secret that a page shows to be typed."""
    (found,) = re.findall(r"<code[^>]*>([A-Z2-7 ]+)</code>", response.content.decode())
    return str(found).replace(" ", "")


def begin(client: Client, name: str = "Work phone", **data: str) -> str:
    """The first half of adding; the secret comes back."""
    response = client.post(ADD, {"name": name, **data})
    assert response.status_code == 200
    return secret_in(response)


def totp_of(secret: str, now: float | None = None) -> str:
    return code_at(secret, time_step(time.time() if now is None else now, period=30))


def add(client: Client, name: str = "Work phone") -> Any:
    return client.post(ADD, {"otp": totp_of(begin(client, name))})


def make_stale(client: Client) -> None:
    session = client.session
    session["_swap_user_logged_in_at"] = time.time() - 600
    session.save()


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200


# --- What there is ------------------------------------------------------------------------------


def test_overview(client: Client, clock: Any, user: Any) -> None:
    page = text(client.get(METHODS))
    assert "None yet." in page
    assert f"<bdi>{username()}</bdi>" in page
    assert "Get recovery codes" in page
    row = give(user, name="Work <b>phone</b>")
    give(make_user(2), name="Somebody else's")
    generate_recovery_codes(user)
    response = client.get(METHODS)
    page = text(response)
    assert "Work <b>phone</b>" not in response.content.decode()
    assert "Authenticator app · added Jan. 15, 2027 · never used" in page
    assert "10 codes left" in page
    assert rename(row) in page
    assert remove(row) in page
    assert "Somebody else's" not in page


def test_overview_says_when_sent_codes_are_of_no_use(
    client: Client, user: Any, settings: Any
) -> None:
    policy = "swap_user.otp.policies.AuthenticatorOnceEnrolled"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}
    assert "no longer let you in" not in text(client.get(METHODS))
    give(user)
    assert "no longer let you in" in text(client.get(METHODS))


def test_few_recovery_codes(client: Client, user: Any) -> None:
    generate_recovery_codes(user)
    RecoveryCode.objects.filter(
        pk__in=list(RecoveryCode.objects.values_list("pk", flat=True)[:9])
    ).delete()
    page = text(client.get(METHODS))
    assert "1 code left" in page
    assert "Time for a new set." in page


# --- Adding -------------------------------------------------------------------------------------


@pytest.mark.requirement("R15", "R37")
def test_add(client: Client, clock: Any, user: Any, notices: Any) -> None:
    """By a code that is used up by it; the owner is told, and is offered recovery codes."""
    secret = begin(client)
    assert not Authenticator.objects.exists()
    code = totp_of(secret)
    response = client.post(ADD, {"otp": f" {code[:3]} {code[3:]} "})
    assert response["Location"] == CODES
    row = Authenticator.objects.get()
    assert (row.user, row.type, row.name) == (user, "totp", "Work phone")
    assert open_secret(row).rstrip("=") == secret
    assert "“Work phone” was added." in text(client.get(CODES))
    assert pending.SESSION_KEY not in client.session
    assert [told for told, _ in notices] == [user]
    client.post("/admin/logout/")
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": code}).status_code == 200
    assert client.post(CHECK, {"otp": totp_of(secret, NOW + 30)}).status_code == 302


def test_the_second_leads_to_the_overview(client: Client, user: Any) -> None:
    add(client, "One")
    assert add(client, "Two")["Location"] == METHODS


def test_add_by_counter(client: Client, user: Any) -> None:
    secret = begin(client, "", type="hotp")
    assert client.post(ADD, {"otp": code_at(secret, 0)}).status_code == 302
    assert str(Authenticator.objects.get()) == "Counter-based authenticator"


def test_the_picture_names_site_and_account(client: Client, user: Any) -> None:
    page = unescape(client.post(ADD, {"name": "x"}).content.decode())
    assert 'href="otpauth://totp/testserver:' in page
    assert 'role="img" aria-label="QR code' in page
    assert "<svg" in page


@pytest.mark.requirement("R26", "R27", "R37")
def test_the_secret_is_shown_once(client: Client, user: Any) -> None:
    """In the answer that made it; in no address, no session, no page that is fetched again."""
    secret = begin(client)
    seen = [client.get(ADD), client.get(f"{ADD}?confirm"), client.get(METHODS)]
    seen += [client.post(ADD, {"otp": "000000"}), client.post(ADD, {"otp": ""})]
    for response in seen:
        page = response.content.decode().replace(" ", "")
        assert secret not in page
        assert "<svgwidth" not in page
        assert "otpauth" not in page
    stored = [row.get_decoded() for row in Session.objects.all()]
    assert secret not in str(stored)
    assert "Enter its code" in text(seen[0])
    assert "is nearly there" in text(seen[1])
    assert client.post(ADD, {"otp": totp_of(secret)}).status_code == 302


def test_wrong_code(client: Client, user: Any) -> None:
    secret = begin(client)
    response = client.post(ADD, {"otp": "000000"})
    assert response.status_code == 200
    assert "That is not the code." in text(response)
    assert not Authenticator.objects.exists()
    assert client.post(ADD, {"otp": totp_of(secret)}).status_code == 302


def test_too_late(client: Client, clock: Any, user: Any) -> None:
    secret = begin(client)
    clock.shift(601)
    session = client.session
    session["_swap_user_logged_in_at"] = time.time()
    session.save()
    response = client.post(ADD, {"otp": totp_of(secret)})
    assert "That took too long." in text(response)
    assert not Authenticator.objects.exists()


@pytest.mark.requirement("R26")
def test_get_changes_nothing(client: Client, user: Any) -> None:
    row = give(user, name="One")
    secret = begin(client)
    client.get(ADD, {"otp": totp_of(secret), "confirm": ""})
    client.get(CODES, {"post": "yes"})
    client.get(rename(row), {"name": "Two"})
    client.get(remove(row), {"post": "yes"})
    assert [str(each) for each in Authenticator.objects.all()] == ["One"]
    assert not RecoveryCode.objects.exists()


def test_somebody_elses_session_entry(client: Client, user: Any) -> None:
    """A waiting enrollment is bound to its user."""
    secret = begin(client)
    packed = client.session[pending.SESSION_KEY]
    other = Client()
    other.force_login(make_user(2, is_staff=True))
    session = other.session
    session[pending.SESSION_KEY] = packed
    session.save()
    response = other.post(ADD, {"otp": totp_of(secret)})
    assert response.status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("data", [{"name": "x" * 65}, {"name": "\x00"}, {"name": "", "type": "s"}])
def test_odd_input(client: Client, user: Any, data: dict[str, str]) -> None:
    response = client.post(ADD, data)
    assert response.status_code == 200
    assert "errorlist" in text(response)
    assert pending.SESSION_KEY not in client.session


@pytest.mark.parametrize("otp", ["", "abc", "\x00", "1" * 65, "9" * 100_000])
def test_odd_codes(client: Client, user: Any, otp: str) -> None:
    begin(client)
    assert "errorlist" in text(client.post(ADD, {"otp": otp}))


def test_redis_away(client: Client, user: Any, settings: Any, tmp_path: Any) -> None:
    """Said in words; what was typed is kept and counts later."""
    code = totp_of(begin(client))
    caches = settings.CACHES
    location = f"unix://{tmp_path}/nobody-listens"
    settings.CACHES = {"default": {**caches["default"], "LOCATION": location}}
    response = client.post(ADD, {"otp": code})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert f'value="{code}"' in text(response)
    settings.CACHES = caches
    assert client.post(ADD, {"otp": code}).status_code == 302


# --- Renaming and removing ----------------------------------------------------------------------


def test_rename(client: Client, user: Any) -> None:
    row = give(user, name="One")
    assert 'value="One"' in text(client.get(rename(row)))
    assert client.post(rename(row), {"name": " My\n phone "})["Location"] == METHODS
    row.refresh_from_db()
    assert row.name == "My phone"
    assert client.post(rename(row), {"name": "x" * 65}).status_code == 200


@pytest.mark.requirement("R37")
def test_remove(client: Client, user: Any, notices: Any) -> None:
    row, other = give(user, name="One"), give(user, name="Two")
    assert "the last one" not in text(client.get(remove(row)))
    response = client.post(remove(row), follow=True)
    assert "“One” was removed." in text(response)
    assert list(Authenticator.objects.all()) == [other]
    assert len(notices) == 1
    assert "It is the last one." in text(client.get(remove(other)))


def test_what_is_not_ones_own(client: Client, user: Any) -> None:
    """Does not exist here: another's, a sent code's, none at all."""
    theirs = give(make_user(2))
    client.post(LOGIN, {"username": username()})
    sent = Authenticator.objects.filter(type="sent").first() or Authenticator(pk=uuid4())
    for row in [theirs, sent, Authenticator(pk=uuid4())]:
        for address in [rename(row), remove(row)]:
            assert client.get(address).status_code == 404
            assert client.post(address, {"name": "x"}).status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()


# --- Recovery codes -----------------------------------------------------------------------------


@pytest.mark.requirement("R31", "R37")
def test_recovery_codes(client: Client, user: Any, notices: Any) -> None:
    """Shown in the answer that made them and never again; a new set ends the one before."""
    old = generate_recovery_codes(user)
    notices.clear()
    assert "You have 10 left." in text(client.get(CODES))
    response = client.post(CODES)
    codes = re.findall(r"<li><code>([0-9A-Z-]+)</code>", response.content.decode())
    assert len(set(codes)) == 10
    assert not set(codes) & set(old)
    assert len(notices) == 1
    again = client.get(CODES).content.decode()
    assert not any(code in again for code in codes)
    assert not any(code in str(client.session.items()) for code in codes)
    client.post("/admin/logout/")
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": old[0]}).status_code == 200
    assert client.post(CHECK, {"otp": codes[0]}).status_code == 302


# --- Whoever comes ------------------------------------------------------------------------------


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("change", ["add", "remove", "codes"])
def test_other_sessions_end(client: Client, user: Any, change: str) -> None:
    row = give(user)
    other, stranger = Client(), Client()
    other.force_login(user)
    stranger.force_login(make_user(2, is_staff=True))
    if change == "add":
        assert add(client).status_code == 302
    elif change == "remove":
        client.post(remove(row))
    else:
        client.post(CODES)
    assert (is_in(client), is_in(other), is_in(stranger)) == (True, False, True)


@pytest.mark.requirement("R37")
def test_changes_need_a_fresh_login(client: Client, clock: Any, user: Any) -> None:
    """Else one logs in once more, without a loop, and comes back; to look needs nothing."""
    row = give(user, name="One")
    secret = begin(client)
    make_stale(client)
    assert client.get(METHODS).status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX
    for address in [ADD, CODES, rename(row), remove(row)]:
        data = {"name": "Two", "otp": totp_of(secret)}
        for response in [client.get(address), client.post(address, data)]:
            assert response["Location"] == f"{LOGIN}?next={address}"
            assert "no-store" in response["Cache-Control"]
    assert [str(each) for each in Authenticator.objects.all()] == ["One"]
    assert not RecoveryCode.objects.exists()

    response = client.get(ADD, follow=True)
    assert response.redirect_chain == [(f"{LOGIN}?next={ADD}", 302)]
    page = text(response)
    assert "please log in once more" in page
    assert "has no access" not in page
    assert f'value="{username()}"' in page
    assert is_in(client)
    response = client.post(LOGIN, {"username": username(), "next": ADD})
    assert response["Location"] == f"{CHECK}?next={ADD}"
    assert client.get(response["Location"]).status_code == 200
    response = client.post(CHECK, {"otp": outbox[-1].otp, "next": ADD})
    assert response["Location"] == ADD
    assert client.get(ADD).status_code == 200
    assert client.get(LOGIN)["Location"] == INDEX


def test_code_page_without_a_code(client: Client, user: Any) -> None:
    """Who has to log in once more begins at the beginning."""
    make_stale(client)
    client.get(ADD)
    assert client.get(CHECK)["Location"] == LOGIN


@pytest.mark.requirement("R40")
def test_nothing_is_stored(client: Client, user: Any) -> None:
    row = give(user)
    seen = [client.get(url) for url in [METHODS, ADD, CODES, rename(row), remove(row)]]
    seen += [client.post(ADD, {"name": "x"}), client.post(ADD, {"otp": "1"}), client.post(CODES)]
    seen += [client.post(rename(row), {"name": "x"}), client.post(remove(row))]
    for response in seen:
        assert response.status_code in {200, 302}
        assert "no-store" in response["Cache-Control"]


def test_forged_requests_are_refused(user: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    row = give(user)
    for address in [ADD, CODES, rename(row), remove(row)]:
        assert client.post(address, {"name": "x"}).status_code == 403


def test_nothing_inline(client: Client, user: Any) -> None:
    """A strict Content-Security-Policy forbids it; and every form carries a token."""
    row = give(user)
    seen = [client.get(url) for url in [METHODS, ADD, CODES, rename(row), remove(row)]]
    seen += [client.post(ADD, {"name": "x"}), client.post(CODES)]
    for response in seen:
        page = response.content.decode()
        assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
        for script in re.findall(r"<script\b[^>]*>", page):
            assert "src=" in script or "application/json" in script
        assert page.count('method="post"') == page.count("csrfmiddlewaretoken")


def test_other_methods(client: Client, user: Any) -> None:
    assert client.post(METHODS).status_code == 405
    assert client.put(ADD).status_code == 405


def test_users_without_staff_rights(client: Client) -> None:
    client.force_login(make_user())
    assert client.get(METHODS)["Location"] == f"{LOGIN}?next={METHODS}"


# --- The link in the header ---------------------------------------------------------------------


LINK = f'<a href="{METHODS}">Sign-in methods</a>'


def test_link_in_the_header(client: Client) -> None:
    """Of every page, and none where there is no login."""
    client.force_login(make_user(is_staff=True, is_superuser=True))
    for address in [INDEX, "/admin/auth/group/", "/admin/auth/group/add/", METHODS, "/admin/auth/"]:
        assert client.get(address).content.decode().count(LINK) == 1
    assert LINK not in client.get("/admin/auth/group/add/?_popup=1").content.decode()
    assert client.get("/admin/jsi18n/").status_code == 200
    response = client.post("/admin/logout/")
    assert response.status_code == 200
    assert LINK not in response.content.decode()
    assert LINK not in client.get(LOGIN).content.decode()


THEME = """{% extends "admin/base.html" %}
{% block branding %}<b>our brand</b>{% endblock %}
{% block userlinks %}<i>our link</i>{{ block.super }}{% endblock %}"""


@pytest.mark.parametrize("theme", [THEME, "<b>our brand</b>{{ title }}"])
def test_link_beside_a_projects_own_header(client: Client, settings: Any, theme: str) -> None:
    """Its own base_site.html is used as it is; where that has no place for links there is none."""
    loaders = [
        ("django.template.loaders.locmem.Loader", {"admin/base_site.html": theme}),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [
        {**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}
    ]
    client.force_login(make_user(is_staff=True, is_superuser=True))
    for address in [INDEX, "/admin/auth/group/"]:
        page = client.get(address).content.decode()
        assert page.count("<b>our brand</b>") == 1
        has_place = "userlinks" in theme
        assert page.count(LINK) == has_place
        assert page.count("<i>our link</i>") == has_place


def test_several_sites(client: Client, user: Any, settings: Any) -> None:
    """Each keeps to its own addresses."""
    settings.ROOT_URLCONF = __name__
    page = client.get("/second/").content.decode()
    assert '<a href="/second/sign-in-methods/">' in page
    for address in ["/second/sign-in-methods/", "/second/sign-in-methods/add/"]:
        assert "/admin/" not in client.get(address).content.decode().replace("static/admin/", "")


def test_login_required_middleware(client: Client, user: Any, settings: Any) -> None:
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
    assert client.get(METHODS).status_code == 200
    client.logout()
    assert client.get(METHODS)["Location"] == f"{LOGIN}?next={METHODS}"


# --- Staff must enroll --------------------------------------------------------------------------


@pytest.fixture
def must_enroll(settings: Any) -> None:
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_STAFF_MUST_ENROLL": True}


def test_staff_must_enroll(client: Client, must_enroll: None) -> None:
    """After the first login nothing but that, and after it everything."""
    user = make_user(is_staff=True, is_superuser=True)
    client.post(LOGIN, {"username": username()})
    assert client.post(CHECK, {"otp": outbox[-1].otp})["Location"] == INDEX
    for address in [INDEX, METHODS, CODES, "/admin/auth/group/", "/admin/nothing/"]:
        response = client.get(address)
        assert response["Location"] == ADD
        assert "no-store" in response["Cache-Control"]
        assert client.post(address)["Location"] == ADD
    response = client.get(INDEX, follow=True)
    assert "please add an authenticator app" in text(response)
    assert client.get("/admin/jsi18n/").status_code == 200
    Authenticator.objects.filter(user=user, type="totp").delete()
    assert add(client)["Location"] == CODES
    assert client.get(CODES).status_code == 200
    assert is_in(client)


def test_staff_can_leave_instead(client: Client, user: Any, must_enroll: None) -> None:
    assert client.post("/admin/logout/").status_code == 200
    assert client.get(LOGIN).status_code == 200


def test_must_enroll_costs_one_query_and_none_when_off(
    client: Client, user: Any, settings: Any
) -> None:
    give(user)
    client.get(METHODS)
    asked: list[int] = []
    for wanted in [False, True]:
        settings.SWAP_USER = settings.SWAP_USER | {"OTP_STAFF_MUST_ENROLL": wanted}
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/jsi18n/").status_code == 200
            assert client.get(METHODS).status_code == 200
        asked.append(len(queries))
    assert asked[1] - asked[0] == 1


def test_text_that_is_not_unicode(client: Client, user: Any) -> None:
    """A request can smuggle lone surrogates in by its charset: 400, never a 500."""
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n+2AA-\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=utf-7"
    for address in (rename(give(user)), ADD):
        assert client.generic("POST", address, body, content_type=kind).status_code == 400
    assert client.get(ADD).status_code == 200


def test_a_host_that_is_an_address(client: Client, user: Any) -> None:
    """Whatever the host looks like, an app can be added."""
    for host in ("[::1]:8000", "[a:b]", "127.0.0.1:8000"):
        response = client.post(ADD, {"name": "Phone", "type": "totp"}, headers={"host": host})
        assert response.status_code in {200, 400}


def test_a_sender_that_knows_no_receiver(client: Client, user: Any, monkeypatch: Any) -> None:
    """The page is shown, and says that there is no address."""
    monkeypatch.setattr(MemoryOTPSender, "get_receiver", lambda *args: 1 / 0)
    response = client.get(METHODS)
    assert response.status_code == 200
    assert "No address" in text(response)


def test_no_more_than_one_may_have(client: Client, clock: Any, user: Any) -> None:
    """Said in words, and nothing is begun."""
    for _ in range(20):
        give(user)
    response = client.post(ADD, {"name": "One more", "type": "totp"}, follow=True)
    assert "as many as one account may have" in response.content.decode()
