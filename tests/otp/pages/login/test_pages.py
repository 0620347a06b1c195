"""The pages of the OTP admin site. What takes a browser is in tests/browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import django
import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth import SESSION_KEY, get_user_model
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, path
from django.views.generic import TemplateView

from swap_user.otp import generate_recovery_codes
from swap_user.otp.pages.login.forms import CODE_MAX_LENGTH
from swap_user.otp.pages.login.views import CodeView, ResendView, UsernameView
from swap_user.otp.sessions import code_request
from swap_user.otp.sites import OTPAdminSite, OTPAdminSiteMixin
from swap_user.testing import outbox
from tests.support import give, make_user, spellings, totp, username
from tests.user_models import HAS_PASSWORD

pytestmark = pytest.mark.django_db

INDEX, LOGIN, CHECK, RESEND = (
    "/admin/",
    "/admin/login/",
    "/admin/check-otp/",
    "/admin/resend-otp/",
)
STEPS = [LOGIN, CHECK, RESEND]
WRONG = "That code did not work."
NOBODY, INACTIVE, NO_STAFF = 2, 3, 4


# --- Other sites and pages, for the tests at the end --------------------------------------------


class CustomerSite(OTPAdminSiteMixin, admin.AdminSite):
    """For everybody who is active, with a theme."""

    otp_login_template = "ours.html"
    otp_check_template = "ours.html"

    def has_permission(self, request: Any) -> bool:
        return bool(request.user.is_active)


class ThemedSite(OTPAdminSiteMixin, admin.AdminSite):
    login_template = "theme/login.html"


STEP_URLS = {"login_url": "own-login", "check_url": "own-check", "resend_url": "own-resend"}
OWN = {**STEP_URLS, "template_name": "own.html", "next_page": "/home/"}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("second/", OTPAdminSite(name="second").urls),
    path("customers/", CustomerSite(name="customers").urls),
    path("themed/", ThemedSite(name="themed").urls),
    path("own/login/", UsernameView.as_view(**OWN), name="own-login"),
    path("own/check/", CodeView.as_view(**OWN), name="own-check"),
    path("own/resend/", ResendView.as_view(**OWN), name="own-resend"),
    path("home/", TemplateView.as_view(template_name="ours.html")),
]

TEMPLATES = {
    "ours.html": "ours: {{ title }} {{ form.errors }}",
    "own.html": "{% include 'swap_user/includes/login.html' %} {{ form.errors }}",
    "theme/login.html": "<b>theme</b>{% block content %}{% endblock %}",
}


@pytest.fixture
def other_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    loaders = [
        ("django.template.loaders.locmem.Loader", TEMPLATES),
        "django.template.loaders.app_directories.Loader",
    ]
    engine = settings.TEMPLATES[0]
    options = {**engine["OPTIONS"], "loaders": loaders}
    settings.TEMPLATES = [{"BACKEND": engine["BACKEND"], "OPTIONS": options}]


# --- Helpers ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def staff() -> Any:
    outbox.clear()
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(1_800_000_000, tick=False) as traveller:
        yield traveller


@pytest.fixture
def redis_away(settings: Any, tmp_path: Any) -> Callable[[], None]:
    """Call it, and from then on there is no Redis."""

    def leave() -> None:
        location = f"unix://{tmp_path}/nobody-listens"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}

    return leave


def ask(client: Client, name: str | None = None, **data: str) -> Any:
    """The first step."""
    return client.post(LOGIN, {"username": username() if name is None else name, **data})


def code(client: Client, name: str | None = None) -> str:
    """The first step, and what came by mail."""
    before = len(outbox)
    assert ask(client, name).status_code == 302
    assert len(outbox) == before + 1
    return outbox[-1].otp


def enter(client: Client, otp: str, **data: str) -> Any:
    """The second step."""
    return client.post(CHECK, {"otp": otp, **data})


def logged_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def text(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def field(response: HttpResponse, name: str) -> dict[str, str]:
    """The attributes of an input."""
    tags = re.findall(r"<input\b[^>]*>", response.content.decode())
    found = [dict(re.findall(r'([\w-]+)(?:="([^"]*)")?', tag[6:-1])) for tag in tags]
    return next(attributes for attributes in found if attributes.get("name") == name)


def wrong(otp: str) -> str:
    return f"{(int(otp) + 1) % 10 ** len(otp):0{len(otp)}}"


# --- The path -----------------------------------------------------------------------------------


def test_login(client: Client, staff: Any) -> None:
    response = client.get(INDEX, follow=True)
    assert response.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    response = ask(client, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, f"{CHECK}?next=/admin/")
    assert client.get(response["Location"]).status_code == 200
    response = enter(client, outbox[-1].otp, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, INDEX)
    assert client.session[SESSION_KEY] == str(staff.pk)
    assert client.get(INDEX).status_code == 200


def test_next_survives_both_steps(client: Client) -> None:
    target = "/admin/?a=b&c=d/é"
    response = client.get(LOGIN, {"next": target})
    hidden = unescape(field(response, "next")["value"])
    assert hidden == target
    response = client.get(ask(client, next=hidden)["Location"])
    hidden = unescape(field(response, "next")["value"])
    assert hidden == target
    enter(client, wrong(outbox[-1].otp), next=hidden)
    response = enter(client, outbox[-1].otp, next=hidden)
    assert response["Location"] == "/admin/?a=b&c=d/%C3%A9"


def test_next_also_survives_the_ways_round(client: Client) -> None:
    """The resend, starting over, and a session that got lost."""
    query = urlencode({"next": "/admin/x/"}, safe="/")
    assert client.post(RESEND, {"next": "/admin/x/"})["Location"] == f"{LOGIN}?{query}"
    assert enter(client, "123456", next="/admin/x/")["Location"] == f"{LOGIN}?{query}"
    assert client.get(CHECK, {"next": "/admin/x/"})["Location"] == f"{LOGIN}?{query}"
    ask(client)
    assert client.post(RESEND, {"next": "/admin/x/"})["Location"] == f"{CHECK}?{query}"
    assert f'href="{LOGIN}?{query}"' in text(client.get(CHECK, {"next": "/admin/x/"}))


def test_other_spellings_of_a_username(client: Client) -> None:
    code(client, f" {spellings()[0]} ")
    assert f"<bdi>{username()}</bdi>" in text(client.get(CHECK))
    assert enter(client, outbox[-1].otp).status_code == 302


def test_code_with_spaces(client: Client) -> None:
    otp = code(client)
    assert enter(client, f"  {otp[:3]} {otp[3:]}  ").status_code == 302


@pytest.mark.requirement("R22")
def test_code_is_refused_after_ten_minutes(client: Client, clock: Any, settings: Any) -> None:
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 600}
    otp = code(client)
    clock.shift(601)
    assert WRONG in text(enter(client, otp))
    assert "The code has expired." in text(client.get(CHECK))
    assert not logged_in(client)


@pytest.mark.requirement("R23")
def test_code_of_one_session_in_another() -> None:
    mine, theirs = Client(), Client()
    my_code, their_code = code(mine), code(theirs)
    assert WRONG in text(enter(theirs, my_code))
    assert not logged_in(theirs)
    assert enter(theirs, their_code).status_code == 302


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("stranger_first", [True, False])
def test_a_stranger_asking_leaves_my_code_valid(stranger_first: bool) -> None:
    mine, stranger = Client(), Client()
    if stranger_first:
        code(stranger)
    my_code = code(mine)
    if not stranger_first:
        code(stranger)
    assert enter(mine, my_code).status_code == 302


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("old_first", [True, False])
def test_a_resend_replaces_the_code(client: Client, clock: Any, old_first: bool) -> None:
    old = code(client)
    clock.shift(31)
    response = client.post(RESEND, follow=True)
    assert "A new code is on its way." in text(response)
    new = outbox[-1].otp
    if old_first:
        assert WRONG in text(enter(client, old))
    assert enter(client, new).status_code == 302
    if not old_first:
        assert enter(client, old)["Location"] == LOGIN


def test_a_code_is_good_for_one_login(client: Client) -> None:
    otp = code(client)
    enter(client, otp)
    client.post("/admin/logout/")
    code(client)
    assert WRONG in text(enter(client, otp))


@pytest.mark.requirement("R35")
def test_session_key_is_new(client: Client) -> None:
    otp = code(client)
    before = client.session.session_key
    enter(client, otp)
    assert client.session.session_key not in {None, before}
    assert code_request.SESSION_KEY not in client.session


@pytest.mark.requirement("R35")
def test_session_key_is_new_when_one_logs_in_again(client: Client) -> None:
    """Also for somebody who is in already, and proves it again."""
    for _ in range(2):
        otp = code(client)
        before = client.session.session_key
        enter(client, otp)
        assert client.session.session_key not in {None, before}


# --- Twice in a short time ----------------------------------------------------------------------


def test_asking_twice_sends_once(client: Client, clock: Any) -> None:
    """A double click, or the back button: the code that was sent is still good."""
    otp = code(client)
    clock.shift(29)
    response = ask(client)
    assert (response.status_code, response["Location"]) == (302, CHECK)
    assert len(outbox) == 1
    assert enter(client, otp).status_code == 302


def test_asking_again_later_sends_again(client: Client, clock: Any) -> None:
    code(client)
    clock.shift(31)
    code(client)


def test_asking_for_another_account_sends(client: Client) -> None:
    make_user(5, is_staff=True)
    code(client)
    code(client, username(5))


@pytest.mark.parametrize("number", [1, NOBODY])
def test_resend_too_early_says_when_to_come_back(client: Client, clock: Any, number: int) -> None:
    """Whether the account exists or not."""
    ask(client, username(number))
    sent = len(outbox)
    clock.shift(10)
    response = client.post(RESEND, follow=True)
    assert response.redirect_chain == [(CHECK, 302)]
    assert "You can ask for another code in 20 seconds." in text(response)
    assert len(outbox) == sent
    clock.shift(19)
    assert "in 1 second." in text(client.post(RESEND, follow=True))
    clock.shift(1)
    assert "A new code is on its way." in text(client.post(RESEND, follow=True))


def test_nobody_waits_longer_than_the_code_lives(client: Client, clock: Any, settings: Any) -> None:
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 10}
    code(client)
    clock.shift(10)
    client.post(RESEND)
    assert len(outbox) == 2


def test_clock_set_back(client: Client, clock: Any) -> None:
    """The wait gets no longer than it was."""
    code(client)
    clock.shift(-3600)
    page = text(client.get(CHECK))
    assert 'data-otp-seconds="300"' in page
    assert 'data-otp-seconds="30"' in page


@pytest.mark.parametrize(
    ("passed", "life", "wait"),
    [
        (0, "expires in 5 minutes.", " in 30 seconds "),
        (29, "expires in 4 minutes.", " in 1 second "),
        (181, "expires in 119 seconds.", None),
        (240, "expires in 1 minute.", None),
        (299, "expires in 1 second.", None),
        (300, "has expired.", None),
    ],
)
def test_what_remains_in_words(
    client: Client, clock: Any, passed: int, life: str, wait: str | None
) -> None:
    code(client)
    clock.shift(passed)
    page = text(client.get(CHECK))
    assert f"The code {life} </p>" in page
    assert re.search(r"> in \d+ seconds? <", page) is None if wait is None else wait in page
    assert f'data-otp-seconds="{300 - passed}"' in page


# --- Refusals -----------------------------------------------------------------------------------


def test_wrong_code(client: Client) -> None:
    """Said at the field, which is empty again; the right code still works."""
    otp = code(client)
    response = enter(client, wrong(otp))
    assert response.status_code == 200
    assert WRONG in text(response)
    assert "value" not in field(response, "otp")
    assert field(response, "otp")["aria-invalid"] == "true"
    assert "id_otp_error" in field(response, "otp")["aria-describedby"].split()
    assert 'id="id_otp_error"' in text(response)
    assert text(response).count("<title>Error:") == 1
    assert enter(client, otp).status_code == 302


def test_right_code_without_staff_rights(client: Client, clock: Any) -> None:
    """Not logged in, and told the same as for a wrong code, whose words cover it."""
    make_user(NO_STAFF)
    otp = code(client, username(NO_STAFF))
    first = enter(client, otp)
    again = enter(client, wrong(otp))
    assert not logged_in(client)
    assert "or the account may have no access here." in text(first)
    assert same(first) == same(again)


def test_logged_in_without_staff_rights(client: Client, staff: Any) -> None:
    """Said above the form, and another account can log in from there."""
    client.force_login(make_user(NO_STAFF))
    response = client.get(INDEX, follow=True)
    assert f"You are logged in as {username(NO_STAFF)}, but" in text(response)
    assert 'class="errornote"' in text(response)
    assert field(response, "username")
    enter(client, code(client))
    assert client.session[SESSION_KEY] == str(staff.pk)


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_logged_in_already(client: Client, staff: Any, step: str) -> None:
    client.force_login(staff)
    assert client.get(step)["Location"] == INDEX
    assert client.get(step, {"next": "/admin/x/"})["Location"] == "/admin/x/"
    assert client.get(step, {"next": "//evil.example/"})["Location"] == INDEX


# Many that no account can have, and some that one could.
NO_USERNAMES = ["", "   ", "\x00", "a\x00b@example.com", "x" * 100_000, "@" * 300]
ODD_TEXTS = [
    "ünï@exämple.com",
    "\u202euser1@example.com",
    "' OR 1=1 --",
    "{{ 7*7 }}{% now %}",
    "<script>alert(1)</script>",
    "\r\nSet-Cookie: a=b",
    "\uff11\uff12\uff13\uff14\uff15\uff16",
    "٠١٢٣٤٥",
    "+" * 50,
    "00491511234500",
    "\U0001f600",
    "%00%ff",
    "null",
    "-1",
    "1e999",
]


@pytest.mark.parametrize("name", [*NO_USERNAMES, *ODD_TEXTS], ids=lambda name: repr(name)[:24])
def test_odd_usernames(client: Client, name: str) -> None:
    """An error, or the second step as for any name. What was typed is kept."""
    response = ask(client, name)
    if name in NO_USERNAMES:
        assert response.status_code == 200
    if response.status_code == 200:
        assert field(response, "username")["aria-invalid"] == "true"
        assert "<script>alert" not in response.content.decode()
    else:
        assert response["Location"] == CHECK
        assert client.get(CHECK).status_code == 200
        assert "<script>alert" not in client.get(CHECK).content.decode()
    assert outbox == []


@pytest.mark.parametrize(
    "otp",
    ["", "   ", "\x00", "12\x003456", "1" * (CODE_MAX_LENGTH + 1), "9" * 100_000, *ODD_TEXTS],
    ids=lambda otp: repr(otp)[:24],
)
def test_odd_codes(client: Client, otp: str) -> None:
    right = code(client)
    response = enter(client, otp)
    assert response.status_code == 200
    assert field(response, "otp")["aria-invalid"] == "true"
    assert not logged_in(client)
    assert enter(client, right).status_code == 302


@pytest.mark.parametrize("name", ["username", "otp", "next"])
@pytest.mark.parametrize("step", STEPS)
def test_lone_surrogates(client: Client, step: str, name: str) -> None:
    """They come in by an odd charset, and no page could show them again."""
    code(client)
    body = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n/+2AA-\r\n--x--\r\n'
    kind = "multipart/form-data; boundary=x; charset=utf-7"
    response = client.generic("POST", step, body.encode(), content_type=kind)
    assert response.status_code == 400
    assert not logged_in(client)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 300,
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=nonsense",
        "",
        "\u00e9",
    ],
)
@pytest.mark.parametrize("step", STEPS)
def test_wrong_content_types(client: Client, step: str, kind: str) -> None:
    code(client)
    body = b'{"username": 1, "otp": [1]}'
    response = client.generic("POST", step, body, content_type=kind)
    assert response.status_code in {200, 302, 400}
    assert not logged_in(client)


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_missing_and_repeated_fields(client: Client, step: str, asked: bool) -> None:
    if asked:
        code(client)
    assert client.post(step).status_code in {200, 302}
    data = {name: ["a", "b", ""] for name in ["username", "otp", "next"]}
    assert client.post(step, data).status_code in {200, 302}
    assert not logged_in(client)


def test_session_lost_half_way(client: Client) -> None:
    otp = code(client)
    client.cookies.clear()
    assert enter(client, otp)["Location"] == LOGIN
    assert not logged_in(client)


def test_back_after_the_login(client: Client) -> None:
    """The form is sent once more: there is nothing to check any longer."""
    otp = code(client)
    enter(client, otp)
    assert enter(client, otp, next="/admin/")["Location"] == f"{LOGIN}?next=/admin/"
    assert client.get(f"{LOGIN}?next=/admin/")["Location"] == "/admin/"


def test_two_tabs(client: Client) -> None:
    """The last account that was asked for is the one whose code is asked for."""
    other = make_user(5, is_staff=True)
    first = code(client)
    second = code(client, username(5))
    assert username(5) in text(client.get(CHECK))
    assert WRONG in text(enter(client, first))
    assert enter(client, second).status_code == 302
    assert client.session[SESSION_KEY] == str(other.pk)


@pytest.mark.parametrize(
    "value",
    [
        None,
        0,
        "text",
        [],
        {},
        {"username": "x"},
        {"username": 1, "sent_at": 1, "expires_at": 2},
        {"username": "", "sent_at": 1, "expires_at": 2},
        {"username": "x", "sent_at": "1", "expires_at": 2},
        {"username": "x", "sent_at": None, "expires_at": None},
        {"username": "x", "sent_at": 1, "expires_at": float("inf")},
        {"username": "x", "sent_at": float("nan"), "expires_at": float("nan")},
        {"username": "x", "sent_at": -(10**400), "expires_at": 10**400},
        {"username": "x", "sent_at": 2, "expires_at": 1},
    ],
    ids=str,
)
def test_session_that_somebody_else_wrote(client: Client, value: Any) -> None:
    session = client.session
    session[code_request.SESSION_KEY] = value
    session.save()
    assert client.get(CHECK)["Location"] == LOGIN
    assert enter(client, "123456")["Location"] == LOGIN
    assert client.post(RESEND)["Location"] == LOGIN
    assert ask(client).status_code == 302


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods(client: Client, step: str, method: str) -> None:
    code(client)
    assert client.generic(method, step, b"otp=123456").status_code == 405


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_resend_is_for_post_alone(client: Client, staff: Any, method: str) -> None:
    response = client.generic(method, RESEND)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    client.force_login(staff)
    assert client.generic(method, RESEND).status_code == 405


# --- Nothing to learn, nothing to skip ----------------------------------------------------------


def same(response: Any, name: str = "") -> tuple[Any, ...]:
    """What an onlooker sees of a response, without what must differ: tokens and the name typed."""
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
    cookies = {
        key: {attribute: value for attribute, value in morsel.items() if attribute != "expires"}
        for key, morsel in response.cookies.items()
    }
    return (response.status_code, dict(response.headers), cookies, body.replace(name, "NAME"))


@pytest.mark.requirement("R32")
def test_accounts_that_exist_look_like_those_that_do_not(clock: Any) -> None:
    make_user(INACTIVE, is_staff=True, is_active=False)
    make_user(NO_STAFF)

    def walk(number: int) -> list[Any]:
        client, name = Client(), username(number)
        seen = [ask(client, name), client.get(CHECK), enter(client, "000000x"), ask(client, name)]
        seen += [client.post(RESEND), client.get(CHECK)]
        clock.shift(31)
        seen += [client.post(RESEND), client.get(CHECK)]
        clock.shift(301 - 31)
        seen += [client.get(CHECK), enter(client, "000000x")]
        clock.shift(-301)
        return [same(response, name) for response in seen]

    known = walk(1)
    for number in [NOBODY, INACTIVE, NO_STAFF]:
        assert walk(number) == known


@pytest.mark.requirement("R32")
def test_session_holds_no_trace_of_whether_the_account_exists() -> None:
    def keys(number: int) -> set[str]:
        client = Client()
        ask(client, username(number))
        return set(client.session.keys())

    assert keys(1) == keys(NOBODY)


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("method", ["get", "head"])
def test_code_in_an_address_does_nothing(client: Client, method: str) -> None:
    otp = code(client)
    response = getattr(client, method)(CHECK, {"otp": otp, "username": username()})
    assert response.status_code == 200
    assert otp not in response.content.decode()
    assert not logged_in(client)
    response = client.post(f"{CHECK}?otp={otp}")
    assert response.status_code == 200
    assert not logged_in(client)
    assert enter(client, otp).status_code == 302


@pytest.mark.requirement("R26")
def test_get_sends_nothing(client: Client) -> None:
    client.get(LOGIN, {"username": username()})
    client.post(f"{LOGIN}?username={username()}")
    client.get(RESEND)
    assert outbox == []


@pytest.mark.requirement("R26")
def test_no_code_in_any_address(client: Client) -> None:
    response = ask(client, next="/admin/")
    assert outbox[-1].otp not in response["Location"]
    response = enter(client, wrong(outbox[-1].otp))
    assert outbox[-1].otp not in response.content.decode()


def addresses(patterns: Any, prefix: str) -> Iterator[str]:
    """Every address of a site, with something in place of its arguments."""
    for entry in patterns:
        route = str(entry.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        route = re.sub(r"\(\?P<app_label>(\w+)[^)]*\)", r"\1", route)
        route = re.sub(r"\(\?P<url>[^)]*\)", "nothing-here/", route)
        route = re.sub(r"<uuid:[^>]*>", str(UUID(int=1)), route)
        route = re.sub(r"<[^>]*>", "1", route)
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, prefix + route)
        else:
            assert isinstance(entry, URLPattern)
            yield prefix + route


ADDRESSES = sorted({*addresses(admin.site.get_urls(), INDEX)} - {*STEPS})


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("half_way", [False, True])
def test_no_page_without_a_login(client: Client, half_way: bool) -> None:
    """Nor with the first step alone."""
    assert len(ADDRESSES) > 8
    if half_way:
        code(client)
    for address in ADDRESSES:
        for method in [client.get, client.post]:
            response = method(address)
            place = response["Location"]
            assert response.status_code == 302
            to_login = place == f"{LOGIN}?{urlencode({'next': address}, safe='/')}"
            assert to_login or (address, place) == ("/admin/logout/", INDEX)


@pytest.mark.requirement("R38")
def test_account_comes_from_the_session_never_from_the_form(client: Client, staff: Any) -> None:
    make_user(5, is_staff=True)
    otp = code(client)
    enter(client, otp, username=username(5))
    assert client.session[SESSION_KEY] == str(staff.pk)


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "////evil.example",
        "http:///evil.example/",
        "https:evil.example",
        "https:/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\t//evil.example",
        " //evil.example",
        "\x08//evil.example",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
        "https://[evil",
        "ftp://testserver/",
        "javascript:alert(1)",
        "data:text/html,x",
        "\x00",
    ],
)
def test_next_stays_on_this_host(client: Client, target: str) -> None:
    assert field(client.get(LOGIN, {"next": target}), "next")["value"] == ""
    assert ask(client, next=target)["Location"] == CHECK
    page = client.get(CHECK, {"next": target})
    assert field(page, "next")["value"] == ""
    assert "evil" not in page.content.decode()
    assert client.post(RESEND, {"next": target})["Location"] == CHECK
    assert enter(client, outbox[-1].otp, next=target)["Location"] == INDEX


@pytest.mark.requirement("R38")
def test_next_keeps_to_https(client: Client) -> None:
    response = client.post(
        LOGIN, {"username": username(), "next": "http://testserver/admin/"}, secure=True
    )
    assert response["Location"] == CHECK


@pytest.mark.parametrize("step", STEPS)
def test_forged_requests_are_refused(step: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(step, {"username": username(), "otp": "1"}).status_code == 403


# --- Two codes in turn, and the password first ---------------------------------------------------


@pytest.fixture
def both(settings: Any) -> None:
    policy = "swap_user.otp.policies.Both"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}


@pytest.mark.user_model("no password")
def test_two_codes_in_turn(client: Client, staff: Any, both: None, clock: Any) -> None:
    """On the same page, which says what comes next, also after a mistake."""
    give(staff)
    response = enter(client, code(client), next="/admin/x/")
    assert response.status_code == 200
    assert "That was right. Now enter the code of your authenticator app, or a" in text(response)
    assert field(response, "next")["value"] == "/admin/x/"
    assert "The code expires in" not in text(response)
    assert "Send a new code" not in text(response)
    assert not logged_in(client)
    assert "no-store" in response["Cache-Control"]
    for again in [enter(client, "000000"), client.get(CHECK)]:
        assert "Now enter the code of your authenticator app" in text(again)
        assert "That was right" not in text(again)
    response = enter(client, totp(1_800_000_000), next="/admin/x/")
    assert response["Location"] == "/admin/x/"
    assert logged_in(client)


@pytest.mark.user_model("no password")
def test_the_app_first_and_then_the_sent_code(
    client: Client, staff: Any, both: None, clock: Any
) -> None:
    give(staff)
    sent = code(client)
    response = enter(client, totp(1_800_000_000))
    assert "That was right. Now enter the code that was sent to you." in text(response)
    assert "The code expires in" in text(response)
    assert enter(client, sent).status_code == 302


@pytest.mark.user_model("no password")
def test_starting_over_half_way(client: Client, staff: Any, both: None, clock: Any) -> None:
    """The next code that is sent counts as a first one; the half of before is forgotten."""
    give(staff)
    enter(client, code(client))
    clock.shift(31)
    response = enter(client, code(client))
    assert "That was right. Now enter the code of your" in text(response)
    assert enter(client, totp(1_800_000_031)).status_code == 302


@pytest.mark.user_model("no password")
def test_half_a_login_is_none(client: Client, staff: Any, both: None) -> None:
    """Nor does the half of one session serve another."""
    give(staff)
    enter(client, code(client))
    assert client.get(INDEX).status_code == 302
    other = Client()
    code(other)
    assert "That was right. Now enter the code that was sent" in text(
        enter(other, totp(time.time()))
    )


@pytest.mark.requirement("R31")
def test_recovery_code_in_the_same_field(client: Client, staff: Any) -> None:
    """In lower case and without dashes, too; and one is told how many are left."""
    codes = generate_recovery_codes(staff)
    code(client)
    assert "Lost your phone? Enter a recovery code here." in text(client.get(CHECK))
    assert enter(client, f" {codes[0].lower().replace('-', ' ')} ").status_code == 302
    assert "You used a recovery code. 9 are left." in text(client.get(INDEX))
    client.logout()
    code(client)
    assert WRONG in text(enter(client, codes[0]))


@pytest.mark.user_model("password")
def test_password_first(client: Client, staff: Any, both: None) -> None:
    """The right one logs nobody in: it brings the code."""
    staff.set_password("correct horse")
    staff.save()
    page = client.get(LOGIN)
    assert field(page, "password")["autocomplete"] == "current-password"
    assert field(page, "password")["type"] == "password"
    response = ask(client, password="correct horse", next="/admin/x/")
    assert response["Location"] == f"{CHECK}?next=/admin/x/"
    assert not logged_in(client)
    assert enter(client, outbox[-1].otp).status_code == 302
    assert logged_in(client)


@pytest.mark.user_model("password")
@pytest.mark.requirement("R32")
def test_wrong_password(client: Client, staff: Any, both: None, clock: Any) -> None:
    """The same answer whatever the reason; nothing is sent, and the page after stays shut."""
    for user in [
        staff,
        make_user(INACTIVE, is_staff=True, is_active=False),
        make_user(NO_STAFF),
    ]:
        user.set_password("correct horse")
        user.save()
    tries = [(1, "wrong"), (NOBODY, "wrong"), (INACTIVE, "correct horse"), (NO_STAFF, "wrong")]
    tries += [(NO_STAFF, "correct horse")]
    seen = [
        same(ask(Client(), username(number), password=password), username(number))
        for number, password in tries
    ]
    assert all(each == seen[0] for each in seen)
    response = ask(client, password="wrong")
    assert response.status_code == 200
    assert "That did not work: the name or the password is wrong" in text(response)
    assert "wrong" not in field(response, "password").get("value", "")
    assert outbox == []
    assert client.get(CHECK)["Location"] == LOGIN
    assert ask(client, password="").status_code == 200


@pytest.mark.user_model("password")
def test_no_code_without_the_password(client: Client, staff: Any, settings: Any) -> None:
    """Not even one that was asked for before the policy was changed."""
    otp = code(client)
    policy = "swap_user.otp.policies.Both"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}
    response = enter(client, otp)
    assert response["Location"] == LOGIN
    assert "That took too long. Please begin again." in text(client.get(LOGIN))
    assert not logged_in(client)


@pytest.mark.user_model("password")
def test_password_while_redis_is_away(
    client: Client, staff: Any, both: None, redis_away: Callable[[], None]
) -> None:
    staff.set_password("correct horse")
    staff.save()
    redis_away()
    response = ask(client, password="correct horse")
    assert_unavailable(response)
    assert "correct horse" not in response.content.decode()


def test_no_password_field_otherwise(client: Client) -> None:
    assert "password" not in client.get(LOGIN).content.decode().replace("/password_", "")


# --- Headers ------------------------------------------------------------------------------------


@pytest.mark.requirement("R40")
def test_nothing_is_stored(client: Client, staff: Any, redis_away: Callable[[], None]) -> None:
    seen = [client.get(LOGIN), client.get(CHECK), client.get(RESEND), ask(client, "")]
    seen += [ask(client), client.get(CHECK), client.post(RESEND), enter(client, "1")]
    seen += [enter(client, outbox[-1].otp), client.get(LOGIN), client.get(CHECK)]
    client.logout()
    code(client)
    redis_away()
    seen += [enter(client, "123456")]
    assert {response.status_code for response in seen} == {200, 302, 405, 503}
    for response in seen:
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("step", STEPS)
def test_error_reports_hide_what_was_typed(client: Client, step: str) -> None:
    response = client.post(step, {"otp": "123456"})
    assert response.wsgi_request.sensitive_post_parameters == "__ALL__"


# --- Redis away ---------------------------------------------------------------------------------


def assert_unavailable(response: Any) -> None:
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "Logging in is not possible right now." in text(response)
    assert 'class="errornote"' in text(response)


def test_redis_away_at_the_first_step(client: Client, redis_away: Callable[[], None]) -> None:
    redis_away()
    for number in [1, NOBODY]:
        response = ask(client, username(number), next="/admin/x/")
        assert_unavailable(response)
        assert unescape(field(response, "username")["value"]) == username(number)
        assert field(response, "next")["value"] == "/admin/x/"
    assert outbox == []


def test_redis_away_at_the_second_step(
    client: Client, settings: Any, redis_away: Callable[[], None]
) -> None:
    """What was typed is kept, and counts when Redis is back."""
    otp = code(client)
    caches = settings.CACHES
    redis_away()
    response = enter(client, otp, next="/admin/x/")
    assert_unavailable(response)
    assert field(response, "otp")["value"] == otp
    assert field(response, "next")["value"] == "/admin/x/"
    assert not logged_in(client)
    settings.CACHES = caches
    assert enter(client, otp).status_code == 302


def test_redis_away_at_the_resend(
    client: Client, clock: Any, settings: Any, redis_away: Callable[[], None]
) -> None:
    """The code that was sent is none the worse, and no wait has begun."""
    otp = code(client)
    clock.shift(31)
    caches = settings.CACHES
    redis_away()
    response = client.post(RESEND)
    assert_unavailable(response)
    assert "value" not in field(response, "otp")
    settings.CACHES = caches
    assert 'data-otp-seconds="0"' in text(client.get(CHECK))
    assert enter(client, otp).status_code == 302


# --- What the pages are made of -----------------------------------------------------------------


@pytest.mark.requirement("R39")
def test_code_field(client: Client) -> None:
    code(client)
    page = client.get(CHECK)
    attributes = field(page, "otp")
    assert attributes["type"] == "text"
    assert attributes["autocomplete"] == "one-time-code"
    assert attributes["inputmode"] == "numeric"
    assert attributes["autocapitalize"] == "off"
    assert attributes["spellcheck"] == "false"
    assert "autofocus" in attributes
    assert "maxlength" not in attributes  # it would cut a code pasted with spaces
    assert "pattern" not in attributes
    assert '<label for="id_otp"' in text(page)
    described_by = attributes["aria-describedby"]
    said = f'id="{described_by}">If there is an account for <bdi>{username()}</bdi>, a code is on'
    assert said in text(page)


@pytest.mark.requirement("R39")
def test_username_field(client: Client) -> None:
    """What the user model's username is, so that browsers fill it in."""
    page = client.get(LOGIN)
    attributes = field(page, "username")
    kind, autocomplete, label = {
        "email": ("email", "email", "Email"),
        "phone": ("tel", "tel", "Phone"),
        "username": ("text", "username", "Username"),
    }[get_user_model().USERNAME_FIELD]
    assert attributes["type"] == kind
    assert attributes["autocomplete"] == autocomplete
    assert "autofocus" in attributes
    assert re.search(rf'<label for="id_username"[^>]*>{label}', text(page))


def test_malformed_username_is_explained(client: Client) -> None:
    typed, said = {
        "email": ("user1 at example.com", "Enter a valid email address."),
        "phone": ("0151 12345001", "Enter the number with its country code"),
        "username": (" ", "This field is required."),
    }[get_user_model().USERNAME_FIELD]
    response = ask(client, typed)
    assert response.status_code == 200
    assert said in text(response)
    assert unescape(field(response, "username").get("value", "").strip()) == typed.strip()
    assert "id_username_error" in field(response, "username")["aria-describedby"].split()


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_nothing_inline(client: Client, step: str) -> None:
    """A strict Content-Security-Policy forbids it."""
    code(client)
    page = client.get(step).content.decode()
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    for script in re.findall(r"<script\b[^>]*>", page):
        assert "src=" in script
    assert "swap_user/login.css" in page
    assert re.search(r'<script src="[^"]*swap_user/login.js" defer>', page)


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 6.0 brought nonces")
@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_policy_with_a_nonce(client: Client, settings: Any, step: str) -> None:
    """Our two files carry it; Django's admin does so since 6.1."""
    middleware = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, middleware]
    settings.SECURE_CSP = {"default-src": ["<CSP_NONCE_SENTINEL>"]}
    engine = settings.TEMPLATES[0]
    processors = engine["OPTIONS"]["context_processors"]
    processors = [*processors, "django.template.context_processors.csp"]
    options = {**engine["OPTIONS"], "context_processors": processors}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    code(client)
    response = client.get(step)
    (nonce,) = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])
    ours = re.findall(r"<[^>]*swap_user/login[^>]*>", response.content.decode())
    assert len(ours) == 2
    assert all(f'nonce="{nonce}"' in tag for tag in ours)


@pytest.mark.parametrize("step", [LOGIN, CHECK])
def test_forms_carry_a_token(client: Client, step: str) -> None:
    code(client)
    page = client.get(step).content.decode()
    assert page.count('method="post"') == page.count("csrfmiddlewaretoken")


def test_password_pages_where_there_is_no_password(client: Client, staff: Any) -> None:
    """Nor a link to them, where the user model has none."""
    client.force_login(staff, backend="swap_user.backends.OTPBackend")
    expected = 200 if HAS_PASSWORD else 404
    assert client.get("/admin/password_change/").status_code == expected
    assert client.post("/admin/password_change/").status_code == expected
    assert client.get("/admin/password_change/done/").status_code == expected
    if not HAS_PASSWORD:
        assert "password_change" not in client.get(INDEX).content.decode()


# --- Other sites, themes and pages --------------------------------------------------------------


def test_login_required_middleware(client: Client, settings: Any) -> None:
    required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
    assert client.get(LOGIN).status_code == 200
    otp = code(client)
    assert client.get(CHECK).status_code == 200
    assert client.post(RESEND)["Location"] == CHECK
    assert client.get(RESEND).status_code == 405
    assert enter(client, otp)["Location"] == INDEX
    assert client.get(INDEX).status_code == 200


@pytest.mark.usefixtures("other_pages")
def test_several_sites(client: Client) -> None:
    """Each keeps to its own addresses."""
    response = client.get("/second/", follow=True)
    assert response.redirect_chain == [("/second/login/?next=/second/", 302)]
    assert 'action="/second/login/"' in text(response)
    assert '"/admin/' not in text(response)
    response = client.post("/second/login/", {"username": username()})
    assert response["Location"] == "/second/check-otp/"
    page = text(client.get(response["Location"]))
    assert 'action="/second/check-otp/"' in page
    assert 'action="/second/resend-otp/"' in page
    assert '"/admin/' not in page
    assert client.post("/second/resend-otp/")["Location"] == "/second/check-otp/"
    response = client.post("/second/check-otp/", {"otp": outbox[-1].otp})
    assert response["Location"] == "/second/"


@pytest.mark.usefixtures("other_pages")
def test_site_with_its_own_rule_and_templates(client: Client) -> None:
    """`has_permission` decides, so a site for users without staff rights needs nothing more."""
    make_user(NO_STAFF)
    assert text(client.get("/customers/login/")).startswith("ours: Log in")
    client.post("/customers/login/", {"username": username(NO_STAFF)})
    assert text(client.get("/customers/check-otp/")).startswith("ours: Enter the code")
    response = client.post("/customers/check-otp/", {"otp": outbox[-1].otp})
    assert response["Location"] == "/customers/"
    assert logged_in(client)


@pytest.mark.usefixtures("other_pages")
def test_theme_that_names_its_login_template(client: Client) -> None:
    """Ours extends it."""
    page = text(client.get("/themed/login/"))
    assert page.startswith("<b>theme</b>")
    assert 'name="username"' in page


@pytest.mark.usefixtures("other_pages")
def test_pages_of_a_sites_own(client: Client) -> None:
    """The same views outside the admin: anybody may enter, and the words know no staff."""
    make_user(NO_STAFF)
    assert 'action="/own/login/"' in text(client.get("/own/login/"))
    response = client.post("/own/login/", {"username": username(NO_STAFF), "next": "/home/?a"})
    assert response["Location"] == "/own/check/?next=/home/%3Fa"
    otp = outbox[-1].otp
    page = text(client.post("/own/check/", {"otp": wrong(otp)}))
    assert WRONG in page
    assert "account" not in page.partition(WRONG)[2].partition("</ul>")[0]
    assert client.post("/own/check/", {"otp": otp})["Location"] == "/home/"
    assert client.get("/own/login/")["Location"] == "/home/"
    assert client.get("/home/").status_code == 200
