"""Which users' sessions staff may see and end."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.test.utils import isolate_apps
from django.urls import path

from swap_user.otp.sites import OTPAdminSite
from swap_user.testing import log_in
from tests.otp.admin.staff import (
    ALL,
    CHANGE,
    CHANGE_USERS,
    ROOT,
    SEE_BROWSERS,
    SEE_SESSIONS,
    SEE_USERS,
    browser_of,
    end_page,
    is_in,
    know,
    page,
    session_of,
    staff_with,
)
from tests.support import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]

MAY_SEE = {SEE_USERS, SEE_SESSIONS}


@pytest.fixture
def owner(db: None) -> Any:
    return make_user(1, is_staff=True)


def answers(client: Client, user: Any) -> list[int]:
    """The status of both pages, and of what would end something on each."""
    pages = [client.get(page(user)), client.get(end_page(user))]
    data = {"session": "00000000-0000-0000-0000-000000000001"}
    acts = [client.post(page(user), data), client.post(end_page(user))]
    return [each.status_code for each in (*pages, *acts)]


@pytest.mark.parametrize(
    "codenames",
    [(), (SEE_USERS,), (SEE_SESSIONS,), (SEE_BROWSERS, SEE_SESSIONS), (CHANGE_USERS,)],
    ids=str,
)
def test_both_permissions_are_needed(
    client: Client, owner: Any, codenames: tuple[str, ...]
) -> None:
    """To see the user, and to see sessions or browsers. No answer says which users exist."""
    theirs = browser_of(owner)
    log_in(client, staff_with(*codenames))
    assert answers(client, owner) == [403] * 4
    if SEE_USERS not in codenames and CHANGE_USERS not in codenames:
        for unknown in ("999999", "x", "_5F", "%00", "1" * 60, "-1"):
            assert client.get(f"{ROOT}{unknown}/").status_code == 403
    assert is_in(theirs)


def test_who_sees_does_not_end(client: Client, owner: Any) -> None:
    """Without the permission to change the user."""
    theirs = browser_of(owner)
    browser = know(owner)
    log_in(client, staff_with(SEE_USERS, SEE_SESSIONS, SEE_BROWSERS))
    assert answers(client, owner) == [200, 403, 403, 403]
    assert client.post(page(owner), {"browser": browser.pk}).status_code == 403
    assert is_in(theirs)


def test_who_changes_users_ends(client: Client, owner: Any) -> None:
    """And sees them, as in the rest of the admin."""
    log_in(client, staff_with(CHANGE_USERS, SEE_SESSIONS))
    assert answers(client, owner) == [200, 200, 302, 302]


def test_who_sees_browsers_alone_ends_no_session(client: Client, owner: Any) -> None:
    """Not even all at once, since that would end what is not shown."""
    theirs, browser = browser_of(owner), know(owner)
    log_in(client, staff_with(CHANGE_USERS, SEE_BROWSERS))
    client.post(page(owner), {"session": session_of(theirs).pk})
    assert client.post(end_page(owner)).status_code == 403
    assert is_in(theirs)
    client.post(page(owner), {"browser": browser.pk})
    assert not owner.otp_known_browsers.exists()


def test_no_such_user(client: Client) -> None:
    """For staff who may see users."""
    log_in(client, staff_with(*ALL))
    user = make_user(7)
    for unknown in (
        f"{user.pk}%00",
        "999999999",
        "x",
        "_5F",
        "%00",
        "1" * 60,
        "-1",
        "' OR 1=1 --",
        "%ed%a0%80",
    ):
        assert client.get(f"{ROOT}{unknown}/").status_code == 404
        assert client.post(f"{ROOT}{unknown}/end/").status_code == 404


def test_superusers_are_out_of_reach(client: Client) -> None:
    """Of staff who are none. A superuser sees and ends those of another one."""
    boss = make_user(3, is_staff=True, is_superuser=True)
    theirs = browser_of(boss)
    log_in(client, staff_with(*ALL))
    assert answers(client, boss) == [403] * 4
    assert client.post(page(boss), {"session": session_of(theirs).pk}).status_code == 403
    assert is_in(theirs)
    log_in(client, make_user(4, is_staff=True, is_superuser=True))
    assert answers(client, boss) == [200, 200, 302, 302]
    assert not is_in(theirs)


def test_users_who_are_no_staff(client: Client, owner: Any) -> None:
    """They are sent to the login, even with all permissions."""
    user = staff_with(*ALL)
    user.is_staff = False
    user.save()
    log_in(client, user)
    assert answers(client, owner) == [302] * 4
    assert client.get(page(owner))["Location"].startswith("/admin/login/")
    assert answers(Client(), owner) == [302] * 4
    assert not LogEntry.objects.exists()


def test_a_login_without_proof(client: Client, owner: Any) -> None:
    """A session that has not shown a code sees nothing."""
    client.force_login(staff_with(*ALL), backend="swap_user.backends.OTPBackend")
    assert answers(client, owner) == [302] * 4


# Admins of a project's own


# Isolated, so that no migration of it is missing for other tests.
with isolate_apps("swap_user"):

    class Customer(get_user_model()):  # type: ignore[misc]
        """The users of a project who are no staff."""

        class Meta:
            proxy = True
            app_label = "swap_user"


class Guarded(admin.ModelAdmin):  # type: ignore[type-arg]
    """Permissions by object, without any in the database."""

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is not None

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is not None and obj.pk == int(request.headers["x-mine"])


class Hidden(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin that shows some users only."""

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(is_staff=False)


def site_with(model: Any, model_admin: Any, name: str) -> Any:
    site = OTPAdminSite(name=name)
    site.register(model, model_admin)
    return site


SITES = {
    "guarded": site_with(get_user_model(), Guarded, "guarded"),
    "hidden": site_with(get_user_model(), Hidden, "hidden"),
    "proxy": site_with(Customer, Hidden, "proxy"),
    "empty": OTPAdminSite(name="empty"),
}

urlpatterns = [
    path("admin/", admin.site.urls),
    *(path(f"{name}/", site.urls) for name, site in SITES.items()),
]


def at(place: str, user: Any) -> str:
    return page(user).replace("/admin/", f"/{place}/")


def test_permissions_by_object(client: Client, owner: Any, settings: Any) -> None:
    """They decide for each user."""
    settings.ROOT_URLCONF = __name__
    other = make_user(2)
    log_in(client, staff_with(SEE_SESSIONS))
    mine = {"x-mine": str(owner.pk)}
    assert client.get(at("guarded", owner), headers=mine).status_code == 200
    assert client.get(at("guarded", other), headers=mine).status_code == 200
    assert client.post(f"{at('guarded', owner)}end/", headers=mine).status_code == 302
    assert client.post(f"{at('guarded', other)}end/", headers=mine).status_code == 403
    assert client.get("/guarded/sign-in-methods/users/9999999/", headers=mine).status_code == 403


@pytest.mark.parametrize("place", ["hidden", "proxy"])
def test_the_queryset_of_the_admin(client: Client, owner: Any, settings: Any, place: str) -> None:
    """Whom it does not show, the page does not show. A proxy is enough."""
    settings.ROOT_URLCONF = __name__
    customer = make_user(2)
    theirs = browser_of(customer)
    log_in(client, make_user(3, is_staff=True, is_superuser=True))
    assert client.get(at(place, owner)).status_code == 404
    response = client.get(at(place, customer))
    assert response.status_code == 200
    key = theirs.session.session_key
    assert client.post(f"{at(place, customer)}end/")["Location"] == at(place, customer)
    assert not theirs.session.exists(key)
    label = "customer" if place == "proxy" else customer._meta.model_name
    assert LogEntry.objects.get().content_type.model == label


def test_a_site_without_users(client: Client, owner: Any, settings: Any) -> None:
    """A site shows only users whom it has an admin for."""
    settings.ROOT_URLCONF = __name__
    log_in(client, make_user(3, is_staff=True, is_superuser=True))
    assert client.get(at("empty", owner)).status_code == 403


def test_the_link_of_a_site_of_ones_own(client: Client, settings: Any) -> None:
    """It leads to the page of the same site, from any ModelAdmin."""
    settings.ROOT_URLCONF = __name__
    customer = make_user(2)
    log_in(client, make_user(3, is_staff=True, is_superuser=True))
    opts = get_user_model()._meta
    for place, name in (("hidden", opts.model_name), ("proxy", "customer")):
        app = "swap_user" if place == "proxy" else opts.app_label
        response = client.get(f"/{place}/{app}/{name}/{customer.pk}/change/")
        assert f'<a href="{at(place, customer)}">Sessions</a>' in response.content.decode()
    assert CHANGE.startswith("/admin/")
