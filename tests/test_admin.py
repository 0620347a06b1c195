"""The admin of other people's authenticators: to see and to revoke."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import AdminSite, site
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.urls import path, resolve

from swap_user.admin import AuthenticatorAdmin
from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators.secrets import sent_authenticator
from swap_user.otp.sites import OTPAdminSite
from swap_user.testing import log_in
from tests.otp.pages.methods.helpers import make_stale
from tests.support import RFC_SECRET, give, make_user, username

pytestmark = pytest.mark.django_db

LIST = "/admin/swap_user/authenticator/"


@pytest.fixture
def boss(client: Client) -> Any:
    """A superuser who is logged in."""
    user = make_user(9, is_staff=True, is_superuser=True)
    log_in(client, user)
    return user


@pytest.fixture
def owner(staff: Any) -> Any:
    """The user whose authenticators are in the list."""
    return staff


def revoke(client: Client, *rows: Authenticator) -> Any:
    """By the action of the list."""
    data = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, {**data, "post": "yes"})


@pytest.mark.requirement("R27")
def test_what_is_seen(client: Client, boss: Any, owner: Any) -> None:
    """The list shows owner, type and time, never a secret, and only what a user enrolled."""
    sent_authenticator(owner)
    row = give(owner, name="Work phone")
    for address in [LIST, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/delete/"]:
        page = client.get(address).content.decode()
        assert "Work phone" in page
        assert username(1) in page
        assert RFC_SECRET not in page
        assert row.secret not in page
    assert "1 authenticator" in client.get(LIST).content.decode()
    assert client.get(f"{LIST}{Authenticator.sent_id(owner.pk)}/change/").status_code == 302
    assert "Work phone" in client.get(LIST, {"q": username(1)}).content.decode()


@pytest.mark.requirement("R27")
@pytest.mark.parametrize(
    "lookup", ["secret__startswith", "secret", "consumed__gt", "user__password__startswith"]
)
def test_no_filter_spells_a_secret_out(client: Client, boss: Any, owner: Any, lookup: str) -> None:
    """The list cannot be filtered by secrets."""
    give(owner)
    assert client.get(LIST, {lookup: "1"}).status_code in {302, 400}


def test_nothing_is_added_or_changed(client: Client, boss: Any, owner: Any) -> None:
    """The admin neither adds nor changes authenticators."""
    row = give(owner, name="Work phone")
    assert client.get(f"{LIST}add/").status_code == 403
    assert client.post(f"{LIST}add/", {"user": owner.pk, "type": "totp"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/change/", {"name": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.name == "Work phone"
    assert not site.is_registered(RecoveryCode)


@pytest.mark.requirement("R36", "R37")
@pytest.mark.parametrize("in_bulk", [False, True])
def test_revoke(client: Client, boss: Any, owner: Any, in_bulk: bool, notices: Any) -> None:
    """The owner is notified and is logged out everywhere; the superuser is not."""
    row, other = give(owner, name="Work phone"), give(boss)
    theirs = Client()
    log_in(theirs, owner)
    if in_bulk:
        revoke(client, row)
    else:
        client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert list(Authenticator.objects.all()) == [other]
    assert theirs.get("/admin/").status_code == 302
    assert client.get("/admin/").status_code == 200
    assert [told for told, _ in notices] == [owner]
    assert "Work phone" in notices[0][1]


@pytest.mark.requirement("R36")
def test_revoking_ones_own(client: Client, boss: Any, notices: Any) -> None:
    """One's other sessions end, and this one goes on."""
    other = Client()
    log_in(other, boss)
    revoke(client, give(boss), give(boss))
    assert client.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert len(notices) == 2


@pytest.mark.requirement("R37")
def test_revoking_needs_a_fresh_login(client: Client, boss: Any, owner: Any) -> None:
    """A stale login has to be repeated first."""
    row = give(owner)
    make_stale(client)
    for response in [
        revoke(client, row),
        client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}),
        client.get(f"{LIST}{row.pk}/delete/"),
    ]:
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/?next=")
    assert client.get(LIST).status_code == 200
    assert Authenticator.objects.filter(pk=row.pk).exists()
    assert client.get("/admin/login/").status_code == 200


def test_staff_need_the_permission(client: Client, owner: Any) -> None:
    """Staff see and revoke authenticators only with the permission."""
    row = give(owner)
    staff = make_user(2, is_staff=True)
    log_in(client, staff)
    assert client.get(LIST).status_code == 403
    permission = Permission.objects.get(codename="view_authenticator")
    staff.user_permissions.add(permission)
    assert client.get(LIST).status_code == 200
    assert client.get(f"{LIST}{row.pk}/delete/").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="delete_authenticator"))
    assert client.get(f"{LIST}{row.pk}/delete/").status_code == 200


def test_recovery_codes_stay_out_of_sight(client: Client, boss: Any, owner: Any) -> None:
    """Recovery codes are not in the admin."""
    generate_recovery_codes(owner)
    assert client.get("/admin/swap_user/recoverycode/").status_code == 404


def test_who_may_delete_a_user_may_delete_what_is_theirs(client: Client, owner: Any) -> None:
    """The right to delete users is enough, also for one who has an authenticator."""
    clerk = make_user(4, is_staff=True)
    opts = type(owner)._meta
    for action in ("view", "change", "delete"):
        clerk.user_permissions.add(Permission.objects.get(codename=f"{action}_{opts.model_name}"))
    victim = make_user(5)
    give(victim)
    sent_authenticator(victim)
    log_in(client, clerk)
    assert client.get(LIST).status_code == 403
    address = f"/admin/{opts.app_label}/{opts.model_name}/{victim.pk}/delete/"
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not type(owner).objects.filter(pk=victim.pk).exists()


class Renamed(AuthenticatorAdmin):
    """Pages of the same admin under names of the project's own."""

    def get_urls(self) -> Any:
        return [
            path("", self.admin_site.admin_view(self.changelist_view), name="apps"),
            path("<path:object_id>/delete/", self.own(self.delete_view), name="delete-app"),
            *super().get_urls(),
        ]

    def own(self, view: Any) -> Any:
        return self.admin_site.admin_view(view)


own_site = OTPAdminSite(name="own")
own_site.register(Authenticator, Renamed)
plain_site = AdminSite(name="plain")
plain_site.register(Authenticator, Renamed)

urlpatterns = [
    path("admin/", site.urls),
    path("own/", own_site.urls),
    path("plain/", plain_site.urls),
]

PLACES = ["/own/swap_user/authenticator/", "/plain/swap_user/authenticator/"]


@pytest.mark.parametrize("place", PLACES)
def test_staff_without_permissions(
    client: Client, owner: Any, settings: Any, monkeypatch: Any, place: str
) -> None:
    """Wherever the admin of authenticators is registered: nothing is seen, nothing is revoked."""
    settings.ROOT_URLCONF = __name__
    row = give(owner, name="the boss's app")
    log_in(client, make_user(5, is_staff=True))
    for address in (place, f"{place}{row.pk}/change/", f"{place}{row.pk}/delete/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    assert client.post(place, data).status_code == 403
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_who_may_not_delete_users_may_not_delete_what_is_theirs(
    client: Client, owner: Any, settings: Any
) -> None:
    """On no other page either: not even one that deletes whatever it is asked to delete."""
    settings.ROOT_URLCONF = __name__
    row = give(owner)
    opts = type(owner)._meta
    clerk = make_user(4, is_staff=True)
    for codename in (f"view_{opts.model_name}", f"change_{opts.model_name}", "view_group"):
        clerk.user_permissions.add(Permission.objects.get(codename=codename))
    log_in(client, clerk)
    for place in (f"/admin/{opts.app_label}/{opts.model_name}/{owner.pk}", "/admin/auth/group/1"):
        client.post(f"{place}/delete/", {"post": "yes"})
    request = RequestFactory().get("/")
    request.user = clerk
    for place in ("/admin/auth/group/", f"/admin/{opts.app_label}/{opts.model_name}/", LIST):
        request.resolver_match = resolve(place)
        assert not site.get_model_admin(Authenticator).has_delete_permission(request, row)
    assert Authenticator.objects.filter(pk=row.pk).exists()
