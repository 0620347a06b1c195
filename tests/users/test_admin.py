"""The user models in the admin."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import RequestFactory
from django.urls import reverse

from swap_user.testing import log_in
from tests.support import username
from tests.user_models import HAS_PASSWORD, UserModel

KIND = UserModel.USERNAME_FIELD
TYPED = {"email": " User7@EXAMPLE.com ", "phone": "+49 151 12345-007"}.get(KIND, "")

pytestmark = pytest.mark.user_model("ours")


def _url(page: str, *args: object) -> str:
    return reverse(
        f"admin:{UserModel._meta.app_label}_{UserModel._meta.model_name}_{page}", args=args
    )


def _log_in(client, user):
    log_in(client, user)
    return client


@pytest.fixture
def superuser(db):
    return UserModel.objects.create_superuser(username(1))


@pytest.fixture(params=["superuser", "staff"])
def visitor_client(request, client, superuser):
    """A client whose user may add and change users: as a superuser, or by permissions."""
    if request.param == "superuser":
        return _log_in(client, superuser)
    staff = UserModel.objects.create_user(username(2), is_staff=True)
    names = [f"{action}_{UserModel._meta.model_name}" for action in ("add", "change", "view")]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    return _log_in(client, staff)


@pytest.fixture
def someone(db):
    return UserModel.objects.create_user(username(5))


def _add_data(**changes: str) -> dict[str, str]:
    data = {KIND: TYPED}
    if HAS_PASSWORD:
        data |= {"usable_password": "true", "password1": "kZ81!plqX", "password2": "kZ81!plqX"}
    return data | changes


# --- Adding ---------------------------------------------------------------------------------------


def test_add(visitor_client):
    """A username, and a password where there are any, make a user in canonical form."""
    page = visitor_client.get(_url("add"))
    assert page.status_code == 200
    done = visitor_client.post(_url("add"), _add_data())
    user = UserModel.objects.get_by_natural_key(username(7))
    assert done.status_code == 302
    assert done.url == _url("change", user.pk)
    assert user.is_active
    assert not user.is_staff
    assert user.has_usable_password() is HAS_PASSWORD


def test_add_form_fields(client, superuser):
    """The add form of a model without passwords asks for the username alone."""
    form = _log_in(client, superuser).get(_url("add")).context["adminform"].form
    passwords = ["usable_password", "password1", "password2"]
    assert list(form.fields) == [KIND] + (passwords if HAS_PASSWORD else [])
    assert form.fields[KIND].widget.attrs["autofocus"] is True


def test_add_refuses_a_duplicate(visitor_client, superuser):
    """A username that is taken in another form is refused, on the form."""
    typed = {"email": "USER1@Example.com", "phone": "+49 (151) 12345001"}[KIND]
    page = visitor_client.post(_url("add"), _add_data(**{KIND: typed}))
    assert page.status_code == 200
    assert len(page.context["adminform"].form.errors[KIND]) == 1


@pytest.mark.parametrize("typed", ["", "alice", "\x00", "\ud7ff", "9" * 500, "a" * 500 + "@b.com"])
def test_add_refuses_what_is_no_username(visitor_client, typed):
    """What can't be a username is an error on the form."""
    page = visitor_client.post(_url("add"), _add_data(**{KIND: typed}))
    assert page.status_code == 200
    assert KIND in page.context["adminform"].form.errors


@pytest.mark.user_model("password")
def test_add_refuses_passwords_that_differ(visitor_client):
    """Django's own add form is at work, with its checks."""
    page = visitor_client.post(_url("add"), _add_data(password2="another"))
    assert "password2" in page.context["adminform"].form.errors


def test_add_needs_permission(client, someone):
    """Staff without permissions cannot add users."""
    someone.is_staff = True
    someone.save()
    client = _log_in(client, someone)
    assert client.get(_url("add")).status_code == 403
    assert client.post(_url("add"), _add_data()).status_code == 403
    assert client.get(_url("change", someone.pk)).status_code == 403


# --- Changing -------------------------------------------------------------------------------------


def test_change(visitor_client, someone):
    """Username and flags can be changed; the new address gives a new stamp, which ends sessions."""
    stamp = getattr(someone, "security_stamp", None)
    page = visitor_client.get(_url("change", someone.pk))
    assert page.status_code == 200
    done = visitor_client.post(_url("change", someone.pk), {KIND: TYPED, "is_staff": "on"})
    assert done.status_code == 302
    someone.refresh_from_db()
    assert someone.get_username() == username(7)
    assert (someone.is_active, someone.is_staff) == (False, True)
    assert stamp is None or someone.security_stamp != stamp


@pytest.mark.user_model("no password")
def test_security_stamp_stays_inside(visitor_client, someone):
    """No page shows the security stamp, and no form takes one."""
    stamp = someone.security_stamp
    for url in (_url("changelist"), _url("change", someone.pk), _url("history", someone.pk)):
        page = visitor_client.get(url)
        assert page.status_code == 200
        assert stamp not in page.content.decode()
    data = {KIND: username(5), "is_active": "on", "security_stamp": "x", "password": "x"}
    assert visitor_client.post(_url("change", someone.pk), data).status_code == 302
    someone.refresh_from_db()
    assert someone.security_stamp == stamp


def test_lookups_by_secrets_are_refused(client, superuser):
    """The list cannot be filtered by secrets."""
    secret = "password" if HAS_PASSWORD else "security_stamp"
    page = _log_in(client, superuser).get(_url("changelist"), {f"{secret}__startswith": "a"})
    assert page.status_code == 400


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("method", ["get", "post"])
def test_password_page_is_gone(client, superuser, someone, method):
    """There is no page to set a password."""
    client = _log_in(client, superuser)
    url = _url("change", someone.pk).replace("change/", "password/")
    assert getattr(client, method)(url).status_code == 404
    page = client.get(_url("change", someone.pk))
    assert "password" not in page.context["adminform"].form.fields
    assert b"../password/" not in page.content


@pytest.mark.user_model("password")
def test_password_page_works(client, superuser, someone):
    """Where there are passwords, Django's own page sets them."""
    client = _log_in(client, superuser)
    url = _url("change", someone.pk).replace("change/", "password/")
    assert client.get(url).status_code == 200
    data = {"usable_password": "true", "password1": "kZ81!plqX", "password2": "kZ81!plqX"}
    assert client.post(url, {**data, "set-password": "1"}).status_code == 302
    someone.refresh_from_db()
    assert someone.check_password("kZ81!plqX")


def test_delete(client, superuser, someone):
    """A user can be deleted."""
    client = _log_in(client, superuser)
    assert client.post(_url("delete", someone.pk), {"post": "yes"}).status_code == 302
    assert not UserModel.objects.filter(pk=someone.pk).exists()


# --- Finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term",
    {"email": ["user5", "USER5@Example.com"], "phone": ["12345005", "+49 (151) 12345-005"]}.get(
        KIND, []
    ),
)
def test_search(visitor_client, someone, superuser, term):
    """The list is searched by part of a username, and by a whole one in any form."""
    page = visitor_client.get(_url("changelist"), {"q": term})
    assert list(page.context["cl"].result_list) == [someone]


def test_list_and_filters(visitor_client, someone, superuser):
    """The list shows usernames and filters by flags."""
    page = visitor_client.get(_url("changelist"))
    assert someone in page.context["cl"].result_list
    page = visitor_client.get(_url("changelist"), {"is_superuser__exact": 1})
    assert list(page.context["cl"].result_list) == [superuser]


# --- Extending ------------------------------------------------------------------------------------


def test_projects_extend_the_admin_class(superuser):
    """A project's subclass adds to the fieldsets as it would to those of any ModelAdmin."""
    base = type(admin.site._registry[UserModel])

    class MemberAdmin(base):
        fieldsets = (*base.fieldsets, ("More", {"fields": ("date_of_login",)}))
        readonly_fields = (*base.readonly_fields, "date_of_login")

        def date_of_login(self, user):
            return user.last_login

    request = RequestFactory().get("/")
    request.user = superuser
    page = MemberAdmin(UserModel, admin.site).change_view(request, str(superuser.pk))
    assert b"Date of login" in page.render().content
