"""The page on which users see where they are logged in, through both sites."""

from __future__ import annotations

import re
import uuid
from html import unescape
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from swap_user.models import KnownBrowser, LoginSession
from tests.otp.pages.login.helpers import LOGIN, code, enter, text, words
from tests.otp.pages.methods.helpers import METHODS, make_stale
from tests.otp.pages.sites import ADMIN, OWN
from tests.support import make_user, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
)
EVIL = '"><script>alert(1)</script>{{ 7*7 }}'

ENDED, ENDED_OTHERS = "That session has ended.", "You are logged out everywhere else."


@pytest.fixture
def page(site: str) -> str:
    """The address of the page."""
    return {ADMIN: f"{METHODS}sessions/", OWN: "/admin/sessions/"}[site]


@pytest.fixture(autouse=True)
def user(db: None, site: str) -> Any:
    """A user of the site, who is not logged in yet."""
    return make_user(is_staff=site == ADMIN)


@pytest.fixture
def stranger(site: str) -> Client:
    """The browser of another user, who is logged in."""
    make_user(2, is_staff=site == ADMIN)
    return browser("Stranger/1.0", 2)


def browser(user_agent: str, number: int = 1) -> Client:
    """A browser of its own, in which a user has logged in."""
    client = Client(headers={"user-agent": user_agent})
    assert enter(client, code(client, username(number))).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get(METHODS).status_code == 200


def listed(response: Any) -> list[str]:
    """The names of the browsers, in the order of the page."""
    name = r'(?:<strong>|class="swap-name">)<bdi>(.*?)</bdi>'
    return [unescape(each) for each in re.findall(name, response.content.decode())]


def buttons(response: Any) -> list[str]:
    """The ids of the sessions that can be ended."""
    return re.findall(r'name="session" value="([^"]*)"', response.content.decode())


def id_of(client: Client) -> str:
    """The id of the session of a browser."""
    return str(LoginSession.objects.get(session_key=client.session.session_key).pk)


def test_this_browser_comes_first(page: str, stranger: Client) -> None:
    """It is marked, and has no button. Others follow; those of other users are not there."""
    mine, other = browser(FIREFOX), browser(EDGE)
    for client, names in [
        (mine, ["Firefox, Linux", "Edge, Windows"]),
        (other, ["Edge, Windows", "Firefox, Linux"]),
    ]:
        response = client.get(page)
        assert listed(response) == names
        shown = words(response)
        assert shown.count("This browser") == 1
        assert shown.index(names[0]) < shown.index("This browser") < shown.index(names[1])
        (button,) = buttons(response)
        assert button == id_of(other if client is mine else mine)
        assert f'aria-label="Log out {names[1]}"' in response.content.decode()


def test_the_only_one(page: str) -> None:
    """There is nothing to end then."""
    response = browser(FIREFOX).get(page)
    assert listed(response) == ["Firefox, Linux"]
    assert buttons(response) == []
    assert "Log out everywhere else" not in text(response)


def test_a_browser_without_a_name(page: str) -> None:
    """Not every program tells what it is."""
    browser("")
    assert listed(browser(FIREFOX).get(page)) == ["Firefox, Linux", "A browser"]


def test_what_a_browser_calls_itself_is_escaped(page: str) -> None:
    """A visitor can write anything into the header."""
    browser(EVIL)
    response = browser(FIREFOX).get(page)
    assert listed(response)[1] == EVIL
    assert "<script>alert" not in response.content.decode()
    assert '""><' not in response.content.decode()


def test_one_session_is_ended(page: str, stranger: Client) -> None:
    """That browser is logged out, and all others stay."""
    mine, other, third = browser(FIREFOX), browser(EDGE), browser("curl/8.0")
    response = mine.post(page, {"session": id_of(other)}, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert ENDED in words(response)
    assert sorted(listed(response)) == ["Firefox, Linux", "curl/8.0"]
    assert [is_in(each) for each in (mine, other, third, stranger)] == [True, False, True, True]
    assert SESSION_KEY not in other.session


@pytest.mark.parametrize(
    "session_id",
    [
        *("", " ", "x", "0", "-1", "None", "*", "%", "\x00", "' OR 1=1 --", "x" * 10_000),
        *(str(uuid.UUID(int=1)), str(uuid.UUID(int=0)), "{}", "ü", "\U0001f600"),
    ],
    ids=lambda session_id: repr(session_id)[:20],
)
def test_what_is_no_session_ends_nothing(page: str, session_id: str) -> None:
    """Nor is it an error, and the page does not say that something has ended."""
    mine, other = browser(FIREFOX), browser(EDGE)
    response = mine.post(page, {"session": session_id}, follow=True)
    assert response.redirect_chain == [(page, 302)]
    assert ENDED not in words(response)
    assert (is_in(mine), is_in(other)) == (True, True)


@pytest.mark.parametrize("data", [{}, {"x": "1"}, {"session": ["", "x"]}], ids=str)
def test_a_form_without_a_session_ends_nothing(page: str, data: dict[str, Any]) -> None:
    """Not even by accident all of them."""
    mine, other = browser(FIREFOX), browser(EDGE)
    assert mine.post(page, data)["Location"] == page
    assert (is_in(mine), is_in(other)) == (True, True)


def test_nobody_ends_the_session_of_somebody_else(page: str, stranger: Client) -> None:
    """The answer is that for a session which does not exist."""
    mine = browser(FIREFOX)
    theirs = mine.post(page, {"session": id_of(stranger)}, follow=True)
    none = mine.post(page, {"session": str(uuid.uuid4())}, follow=True)
    assert theirs.redirect_chain == none.redirect_chain
    assert words(theirs) == words(none)
    assert (is_in(mine), is_in(stranger)) == (True, True)


def test_the_own_session_ends_by_logging_out_alone(page: str) -> None:
    """The page has no button for it, and a made-up form does nothing."""
    mine, other = browser(FIREFOX), browser(EDGE)
    own = id_of(mine)
    for spelling in (own, own.upper(), own.replace("-", ""), f"{{{own}}}", f"urn:uuid:{own}"):
        response = mine.post(page, {"session": spelling}, follow=True)
        assert ENDED not in words(response)
    assert (is_in(mine), is_in(other)) == (True, True)


def test_all_others_are_ended(page: str, stranger: Client) -> None:
    """But this one, and those of other users."""
    mine, other, third = browser(FIREFOX), browser(EDGE), browser("curl/8.0")
    assert "Log out everywhere else" in text(mine.get(page))
    response = mine.post(page, {"others": "1"}, follow=True)
    assert ENDED_OTHERS in words(response)
    assert listed(response) == ["Firefox, Linux"]
    assert [is_in(each) for each in (mine, other, third, stranger)] == [True, False, False, True]


def test_other_browsers_are_not_known_any_more(page: str) -> None:
    """After all others were ended: a stranger in one of them must not be known."""
    mine, _ = browser(FIREFOX), browser(EDGE)
    assert KnownBrowser.objects.count() == 2
    mine.post(page, {"others": "1"})
    assert KnownBrowser.objects.get().user_agent == FIREFOX


def test_a_session_of_before_the_upgrade(page: str) -> None:
    """It has no record, and gets one when its owner looks."""
    mine = browser(FIREFOX)
    session = mine.session
    del session["_swap_user_session"]
    session.save()
    LoginSession.objects.all().delete()
    response = mine.get(page)
    assert listed(response) == ["Firefox, Linux"]
    assert buttons(response) == []
    assert LoginSession.objects.count() == 1


@pytest.mark.parametrize("engine", ["db", "cache", "cached_db", "file"])
@pytest.mark.parametrize("one", [True, False], ids=["one", "others"])
@pytest.mark.usefixtures("no_stamp")
def test_wherever_sessions_are_kept(
    page: str, settings: Any, tmp_path: Any, engine: str, one: bool
) -> None:
    """They are listed and ended in each place, with a model without a security stamp too."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    mine, other = browser(FIREFOX), browser(EDGE)
    response = mine.get(page)
    assert listed(response) == ["Firefox, Linux", "Edge, Windows"]
    (button,) = buttons(response)
    assert button == id_of(other)
    mine.post(page, {"session": button} if one else {"others": "1"})
    assert (is_in(mine), is_in(other)) == (True, False)
    assert listed(mine.get(page)) == ["Firefox, Linux"]


@pytest.mark.user_model("no password")
def test_sessions_in_cookies(page: str, settings: Any, stranger: Client) -> None:
    """They can't be listed, nor one of them ended; a new security stamp ends all others."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    mine, other, theirs = browser(FIREFOX), browser(EDGE), browser("Stranger/1.0", 2)
    response = mine.get(page)
    assert "can’t be listed" in words(response)
    assert listed(response) == []
    assert "Log out everywhere else" in text(response)
    mine.post(page, {"session": str(uuid.uuid4())})
    assert (is_in(mine), is_in(other)) == (True, True)
    assert ENDED_OTHERS in words(mine.post(page, {"others": "1"}, follow=True))
    assert (is_in(mine), is_in(other), is_in(theirs)) == (True, False, True)


def test_it_needs_a_login(page: str) -> None:
    """The login page of the same site asks, and leads back. Nothing is ended."""
    mine = browser(FIREFOX)
    for data in ({"session": id_of(mine)}, {"others": "1"}):
        assert Client().post(page, data)["Location"] == f"{LOGIN}?next={page}"
    assert Client().get(page)["Location"] == f"{LOGIN}?next={page}"
    assert is_in(mine)


def test_it_needs_no_recent_login(page: str) -> None:
    """An owner who sees a stranger in the list must be quick."""
    mine, other = browser(FIREFOX), browser(EDGE)
    make_stale(mine)
    mine.post(page, {"session": id_of(other)})
    assert (is_in(mine), is_in(other)) == (True, False)


def test_a_session_that_was_ended_ends_no_others(page: str) -> None:
    """Its form comes too late."""
    mine, other = browser(FIREFOX), browser(EDGE)
    mine.post(page, {"session": id_of(other)})
    assert other.post(page, {"others": "1"})["Location"] == f"{LOGIN}?next={page}"
    assert is_in(mine)


@pytest.mark.requirement("R26")
def test_get_ends_nothing(page: str) -> None:
    """A link can't end a session."""
    mine, other = browser(FIREFOX), browser(EDGE)
    assert mine.get(page, {"session": id_of(other), "others": "1"}).status_code == 200
    assert (is_in(mine), is_in(other)) == (True, True)


def test_forged_requests_are_refused(page: str) -> None:
    """Another site can't end a session."""
    mine, other = browser(FIREFOX), browser(EDGE)
    mine.handler.enforce_csrf_checks = True
    for data in ({"session": id_of(other)}, {"others": "1"}):
        assert mine.post(page, data).status_code == 403
    assert is_in(other)


def test_every_form_carries_a_token(page: str) -> None:
    """Those of the sessions and that of all others."""
    browser(EDGE)
    response = browser(FIREFOX).get(page).content.decode()
    assert response.count('method="post"') == response.count("csrfmiddlewaretoken") >= 2


@pytest.mark.requirement("R40")
def test_nothing_is_stored(page: str) -> None:
    """No answer of the page may be stored by browsers or proxies."""
    mine = browser(FIREFOX)
    for response in (mine.get(page), mine.post(page, {"others": "1"}), Client().get(page)):
        assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods(page: str, method: str) -> None:
    """The page takes no others."""
    assert browser(FIREFOX).generic(method, page).status_code == 405
