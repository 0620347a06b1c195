"""Notices are in the language and the time zone of the owner, whoever has caused them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.http import HttpResponse
from django.test import override_settings
from django.utils import timezone as django_timezone
from django.utils import translation

from swap_user import signals
from swap_user.models import KnownBrowser
from swap_user.otp import remember_browser
from swap_user.otp.delivery import events, notices
from swap_user.otp.delivery.owner import last_seen, words_of
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import MemoryOTPSender
from tests.otp.delivery.test_notices import spend
from tests.support import ask, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
ENGLISH, GERMAN = "Nov. 22, 2026, 2:03 p.m.", "22. November 2026 14:03"


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def browser(owner: Any, language: str, time_zone: str = "", *, days: int = 1) -> KnownBrowser:
    """Let the owner have logged in, some days ago."""
    return KnownBrowser.objects.create(
        user=owner,
        browser=f"{KnownBrowser.objects.count():032}",
        logged_in_at=NOW - timedelta(days=days),
        language=language,
        time_zone=time_zone,
    )


def log_in_from_a_new_browser(owner: Any, **extra: Any) -> str:
    """Return the notice."""
    signals.new_browser_login.send(type(owner), user=owner, request=visitor(**extra))
    return str(mail.outbox[-1].body)


def test_not_that_of_the_request(owner):
    """Whoever logs in may be an attacker. Without anything known it is LANGUAGE_CODE."""
    with translation.override("de"):
        assert ENGLISH in log_in_from_a_new_browser(owner)
        browser(owner, "de")
    with translation.override("ja"):
        assert GERMAN in log_in_from_a_new_browser(owner)


def test_not_that_of_a_guess(owner):
    """A stranger can't choose the language of the notice."""
    browser(owner, "de")
    spend(owner)
    events.after_wrong_guess(username(), "ja")
    assert GERMAN in mail.outbox[0].body


@pytest.mark.user_model("email address")
def test_that_of_the_last_login(rf: Any) -> None:
    """The language and the zone that were active in it are stored with the browser."""
    owner = make_user()
    request = visitor()
    with translation.override("de"), django_timezone.override(ZoneInfo("Asia/Tokyo")):
        enter(request, ask(request))
        remember_browser(request, HttpResponse())
    row = KnownBrowser.objects.get()
    assert (row.language, row.time_zone) == ("de", "Asia/Tokyo")
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        notices.notify(str(owner.pk), "authenticator_added", "fr", name="App", at=NOW.timestamp())
    # The browser is not older than the event.
    assert ENGLISH in mail.outbox[0].body
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        notices.notify(str(owner.pk), "authenticator_added", "fr", name="App")
    assert "23. November 2026 00:03" in mail.outbox[1].body


def test_a_known_browser_in_another_language_is_stored_again(owner):
    """Otherwise only once a day."""

    def log_in(cookie: str) -> str:
        request, response = visitor(), HttpResponse()
        request.COOKIES[COOKIE] = cookie
        known_browsers.remember(request, response, "account", owner)
        return str(response.cookies[COOKIE].value)

    with translation.override("en"):
        cookie = log_in("")
    with translation.override("de"), time_machine.travel(NOW + timedelta(hours=1), tick=False):
        log_in(cookie)
    row = KnownBrowser.objects.get()
    assert (row.language, row.time_zone, row.logged_in_at) == (
        "de",
        "",  # TIME_ZONE
        NOW + timedelta(hours=1),
    )


def test_the_newest_login_decides(owner):
    """Rows of a former version have no language, and are left out."""
    browser(owner, "", days=1)
    browser(owner, "fr", days=3)
    browser(owner, "de", days=2)
    browser(make_user(2), "ja", days=1)
    assert GERMAN in log_in_from_a_new_browser(owner)


def test_the_browser_that_acts_decides_only_if_there_is_no_other(owner):
    """It may be that of an attacker who has logged in before."""
    request, response = visitor(), HttpResponse()
    with translation.override("de"), time_machine.travel(NOW - timedelta(hours=1), tick=False):
        known_browsers.remember(request, response, "account", owner)
    cookie = response.cookies[COOKIE].value
    assert GERMAN in log_in_from_a_new_browser(owner, HTTP_COOKIE=f"{COOKIE}={cookie}")
    browser(owner, "en")
    assert ENGLISH in log_in_from_a_new_browser(owner, HTTP_COOKIE=f"{COOKIE}={cookie}")


def test_a_login_during_the_job_does_not_count(owner):
    """The job may run after the row of the new browser was stored."""
    browser(owner, "de", days=2)
    browser(owner, "ja", days=-1)
    notices.notify(str(owner.pk), "new_browser_login", None, at=NOW.timestamp())
    assert GERMAN in mail.outbox[0].body


class Chosen(MemoryOTPSender):
    """A sender of a project that knows both."""

    language, zone = "de", "America/New_York"

    def get_language(self, user: Any) -> str:
        return self.language

    def get_timezone(self, user: Any) -> Any:
        return self.zone


def written(owner: Any, sender: Any = None) -> tuple[str | None, str]:
    """Return the language and the time zone of a notice."""
    with words_of(owner, sender or MemoryOTPSender(), last_seen(owner)):
        return translation.get_language(), django_timezone.get_current_timezone_name()


def test_a_project_can_say_it(owner):
    """The methods of the sender are asked first."""
    browser(owner, "fr", "Asia/Tokyo")
    assert written(owner) == ("fr", "Asia/Tokyo")
    assert written(owner, Chosen()) == ("de", "America/New_York")


def test_attributes_of_the_user_are_the_default(owner):
    """With the names that projects usually give them."""
    browser(owner, "fr", "Asia/Tokyo")
    owner.preferred_language, owner.timezone = "pt_BR", ZoneInfo("America/Bahia")
    assert written(owner) == ("pt-br", "America/Bahia")
    owner.language, owner.timezone = "de", "Europe/Berlin"
    assert written(owner) == ("de", "Europe/Berlin")
    owner.language = owner.preferred_language = owner.timezone = None
    assert written(owner) == ("fr", "Asia/Tokyo")


@pytest.mark.parametrize("bad", ["German", "xx", "../../etc/passwd", "\x00", "x" * 600])
def test_what_does_not_exist_is_not_used(owner, bad):
    """The next one that exists is; a typo costs no notice."""
    owner.language = owner.timezone = bad
    assert written(owner) == ("en-us", "UTC")
    browser(owner, "de", "Europe/Berlin")
    assert written(owner) == ("de", "Europe/Berlin")
    KnownBrowser.objects.update(language="zz", time_zone="+0100")
    assert written(owner) == ("en-us", "UTC")


def test_a_fixed_offset_is_a_time_zone(owner):
    owner.timezone = timezone(timedelta(hours=2))
    assert written(owner)[1] == "UTC+02:00"


@override_settings(LANGUAGES=[("en", "English"), ("fr", "French")], LANGUAGE_CODE="fr")
def test_only_languages_of_the_site(owner):
    """One that the site does not offer any more is not used."""
    browser(owner, "de")
    assert written(owner)[0] == "fr"


def test_nothing_stays_active(owner):
    """The thread goes on to other jobs."""
    browser(owner, "de", "Asia/Tokyo")
    with translation.override("it"), django_timezone.override(ZoneInfo("Europe/Rome")):
        log_in_from_a_new_browser(owner)
        assert translation.get_language() == "it"
        assert django_timezone.get_current_timezone_name() == "Europe/Rome"
