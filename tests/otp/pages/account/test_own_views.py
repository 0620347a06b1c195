"""A project's own views beside the own pages: they ask for a code, or log in themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY, authenticate, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.test import Client
from django.urls import include, path

from swap_user.otp import asend_code, send_code
from swap_user.otp.visitors import code_request
from swap_user.testing import outbox
from tests.otp.pages.login.helpers import INACTIVE, NOBODY, ODD_TEXTS, WRONG, same, text, wrong
from tests.support import make_user, spellings, username

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("user", "_own_views")]

CHECK, LOGIN, METHODS = "/account/check-otp/", "/account/login/", "/account/sign-in-methods/"
ASKING = ["/ask/", "/ask-async/"]


def ask(request: HttpRequest) -> HttpResponse:
    send_code(request, request.POST["name"])
    return redirect("swap_user:check-otp")


async def ask_async(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    await asend_code(request, request.POST["name"])
    return redirect("swap_user:check-otp")


def enter(request: HttpRequest) -> HttpResponse:
    user = authenticate(request, username=request.POST["name"], otp=request.POST["otp"])
    if user is None:
        return HttpResponse("no")
    login(request, user)
    return HttpResponse("in")


@pytest.fixture
def _own_views(use_urls: Callable[..., None]) -> None:
    use_urls(
        path("account/", include("swap_user.otp.urls")),
        path("ask/", ask),
        path("ask-async/", ask_async),
        path("enter/", enter),
    )


@pytest.mark.parametrize("url", ASKING)
def test_the_page_for_the_code_knows_who_was_asked_for(client: Client, user: Any, url: str) -> None:
    """A form of the project asks for the name, the page of this package for the code."""
    response = client.post(url, {"name": username()})
    assert (response.status_code, response["Location"]) == (302, CHECK)
    page = text(client.get(CHECK))
    assert f"<bdi>{username()}</bdi>" in page
    otp = outbox[-1].otp
    assert WRONG in text(client.post(CHECK, {"otp": wrong(otp)}))
    assert client.post(CHECK, {"otp": otp})["Location"] == METHODS
    assert client.session[SESSION_KEY] == str(user.pk)


def test_the_page_sends_another_code(client: Client, clock: Any) -> None:
    """To whom the project has asked for, after the usual time, and both codes count."""
    client.post("/ask/", {"name": username()})
    first = outbox[-1].otp
    assert "You can ask for another code in" in text(
        client.post("/account/resend-otp/", follow=True)
    )
    clock.shift(31)
    client.post("/account/resend-otp/")
    assert len(outbox) == 2
    assert client.post(CHECK, {"otp": first})["Location"] == METHODS


@pytest.mark.parametrize("spelling", range(3))
def test_the_name_may_be_typed_in_another_form(client: Client, spelling: int) -> None:
    """The page shows the one that is meant."""
    client.post("/ask/", {"name": spellings()[spelling]})
    assert f"<bdi>{username()}</bdi>" in text(client.get(CHECK))
    assert client.post(CHECK, {"otp": outbox[-1].otp})["Location"] == METHODS


@pytest.mark.requirement("R32")
@pytest.mark.parametrize("url", ASKING)
def test_nothing_tells_whether_there_is_an_account(clock: Any, url: str) -> None:
    """Every answer is the same for a user, an unknown name, and somebody who may not log in."""
    make_user(INACTIVE, is_active=False)

    def walk(number: int) -> list[Any]:
        client, name = Client(), username(number)
        seen = [client.post(url, {"name": name}), client.get(CHECK)]
        seen += [client.post(CHECK, {"otp": "000000x"}), client.post("/account/resend-otp/")]
        return [*(same(each, name) for each in seen), sorted(client.session.keys())]

    assert walk(1) == walk(NOBODY) == walk(INACTIVE)
    assert len(outbox) == 1


@pytest.mark.parametrize(
    "name", ["", "\x00", "x" * 5000, *ODD_TEXTS], ids=lambda name: f"{name!r:.24}"
)
def test_odd_names_are_no_error(client: Client, name: str) -> None:
    """The page for the code asks for a code, or leads to the login page if it can be no name."""
    response = client.post("/ask/", {"name": name})
    assert response["Location"] == CHECK
    response = client.get(CHECK)
    assert response.status_code == 200 or response["Location"] == LOGIN
    assert "<script>alert" not in response.content.decode()
    response = client.post(CHECK, {"otp": "123456"})
    assert response.status_code == 200 or response["Location"] == LOGIN
    assert SESSION_KEY not in client.session
    assert outbox == []


def test_a_login_by_a_view_of_the_project_ends_the_request(client: Client) -> None:
    """The page for the code would ask for one that is used."""
    client.post("/ask/", {"name": username()})
    assert code_request.SESSION_KEY in client.session
    response = client.post("/enter/", {"name": username(), "otp": outbox[-1].otp})
    assert response.content == b"in"
    assert code_request.SESSION_KEY not in client.session
    assert client.get(CHECK)["Location"] == METHODS
    client.post("/account/logout/")
    assert client.get(CHECK)["Location"] == LOGIN


def test_a_wrong_code_in_a_view_of_the_project_does_not_end_it(client: Client) -> None:
    """The page for the code still knows whom it is for, and the right code counts there."""
    client.post("/ask/", {"name": username()})
    otp = outbox[-1].otp
    response = client.post("/enter/", {"name": username(), "otp": wrong(otp)})
    assert response.content == b"no"
    assert code_request.SESSION_KEY in client.session
    assert client.post(CHECK, {"otp": otp})["Location"] == METHODS


@pytest.mark.requirement("R35", "R53")
def test_a_login_by_a_view_of_the_project_changes_the_key(client: Client) -> None:
    """As a login by a page of this package does."""
    client.post("/ask/", {"name": username()})
    before = client.session.session_key
    client.post("/enter/", {"name": username(), "otp": outbox[-1].otp})
    assert client.session.session_key not in {None, before}


@pytest.mark.requirement("R23")
def test_the_code_counts_in_this_session_alone(client: Client) -> None:
    """Whoever else asks by the view of the project gets another one."""
    other = Client()
    client.post("/ask/", {"name": username()})
    mine = outbox[-1].otp
    other.post("/ask/", {"name": username()})
    assert WRONG in text(other.post(CHECK, {"otp": mine}))
    assert client.post(CHECK, {"otp": mine})["Location"] == METHODS
