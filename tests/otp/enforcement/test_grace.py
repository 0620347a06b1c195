"""The grace period: when it begins, that it is never given twice, and what follows its end."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import translation

from swap_user.models import Authenticator, EnrollmentGrace
from swap_user.otp import reset_user
from swap_user.otp.enforcement.standing import ASKED_EVERY, standing
from swap_user.testing import enroll_authenticator, log_in, outbox
from tests.clock import Clock
from tests.otp.enforcement.project import DAY, OWN_ADD, PLACES
from tests.support import NOW, username

pytestmark = pytest.mark.django_db


def is_led(client: Client, url: str) -> bool:
    """Whether a place leads to the page that adds an app; otherwise it shows its page."""
    response = client.get(url)
    if response.status_code == 200:
        return False
    assert response["Location"] == f"{PLACES[url]}?next={url}"
    assert "no-store" in response["Cache-Control"]
    return True


@pytest.mark.parametrize("url", PLACES)
def test_members_of_a_group_have_a_grace_period(
    client: Client, user: Any, use: Any, join: Any, clock: Clock, url: str
) -> None:
    """Until its end every page is open, and from then on the page that adds an app alone."""
    use("Finance")
    join("Finance")
    log_in(client, user)
    assert not is_led(client, url)
    clock.shift(14 * DAY - 1)
    log_in(client, user)
    assert not is_led(client, url)
    clock.shift(1)
    assert is_led(client, url)
    page = client.get(PLACES[url])
    assert page.status_code == 200
    assert "Before you go on, please add an authenticator app." in page.content.decode()
    enroll_authenticator(user)
    assert not is_led(client, url)


@pytest.mark.parametrize("url", PLACES)
def test_a_period_of_zero_requires_the_app_at_once(
    client: Client, user: Any, use: Any, join: Any, url: str
) -> None:
    """The first page already leads away."""
    use("Finance")
    join("Root")
    log_in(client, user)
    assert is_led(client, url)
    assert is_led(client, url)


@pytest.mark.parametrize("url", PLACES)
def test_others_are_not_concerned(client: Client, user: Any, use: Any, join: Any, url: str) -> None:
    """Members of other groups have no period, now or later."""
    use("Finance")
    join("Sales")
    log_in(client, user)
    assert not is_led(client, url)
    assert not EnrollmentGrace.objects.exists()


def test_the_period_begins_at_the_login(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """A login with a code is enough, whatever page comes next, and the message has the end."""
    use("Finance")
    join("Board")
    client.post("/account/login/", {"username": username(), "next": "/open/"})
    response = client.post(
        "/account/check-otp/", {"otp": outbox[-1].otp, "next": "/open/"}, follow=True
    )
    assert EnrollmentGrace.objects.get().began_at == datetime.fromtimestamp(NOW, tz=UTC)
    text = response.content.decode()
    assert "From <bdi>Jan. 17, 2027, 8 a.m.</bdi> on, your account needs" in text
    assert f'<a href="{OWN_ADD}">' in text
    clock.shift(2 * DAY)
    log_in(client, user)
    assert is_led(client, "/page/")


def test_a_login_without_a_code_does_not_begin_it(
    client: Client, user: Any, use: Any, join: Any
) -> None:
    """It may be that of staff who act as the user. The first page that requires the app does."""
    use("Finance")
    join("Finance")
    client.force_login(user)
    client.get("/open/")
    assert not EnrollmentGrace.objects.exists()
    client.get("/page/")
    assert EnrollmentGrace.objects.exists()


def test_who_joins_later_has_the_time_too(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """It is counted from the first time the rule met the user, also in an open session."""
    use("Finance")
    log_in(client, user)
    assert not is_led(client, "/page/")
    clock.shift(100)
    join("Board")
    clock.shift(ASKED_EVERY)
    assert not is_led(client, "/page/")
    began = NOW + 100 + ASKED_EVERY
    assert EnrollmentGrace.objects.get().began_at.timestamp() == began
    clock.move_to(began + 2 * DAY)
    log_in(client, user)
    assert is_led(client, "/page/")


def test_no_one_gets_a_second_period(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """Not by leaving and joining again, by clearing Redis, by other browsers, or by a reset."""
    use("Finance")
    group = join("Board")
    log_in(client, user)
    client.get("/page/")
    clock.shift(DAY)
    user.groups.remove(group)
    clock.shift(DAY)
    log_in(client, user)
    assert not is_led(client, "/page/")
    user.groups.add(group)
    caches["default"].clear()
    for each in (Client(), Client()):
        log_in(each, user)
        assert is_led(each, "/page/")
    enroll_authenticator(user)
    reset_user(user)
    log_in(client, user)
    assert is_led(client, "/page/")
    assert EnrollmentGrace.objects.count() == 1


def test_an_app_uses_the_period_up_too(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """A reset is no way to get time in which sent codes are enough."""
    use("Finance")
    join("Board")
    enroll_authenticator(user)
    log_in(client, user)
    assert not is_led(client, "/page/")
    clock.shift(3 * DAY)
    reset_user(user)
    log_in(client, user)
    assert is_led(client, "/page/")


def test_the_shortest_period_of_several_counts(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """Two days, not fourteen."""
    use("Finance")
    join("Finance")
    join("Board")
    log_in(client, user)
    assert not is_led(client, "/pay/")
    clock.shift(2 * DAY)
    assert is_led(client, "/pay/")


RULES = {
    "AtOnce": True,
    "Everyone": False,
    "Never": None,
    "Silent": None,
    "Backwards": True,
    "Endless": False,
}


@pytest.mark.parametrize("policy", RULES)
def test_what_must_enroll_may_return(client: Client, user: Any, use: Any, policy: str) -> None:
    """True, False, nothing or a timedelta, however long or short."""
    use(policy)
    log_in(client, user)
    assert is_led(client, "/page/") == bool(RULES[policy])
    assert EnrollmentGrace.objects.exists() == (RULES[policy] is not None)


def test_anything_else_is_an_error(client: Client, user: Any, use: Any) -> None:
    """A number would be days for one reader and seconds for another: no page is shown."""
    use("Odd")
    log_in(client, user)
    with pytest.raises(ImproperlyConfigured, match=r"Odd\.must_enroll\(\) returned 14"):
        client.get("/page/")


@pytest.mark.parametrize("url", ["/pay/", "/account/sign-in-methods/", "/page/", "/admin/"])
def test_staff_by_the_setting(client: Client, user: Any, use: Any, url: str) -> None:
    """OTP_STAFF_MUST_ENROLL is the default of the policy, so it counts everywhere."""
    use("Finance", OTP_STAFF_MUST_ENROLL=True)
    log_in(client, user)
    assert is_led(client, url)
    get_user_model().objects.update(is_staff=False)
    client = Client()
    log_in(client, user)
    if url != "/admin/":
        assert not is_led(client, url)


@pytest.mark.parametrize("groups", [None, "Finance, Root", 7])
def test_models_without_groups(
    client: Client, user: Any, use: Any, monkeypatch: Any, groups: Any
) -> None:
    """They have no members, whatever is called groups; `manage.py check` reports the policy."""
    use("Finance")
    for base in type(user).__mro__:
        if "groups" in vars(base):
            monkeypatch.delattr(base, "groups")
    if groups is not None:
        monkeypatch.setattr(type(user), "groups", groups, raising=False)
    log_in(client, user)
    assert not is_led(client, "/page/")
    assert not is_led(client, "/admin/")


@pytest.mark.parametrize("url", ["/pay/", "/page/", "/admin/"])
def test_the_message_comes_once_in_a_day(
    client: Client, user: Any, use: Any, join: Any, clock: Clock, url: str
) -> None:
    """In one session, and again on the next day."""
    use("Finance")
    join("Finance")
    log_in(client, user)

    def is_reminded() -> bool:
        text = client.get(url).content.decode()
        found = re.search(r'needs an authenticator app\. Please <a href="([^"]+)">', text)
        assert not found or found[1] == PLACES[url]
        return bool(found)

    assert [is_reminded(), is_reminded()] == [True, False]
    clock.shift(DAY - 1)
    assert not is_reminded()
    clock.shift(1)
    assert [is_reminded(), is_reminded()] == [True, False]
    enroll_authenticator(user)
    clock.shift(DAY)
    assert not is_reminded()


@pytest.mark.parametrize("url", ["/account/sign-in-methods/", "/admin/sign-in-methods/"])
def test_the_overview_shows_the_end_once(
    client: Client, user: Any, use: Any, join: Any, url: str
) -> None:
    """Either in a message or as a part of the page."""
    use("Finance")
    join("Finance")
    log_in(client, user)
    for _ in range(2):
        text = client.get(url).content.decode()
        assert text.count("From <bdi>Jan. 29, 2027, 8 a.m.</bdi> on, your account needs") == 1


def test_the_end_is_in_the_language_and_zone_of_the_request(
    client: Client, user: Any, use: Any, join: Any, settings: Any
) -> None:
    """Django's formats are used."""
    settings.TIME_ZONE = "Asia/Tokyo"
    use("Finance")
    join("Finance")
    log_in(client, user)
    with translation.override("de"):
        text = client.get("/pay/").content.decode()
    assert "<bdi>29. Januar 2027 17:00</bdi>" in text


@pytest.mark.parametrize("use_tz", [True, False])
def test_sites_without_time_zones(
    client: Client, user: Any, use: Any, join: Any, settings: Any, clock: Clock, use_tz: bool
) -> None:
    """The end is the same moment."""
    settings.USE_TZ = use_tz
    use("Finance")
    join("Board")
    log_in(client, user)
    assert "<bdi>Jan. 17, 2027, 8 a.m.</bdi>" in client.get("/pay/").content.decode()
    clock.shift(2 * DAY - 1)
    assert not is_led(client, "/pay/")
    clock.shift(1)
    assert is_led(client, "/pay/")


def test_someone_elses_session_is_not_concerned(
    client: Client, user: Any, use: Any, join: Any, rf: Any
) -> None:
    """Packages for impersonation replace the user of a request, whose period must not begin."""
    use("Finance")
    join("Root")
    request = rf.get("/")
    request.session, request.user = Client().session, user
    assert standing(request).due_at is None
    assert not EnrollmentGrace.objects.exists()


def test_a_deleted_user_leaves_no_row(client: Client, user: Any, use: Any, join: Any) -> None:
    """The row belongs to the user."""
    use("Finance")
    join("Finance")
    log_in(client, user)
    client.get("/page/")
    assert EnrollmentGrace.objects.get().pk == user.pk
    user.delete()
    assert not EnrollmentGrace.objects.exists()
    assert not Authenticator.objects.exists()


def test_redis_is_not_needed(
    client: Client, user: Any, use: Any, join: Any, settings: Any, tmp_path: Any
) -> None:
    """The rule holds while no code can be checked."""
    use("Finance")
    join("Root")
    log_in(client, user)
    location = f"unix://{tmp_path}/no-server"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}
    assert is_led(client, "/page/")
    assert client.get(OWN_ADD).status_code == 200
