"""The authenticator apps of the user."""

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http.request import split_domain_port
from django.views.decorators.debug import sensitive_variables

from swap_user.api.answers import in_json
from swap_user.api.members import NAME, OTP, TYPE
from swap_user.api.operations import Answer, Call, operation
from swap_user.api.problems import Problem, invalid, wrong_code
from swap_user.models import Authenticator
from swap_user.otp.authenticators import revocation
from swap_user.otp.authenticators.secrets import enrolled
from swap_user.otp.enforcement import rule
from swap_user.otp.exceptions import InvalidCode, TooManyAuthenticators
from swap_user.otp.pages.methods import pending
from swap_user.otp.pages.methods.forms import AddForm, NameForm
from swap_user.otp.sessions import proof
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.site_name import host_name, site_name
from swap_user.otp.verification.enrollment import Enrollment, enroll

_CHANGES = {"needs_login": True, "needs_fresh_login": True}


@operation(
    "GET",
    "authenticators/",
    returns={200: "Authenticators"},
    needs_login=True,
    links={
        200: {
            "rename_authenticator": {"id": "/authenticators/0/id"},
            "remove_authenticator": {"id": "/authenticators/0/id"},
        }
    },
)
def list_authenticators(call: Call) -> Answer:
    """List the authenticator apps of the user."""
    rows = enrolled(call.user).order_by("created_at", "pk")
    return Answer({"authenticators": [_in_json(row) for row in rows]})


@operation(
    "POST",
    "authenticators/",
    takes=(NAME, TYPE),
    returns={201: "Enrollment"},
    problems=("invalid", "too_many_authenticators"),
    enrolls=True,
    links={201: {"confirm_authenticator": {"id": "/id"}}},
    **_CHANGES,
)
def add_authenticator(call: Call) -> Answer:
    """Begin to add an authenticator app; its secret is shown in this answer only."""
    form = AddForm({"name": call.texts.get("name", ""), "type": call.texts.get("type", "")})
    if not form.is_valid():
        raise invalid(dict(form.errors))
    host, _port = split_domain_port(host_name(call.request))
    chosen = form.cleaned_data
    try:
        enrollment = enroll(call.user, chosen["type"], chosen["name"], issuer=site_name(host))
    except TooManyAuthenticators:
        raise Problem("too_many_authenticators") from None
    pending.save(call.request.session, enrollment)
    return Answer(_enrollment_in_json(enrollment), HTTPStatus.CREATED)


@operation(
    "POST",
    "authenticators/<str:id>/confirm/",
    takes=(OTP,),
    returns={200: "Authenticator"},
    problems=("invalid", "invalid_code 400", "not_found", "too_many_authenticators"),
    enrolls=True,
    links={200: {"rename_authenticator": {"id": "/id"}, "remove_authenticator": {"id": "/id"}}},
    **_CHANGES,
)
@sensitive_variables("call")
def confirm_authenticator(call: Call) -> Answer:
    """Confirm an authenticator app with a code of it; the user's other sessions end."""
    session = call.request.session
    enrollment = pending.load(session, call.user)
    if enrollment is None or str(enrollment.authenticator.pk) != call.path["id"]:
        raise Problem("not_found")
    try:
        authenticator = enrollment.confirm(call.texts["otp"], call.request)
    except InvalidCode:
        raise wrong_code() from None
    except TooManyAuthenticators:
        raise Problem("too_many_authenticators") from None
    pending.clear(session)
    end_sessions(call.user, keep=call.request)
    return Answer(_in_json(authenticator))


@operation(
    "PATCH",
    "authenticators/<str:id>/",
    takes=(NAME.mandatory(),),
    returns={200: "Authenticator"},
    problems=("invalid", "not_found"),
    **_CHANGES,
)
def rename_authenticator(call: Call) -> Answer:
    """Rename an authenticator app."""
    authenticator = _find(call)
    form = NameForm({"name": call.texts["name"]})
    if not form.is_valid():
        raise invalid(dict(form.errors))
    authenticator.name = form.cleaned_data["name"]
    enrolled(call.user).filter(pk=authenticator.pk).update(name=authenticator.name)
    return Answer(_in_json(authenticator))


@operation(
    "DELETE",
    "authenticators/<str:id>/",
    returns={200: "SessionToken", 204: None},
    problems=("not_found", "authenticator_required"),
    **_CHANGES,
)
def remove_authenticator(call: Call) -> Answer:
    """Remove an authenticator app; the user's other sessions end."""
    authenticator = _find(call)
    is_last = enrolled(call.user).count() == 1
    if is_last and rule.exists() and rule.grace_of(call.user) is not None:
        raise Problem("authenticator_required")
    if not revocation.remove_authenticator(authenticator, call.request):
        raise Problem("not_found")
    if not enrolled(call.user).exists():
        proof.lower(call.request)
    end_sessions(call.user, keep=call.request)
    return Answer()


def _find(call: Call) -> Authenticator:
    try:
        pk = UUID(call.path["id"])
    except ValueError:
        raise Problem("not_found") from None
    found: Authenticator | None = enrolled(call.user).filter(pk=pk).first()
    if found is None:
        raise Problem("not_found")
    return found


def _in_json(authenticator: Authenticator) -> dict[str, Any]:
    return {
        "id": str(authenticator.pk),
        "type": authenticator.type,
        "name": authenticator.name,
        "created_at": _time(authenticator.created_at),
        "last_used_at": _time(authenticator.last_used_at),
    }


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _enrollment_in_json(enrollment: Enrollment) -> dict[str, Any]:
    return {
        "id": str(enrollment.authenticator.pk),
        "type": enrollment.authenticator.type,
        "name": enrollment.authenticator.name,
        "secret": enrollment.secret,
        "provisioning_uri": enrollment.provisioning_uri,
        "qr_svg": enrollment.qr_svg(),
        "expires_at": in_json(enrollment.expires_at),
    }


OPERATIONS = (
    list_authenticators,
    add_authenticator,
    confirm_authenticator,
    rename_authenticator,
    remove_authenticator,
)
