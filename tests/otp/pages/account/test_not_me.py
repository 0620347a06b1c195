"""The page "This wasn't me": what it ends, what it asks for first, and what it tells nobody."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, get_user_model
from django.core import mail, signing
from django.test import Client
from django.urls import reverse

from swap_user.models import KnownBrowser, LoginSession
from swap_user.otp.delivery import not_me
from swap_user.otp.delivery.circumstances import circumstances
from swap_user.testing import log_in, outbox
from tests.otp.pages.login.helpers import text
from tests.support import configure, enter, give, make_user, use_policy, username, visitor

pytestmark = pytest.mark.django_db

PAGE, LOGIN, METHODS = "/account/not-me/", "/account/login/", "/account/sign-in-methods/"
CHECK = "/account/check-otp/"


def url(user: Any, token: str | None = None) -> str:
    return f"{PAGE}?token={not_me.sign(user) if token is None else token}"


def is_in(client: Client) -> bool:
    return client.get(METHODS).status_code == 200


def logged_in(user: Any) -> Client:
    """A browser that the account knows, in which its user is logged in."""
    user.refresh_from_db()
    client = Client()
    client.post(LOGIN, {"username": user.get_username()})
    client.post(CHECK, {"otp": outbox[-1].otp})
    assert is_in(client)
    return client


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(user: Any, method: str) -> None:
    """Mail scanners and browsers that load pages in advance do that."""
    inside = logged_in(user)
    response = getattr(Client(), method)(url(user), headers={"sec-purpose": "prefetch"})
    assert response.status_code == 200
    assert is_in(inside)
    assert KnownBrowser.objects.count() == 1


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("method", ["put", "patch", "delete", "trace"])
def test_other_methods_are_refused(user: Any, method: str) -> None:
    assert getattr(Client(), method)(url(user)).status_code == 405


@pytest.mark.requirement("R37")
def test_a_confirmation_ends_everything(user: Any, caplog: Any) -> None:
    """All sessions, also that of whoever confirms, and all browsers; and nobody else's."""
    caplog.set_level(logging.INFO)
    other = make_user(2)
    theirs, first, second = logged_in(other), logged_in(user), logged_in(user)
    response = second.post(url(user))
    assert response.status_code == 200
    assert (is_in(first), is_in(second), is_in(theirs)) == (False, False, True)
    assert {row.user_id for row in KnownBrowser.objects.all()} == {other.pk}
    assert {row.user_id for row in LoginSession.objects.all()} == {other.pk}
    assert SESSION_KEY not in second.session
    line = caplog.records[-1]
    assert line.getMessage() == f"sessions ended by link: user={user.pk}"


def test_a_visitor_who_is_not_logged_in(user: Any) -> None:
    """The link is enough. It logs no user in, and leads to the login page."""
    inside, visitor = logged_in(user), Client()
    assert "End all sessions" in text(visitor.get(url(user)))
    response = visitor.post(url(user))
    assert not is_in(inside)
    assert SESSION_KEY not in visitor.session
    assert "Everybody has been logged out of your account" in text(response)
    assert f'href="{LOGIN}?next=%2Faccount%2Fsign-in-methods%2F"' in response.content.decode()


def test_another_user_stays_logged_in(user: Any) -> None:
    """A browser that two people share."""
    inside, shared = logged_in(user), logged_in(make_user(2))
    shared.post(url(user))
    assert (is_in(inside), is_in(shared)) == (False, True)


def test_it_works_again(user: Any) -> None:
    """For a session that has begun since; and a second press of the button is no error."""
    link, visitor = url(user), Client()
    assert visitor.post(link).status_code == visitor.post(link).status_code == 200
    inside = logged_in(user)
    visitor.post(link)
    assert not is_in(inside)


def test_a_link_of_before_a_change_of_address(user: Any) -> None:
    """An attacker who takes the account over can't make the link useless."""
    link = url(user)
    inside = logged_in(user)
    model = get_user_model()
    model.objects.filter(pk=user.pk).update(**{model.USERNAME_FIELD: username(7)})
    Client().post(link)
    assert not is_in(inside)


def _tampered(user: Any) -> dict[str, str]:
    token, other = not_me.sign(user), not_me.sign(make_user(9))
    body, _, signature = token.partition(":")
    model = user._meta.label_lower
    return {
        "none": "",
        "cut": token[:-1],
        "longer": f"{token}x",
        "the body of another one": f"{other.partition(':')[0]}:{signature}",
        "unsigned": body,
        "another purpose": signing.dumps([model, str(user.pk)], salt="swap_user.browser"),
        "another model": signing.dumps(["auth.nobody", str(user.pk)], salt=not_me.SALT),
        "another shape": signing.dumps({"pk": user.pk}, salt=not_me.SALT),
        "another key": signing.dumps([model, str(user.pk)], key="k" * 50, salt=not_me.SALT),
        "odd": "%00%FF\u202e%F0%9F%98%80",
        "long": "x" * 3000,
    }


@pytest.mark.parametrize(
    "kind",
    [
        "none",
        "cut",
        "longer",
        "the body of another one",
        "unsigned",
        "another purpose",
        "another model",
        "another shape",
        "another key",
        "odd",
        "long",
    ],
)
def test_tokens_that_are_not_ours(user: Any, kind: str) -> None:
    """Both methods say so, in one and the same way, and nothing ends."""
    inside, visitor = logged_in(user), Client()
    link = url(user, _tampered(user)[kind])
    for response in (visitor.get(link), visitor.post(link)):
        assert response.status_code == 404
        assert "This link does not work" in text(response)
        assert "End all sessions" not in text(response)
    assert is_in(inside)


def test_a_token_in_the_body_is_not_read(user: Any) -> None:
    """Only the address has it."""
    assert Client().post(PAGE, {"token": not_me.sign(user)}).status_code == 404


def test_it_works_for_seven_days(user: Any, clock: Any) -> None:
    link = url(user)
    clock.shift(7 * 86_400 - 1)
    assert Client().get(link).status_code == 200
    clock.shift(2)
    assert Client().get(link).status_code == Client().post(link).status_code == 404


def test_a_new_secret_key(user: Any, settings: Any) -> None:
    """The link ends with the key, unless the former key is still accepted."""
    link, former = url(user), settings.SECRET_KEY
    settings.SECRET_KEY = "n" * 50
    assert Client().get(link).status_code == 404
    settings.SECRET_KEY_FALLBACKS = [former]
    assert Client().get(link).status_code == 200


@pytest.mark.requirement("R32")
def test_the_answers_tell_nothing_about_the_account(user: Any) -> None:
    """They are the same for an account that is active, inactive or deleted."""
    inactive, deleted = make_user(2, is_active=False), make_user(3)
    links = [url(user), url(inactive), url(deleted)]
    deleted.delete()
    for method in ("get", "post"):
        answers = [getattr(Client(), method)(link) for link in links]
        assert {answer.status_code for answer in answers} == {200}
        pages = {re.sub(r'value="\w{64}"', "", answer.content.decode()) for answer in answers}
        assert len(pages) == 1
        (page,) = pages
        for owner in (user, inactive):
            assert owner.get_username() not in page
        assert {tuple(answer.cookies) for answer in answers} == {("csrftoken",)} or method == "post"


def test_the_sessions_of_an_inactive_user_end(user: Any) -> None:
    """Otherwise they would go on when the user is active again."""
    inside = logged_in(user)
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    Client().post(url(user))
    get_user_model().objects.filter(pk=user.pk).update(is_active=True)
    assert not is_in(inside)


def test_both(user: Any, settings: Any) -> None:
    """With two factors too, and it is none of them."""
    use_policy(settings, "Both")
    give(user)
    client = Client()
    log_in(client, user, factors=("sent", "authenticator"))
    visitor = Client()
    visitor.post(url(user))
    assert (is_in(client), is_in(visitor)) == (False, False)


def test_no_other_site_gets_the_token(user: Any) -> None:
    """Neither by a cache nor by the address of the page before."""
    for response in (Client().get(url(user)), Client().post(url(user))):
        assert "no-store" in response["Cache-Control"]
        assert response["Referrer-Policy"] == "same-origin"
        assert not_me.sign(user).partition(":")[0] not in response.content.decode()


def test_forged_requests_are_refused(user: Any) -> None:
    """As on all pages; the form of the page has a token."""
    client = Client(enforce_csrf_checks=True)
    assert client.post(url(user)).status_code == 403
    page = client.get(url(user)).content.decode()
    form = dict(re.findall(r'name="(csrfmiddlewaretoken)" value="(\w+)"', page))
    assert client.post(url(user), form).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"ATOMIC_REQUESTS": True}, {"middleware": "LoginRequiredMiddleware"}],
    ids=["ATOMIC_REQUESTS", "LoginRequiredMiddleware"],
)
def test_settings_of_a_project(user: Any, settings: Any, changes: Any) -> None:
    """The page is open to all, and what it ends stays ended."""
    from django.db import connection

    inside = logged_in(user)
    if "middleware" in changes:
        name = f"django.contrib.auth.middleware.{changes['middleware']}"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, name]
    before = connection.settings_dict["ATOMIC_REQUESTS"]
    connection.settings_dict["ATOMIC_REQUESTS"] = changes.get("ATOMIC_REQUESTS", False)
    try:
        assert Client().post(url(user)).status_code == 200
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = before
    assert not is_in(inside)


def test_redis_away(user: Any, redis_away: Any) -> None:
    """Sessions in the database end all the same."""
    inside, link = logged_in(user), url(user)
    redis_away()
    assert Client().post(link).status_code == 200
    assert not is_in(inside)


# From the notice to the page


@pytest.mark.user_model("email address")
@pytest.mark.requirement("R37")
def test_from_a_login_to_the_end_of_all_sessions(user: Any, settings: Any) -> None:
    """The whole way: two logins, the mail about the second one, its link, the button."""
    settings.ALLOWED_HOSTS = ["shop.example"]
    configure(settings, OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender")
    clients = [Client(headers={"host": "shop.example"}) for _ in range(2)]
    for client in clients:
        client.post(LOGIN, {"username": username()})
        code = re.search(r"^ {4}(\d{6})$", mail.outbox[-1].body, re.MULTILINE)
        assert code is not None
        client.post(CHECK, {"otp": code[1]})
        assert is_in(client)
    (notice,) = [each for each in mail.outbox if "new browser" in str(each.subject)]
    (link,) = re.findall(r"^http://shop\.example(/\S+)$", str(notice.body), re.MULTILINE)
    (button,) = re.findall(r'href="(http[^"]+)"', str(notice.alternatives[0][0]))
    assert button.replace("&amp;", "&") == f"http://shop.example{link}"
    assert [is_in(client) for client in clients] == [True, True]
    visitor = Client(headers={"host": "shop.example"})
    assert visitor.get(link).status_code == 200
    assert visitor.post(link).status_code == 200
    assert [is_in(client) for client in clients] == [False, False]


@pytest.mark.user_model("email address")
def test_no_alarm_at_the_first_login(user: Any, settings: Any) -> None:
    """But after it: at the next new browser, also when all browsers were forgotten meanwhile."""
    configure(settings, OTP_SENDER_CLASS="swap_user.testing.MemoryOTPSender")
    for number in (0, 1):
        client = Client()
        client.post(LOGIN, {"username": username()})
        client.post(CHECK, {"otp": outbox[-1].otp})
        assert len(mail.outbox) == number
        client.post(url(user))
        assert not KnownBrowser.objects.exists()


@pytest.mark.user_model("email address")
@pytest.mark.parametrize("sign", ["an accepted code", "last_login"])
def test_one_sign_of_an_earlier_login_is_enough(user: Any, sign: str) -> None:
    """Either may be missing: an API does not call login(), and a project may drop last_login."""
    if sign == "last_login":
        get_user_model().objects.filter(pk=user.pk).update(last_login="2026-01-01T00:00Z")
    else:
        request = visitor()
        client = Client()
        client.post(LOGIN, {"username": username()})
        assert enter(client_request(client, request), outbox[-1].otp) == user
    client = Client()
    client.post(LOGIN, {"username": username()})
    client.post(CHECK, {"otp": outbox[-1].otp})
    assert [str(each.subject) for each in mail.outbox] == ["A login from a new browser"]


def client_request(client: Client, request: Any) -> Any:
    """A request in the session of a client, whose view calls authenticate() alone."""
    request.session = client.session
    return request


def test_the_name_of_the_page() -> None:
    assert reverse("swap_user:not-me") == PAGE


# The same page in the admin


@pytest.mark.requirement("R37")
def test_in_the_admin(staff: Any) -> None:
    """It needs no login there either, says the same, and leads to the login of the admin."""
    inside, visitor = logged_in(staff), Client()
    link = f"/admin/not-me/?token={not_me.sign(staff)}"
    shown = visitor.get(link)
    assert shown.status_code == 200
    assert "If you do not recognize what the message is about" in text(shown)
    assert staff.get_username() not in shown.content.decode()
    assert is_in(inside)
    done = visitor.post(link)
    assert 'href="/admin/login/?next=%2Fadmin%2Fsign-in-methods%2F"' in done.content.decode()
    assert not is_in(inside)
    assert SESSION_KEY not in visitor.session
    assert "no-store" in done["Cache-Control"]
    for method in ("get", "post"):
        assert getattr(visitor, method)("/admin/not-me/?token=x").status_code == 404


def test_a_link_to_the_admin_if_there_are_no_own_pages(user: Any, settings: Any, rf: Any) -> None:
    """Own pages are for all users, so they are preferred."""
    settings.ALLOWED_HOSTS = ["testserver"]
    request = rf.get("/")

    def where() -> str:
        return circumstances(request, user, is_login=False)["url"]

    assert where() == "http://testserver/account/not-me/"
    settings.ROOT_URLCONF = "tests.otp.pages.account.admin_only_urls"
    assert where() == "http://testserver/admin/not-me/"
