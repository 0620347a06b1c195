"""What a notice says about the request that caused it, and where its link leads."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.test import RequestFactory
from django.urls import include, path, resolve
from django.utils import translation

from swap_user import signals
from swap_user.models import Authenticator
from swap_user.otp import generate_recovery_codes
from swap_user.otp.delivery import not_me
from swap_user.otp.delivery.circumstances import circumstances
from tests.support import configure, enter, give, make_user, visitor

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
SEEN = {"HTTP_USER_AGENT": FIREFOX, "REMOTE_ADDR": "203.0.113.7"}


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver", ".shop.example"]


def request_by(owner: Any, **extra: Any) -> Any:
    request = RequestFactory().get("/", **{**SEEN, **extra})
    request.user = owner
    return request


def use_urls(settings: Any, *patterns: Any) -> None:
    """Let the site have these pages and no others."""
    urlconf: Any = ModuleType("made_up_urls")
    urlconf.urlpatterns = [*patterns]
    settings.ROOT_URLCONF = urlconf


def of(request: Any, owner: Any) -> dict[str, str]:
    return circumstances(request, owner, is_login=False)


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("event", ["added", "removed", "codes", "code", "login"])
def test_the_notice_names_browser_and_network(owner, event):
    """As the page of the sessions does, so that the owner can recognize it."""
    request = request_by(owner)
    match event:
        case "login":
            signals.new_browser_login.send(type(owner), user=owner, request=request)
        case "codes":
            generate_recovery_codes(owner, request)
        case "code":
            code = generate_recovery_codes(owner)[0]
            mail.outbox.clear()
            request = visitor(**SEEN)
            request.user = AnonymousUser()
            assert enter(request, code) == owner
        case _:
            authenticator = give(owner)
            signal = getattr(signals, f"authenticator_{event}")
            signal.send(Authenticator, user=owner, authenticator=authenticator, request=request)
    (message,) = mail.outbox
    for text in (message.body, message.alternatives[0][0]):
        assert "Browser: Firefox, Linux" in text
        assert "Network: 203.0.113.0/24" in text
        assert "http://testserver/account/not-me/?token=" in text
    assert "203.0.113.7" not in message.body


def test_nothing_is_said_without_a_request(owner):
    """As for a command."""
    generate_recovery_codes(owner)
    assert of(None, owner) == {}
    for word in ("Browser:", "Network:", "not-me"):
        assert word not in mail.outbox[0].body


def test_staff_are_not_described(owner):
    """They have removed the app of the owner, who learns nothing about their browser."""
    for other in (make_user(2), AnonymousUser()):
        assert set(of(request_by(other), owner)) == {"url"}
    assert set(of(request_by(owner), owner)) == {"url", "browser", "network"}


@pytest.mark.parametrize("retention", [0, 3600])
def test_nothing_that_the_site_does_not_store(owner, settings, retention):
    """With OTP_SESSION_RETENTION = 0, it is neither in a queue nor in a message."""
    configure(settings, OTP_SESSION_RETENTION=retention)
    found = of(request_by(owner), owner)
    assert ("browser" in found) is ("network" in found) is bool(retention)


@pytest.mark.parametrize(
    "user_agent",
    [
        "Call +49 900 123456 to keep your account",
        "https://evil.example/",
        "<b>x</b>",
        "\r\nBcc: a@b",
    ],
)
def test_a_visitor_cant_write_the_message(owner, user_agent):
    """Only the names of browsers that are known are in it."""
    assert "browser" not in of(request_by(owner, HTTP_USER_AGENT=user_agent), owner)
    found = of(request_by(owner, HTTP_USER_AGENT=f"Firefox {user_agent}"), owner)
    assert found["browser"] == "Firefox"


def test_names_are_escaped(owner):
    """In the HTML, and not in the text. A name makes no link."""
    name = '<a href="https://evil.example/">x</a> & https://evil.example/'
    authenticator = give(owner, name=name)
    signals.authenticator_added.send(Authenticator, user=owner, authenticator=authenticator)
    (message,) = mail.outbox
    html = message.alternatives[0][0]
    assert name in message.body
    assert "&lt;a href=&quot;https://evil.example/&quot;&gt;x&lt;/a&gt; &amp; https" in html
    assert "<a" not in html


def test_a_queue_holds_json_without_a_token(owner):
    """The link is signed by the job."""
    found = json.loads(json.dumps(of(request_by(owner), owner)))
    assert found["url"] == "http://testserver/account/not-me/"
    assert FIREFOX not in found.values()


# Where the link leads


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "x@evil.example"])
def test_the_host_must_be_allowed(owner, host):
    """A visitor chooses the header. Otherwise there is no link."""
    assert not_me.page_url(request_by(owner)) == "http://testserver/account/not-me/"
    assert not_me.page_url(request_by(owner, HTTP_HOST=host)) == ""


def test_forwarded_hosts_are_not_read(owner):
    """Unless the project says so, as for Django itself."""
    request = request_by(owner, HTTP_X_FORWARDED_HOST="www.shop.example")
    assert not_me.page_url(request).startswith("http://testserver/")


@pytest.mark.parametrize("hosts", [["*"], ["testserver", "*"]])
def test_if_all_hosts_are_allowed_there_is_no_link(owner, settings, hosts):
    """Then the header may name any host, and the link would lead there."""
    settings.ALLOWED_HOSTS = hosts
    assert not_me.page_url(request_by(owner)) == ""
    assert not_me.page_url(request_by(owner, HTTP_HOST="evil.example")) == ""


@pytest.mark.parametrize(
    ("changes", "scheme"),
    [
        ({}, "http"),
        ({"SECURE_SSL_REDIRECT": True}, "https"),
        ({"SESSION_COOKIE_SECURE": True}, "https"),
    ],
)
def test_https_where_the_site_has_it(owner, settings, changes, scheme):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert not_me.page_url(request_by(owner)) == f"{scheme}://testserver/account/not-me/"
    secure = RequestFactory().get("/", secure=True, headers={"host": "www.shop.example:8443"})
    assert not_me.page_url(secure) == "https://www.shop.example:8443/account/not-me/"


def test_no_link_without_the_pages(owner, settings):
    use_urls(settings)
    assert not_me.page_url(request_by(owner)) == ""
    signals.new_browser_login.send(type(owner), user=owner, request=request_by(owner))
    assert "7 days" not in mail.outbox[0].body


def test_pages_within_another_namespace(owner, settings):
    """A request to one of them shows where they are."""
    shop = ([path("me/", include("swap_user.otp.urls"))], "shop")
    use_urls(settings, path("shop/", include(shop)))
    request = request_by(owner)
    assert not_me.page_url(request) == ""
    request.resolver_match = resolve("/shop/me/login/")
    assert not_me.page_url(request) == "http://testserver/shop/me/not-me/"


def test_a_language_in_the_address_is_that_of_the_owner(owner, settings):
    """And not that of the visitor."""
    from django.conf.urls.i18n import i18n_patterns

    use_urls(settings, *i18n_patterns(path("account/", include("swap_user.otp.urls"))))
    owner.language = "de"
    with translation.override("ja"):
        url = not_me.page_url(request_by(owner))
        assert url == "http://testserver/ja/account/not-me/"
        link = not_me.link(url, owner, "de")
    assert link.startswith("http://testserver/de/account/not-me/?token=")


def test_a_site_below_a_path(owner):
    """The path of the request is kept, which the job does not know."""
    from django.urls import get_script_prefix, set_script_prefix

    before = get_script_prefix()
    set_script_prefix("/below/")
    try:
        url = not_me.page_url(request_by(owner))
    finally:
        set_script_prefix(before)
    link = not_me.link(url, owner, "de")
    assert link.startswith("http://testserver/below/account/not-me/?token=")


def test_the_token_survives_its_address(owner):
    """Nothing in it needs quoting again."""
    link = not_me.link("http://testserver/account/not-me/", owner, "en")
    token = RequestFactory().get(link).GET["token"]
    assert not_me.read(token) == str(owner.pk)
