"""
Which users' sessions staff can see on an admin site, and end.

The admin of the user model decides, as it does for the rest of a user: its queryset, and its
permissions for this one user. To see sessions or known browsers, staff need the permission to view
these too. To end them, staff need the permission to change the user: it is no more than they could
do by making the user inactive. Only superusers see and end what belongs to a superuser.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import router
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from swap_user.models import KnownBrowser, LoginSession


@dataclass(frozen=True, slots=True)
class Access:
    """
    What staff may do with the sessions and known browsers of a user.

    Attributes:
        user: the user, read from the database that is written.
        model_admin: the admin in which staff find the user.
        obj: the user as this admin returns it. It can be of a proxy or a child of the user model.
        sees_sessions: whether staff may see the sessions.
        sees_browsers: whether staff may see the known browsers.
        may_end: whether staff may end what they see.
    """

    user: Any
    model_admin: Any
    obj: Any
    sees_sessions: bool
    sees_browsers: bool
    may_end: bool


def find(site: AdminSite, request: HttpRequest, object_id: str) -> Access:
    """
    Return what the user of a request may do with the sessions of another user.

    Args:
        site: the admin site of the page.
        request: a request of a user who has permission for the site.
        object_id: the primary key of the other user, quoted as in URLs of the admin.

    Raises:
        PermissionDenied: they may not see them.
        Http404: there is no such user.
    """
    if not (_may_view(request, LoginSession) or _may_view(request, KnownBrowser)):
        raise PermissionDenied
    found = list(_find_in_admins(site, request, object_id))
    if not found:
        # Without permission for any user, nothing is said about which users exist.
        if not any(each.has_view_permission(request) for each in admins_of_users(site)):
            raise PermissionDenied
        raise Http404(_("There is no such user."))
    viewable = [(each, obj) for each, obj in found if each.has_view_permission(request, obj)]
    if not viewable:
        raise PermissionDenied
    changeable = [(each, obj) for each, obj in viewable if each.has_change_permission(request, obj)]
    model_admin, obj = (changeable or viewable)[0]
    user = _read(obj)
    if is_out_of_reach(request, user):
        raise PermissionDenied
    return Access(
        user=user,
        model_admin=model_admin,
        obj=obj,
        sees_sessions=_may_view(request, LoginSession),
        sees_browsers=_may_view(request, KnownBrowser),
        may_end=bool(changeable),
    )


def may_see(request: HttpRequest, user: Any) -> bool:
    """
    Return whether staff who see a user in the admin also see the user's sessions or browsers.

    Args:
        request: a request of staff.
        user: the user, who is shown by an admin.
    """
    permitted = _may_view(request, LoginSession) or _may_view(request, KnownBrowser)
    return permitted and not is_out_of_reach(request, user)


def is_out_of_reach(request: HttpRequest, user: Any) -> bool:
    """Return whether a user is a superuser, and the user of the request is not."""
    return bool(
        getattr(user, "is_superuser", False) and not getattr(request.user, "is_superuser", False)
    )


def admins_of_users(site: AdminSite) -> "list[ModelAdmin[Any]]":
    """Return the admins of the user model, and of its proxies and children, on a site."""
    users = get_user_model()
    admins = [each for model, each in site._registry.items() if issubclass(model, users)]
    return sorted(admins, key=lambda each: each.model is not users)


def _find_in_admins(site: AdminSite, request: HttpRequest, object_id: str) -> Any:
    """Yield the admins that contain a user, each with its object."""
    pk = get_user_model()._meta.pk
    if "\x00" in object_id:
        return  # PostgreSQL can't compare it with text.
    try:
        value = pk.to_python(unquote(object_id))
    except (TypeError, ValueError, ValidationError):
        return
    for model_admin in admins_of_users(site):
        try:
            obj = model_admin.get_queryset(request).filter(**{pk.name: value}).first()
        except (OverflowError, ValueError, ValidationError):
            continue
        if obj is not None:
            yield model_admin, obj


def _read(obj: Any) -> Any:
    users = get_user_model()
    rows = users._base_manager.using(router.db_for_write(users))
    user = rows.filter(pk=getattr(obj, users._meta.pk.attname)).first()
    if user is None:
        raise Http404(_("There is no such user."))
    return user


def _may_view(request: HttpRequest, model: Any) -> bool:
    """Return whether the user has the permission to view a model, or to change it."""
    user: Any = request.user
    return any(
        user.has_perm(f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}")
        for action in ("view", "change")
    )
