"""Create an account, which is made when its address is confirmed (OTP_SIGN_UP)."""

from http import HTTPStatus
from typing import Any

from swap_user.api import confirming
from swap_user.api.answers import flow_member, logged_in
from swap_user.api.body import form_data
from swap_user.api.members import FIELDS, IN_FLOW, OF_CLIENT, OTP, USERNAME
from swap_user.api.operations import Answer, Call, operation
from swap_user.api.problems import Problem, invalid
from swap_user.conf import swap_user_settings
from swap_user.otp.accounts import new_user
from swap_user.otp.pages.addresses import sign_up_steps as steps
from swap_user.otp.pages.addresses.sign_up_form import SignUpForm, load_form
from swap_user.otp.visitors import entered
from swap_user.otp.visitors.code_request import SIGN_UP_KEY, CodeRequest
from swap_user.users import lookup

_CREATED = {200: "Session", 201: "SignedUp"}
_PROBLEMS = ("invalid", "not_found", "flow_ended", "logged_in", "username_taken")
_LINKS = {"confirm_sign_up": {"flow": "/flow"}, "sign_up": IN_FLOW}


@operation(
    "POST",
    "sign-up/",
    takes=(*OF_CLIENT, USERNAME, FIELDS),
    returns={202: "Asked", **_CREATED},
    problems=_PROBLEMS,
    links={202: _LINKS},
)
def sign_up(call: Call) -> Answer:
    """
    Send a code to the address of a new user; the answer is the same if an account has it.

    A repetition before ``resend_in`` sends nothing. If the address is confirmed already, and only
    the fields had to be corrected, the account is created.
    """
    _require_visitor(call)
    session = call.request.session
    fields = call.texts.get("fields", {})
    data = form_data({**fields, "username": call.texts["username"]})
    form = load_form()(data)
    if not form.is_valid():
        raise _invalid(form)
    values = steps.values_of(form, data)
    if entered.is_too_long(values):
        raise invalid(
            {"fields": f"Together they have more than {entered.MOST_ENTERED} characters."}
        )
    asked, address = confirming.asked(call, SIGN_UP_KEY), form.cleaned_data["username"]
    entered.save(session, values)
    is_confirmed = asked and asked.is_confirmed and asked.username == address
    if asked and is_confirmed and steps.may_try(call.request, address):
        return _create(call, form, asked)
    return confirming.send(call, steps.claim_of(address), SIGN_UP_KEY)


@operation(
    "POST",
    "sign-up/confirm/",
    takes=(*OF_CLIENT, OTP),
    returns=_CREATED,
    problems=(*_PROBLEMS, "invalid_code 400", "nothing_to_confirm", "limited"),
)
def confirm_sign_up(call: Call) -> Answer:
    """Confirm the address with the code that was sent there, create the account, and log in."""
    _require_visitor(call)
    asked = confirming.asked(call, SIGN_UP_KEY)
    if asked is None or asked.is_confirmed:
        raise Problem("nothing_to_confirm")
    confirming.check(call, steps.claim_of(asked.username))
    form = load_form()(steps.filled_in(call.request.session))
    return _create(call, form, asked)


def _require_visitor(call: Call) -> None:
    if not swap_user_settings.OTP_SIGN_UP:
        raise Problem("not_found")
    if call.user.is_authenticated:
        raise Problem("logged_in")


def _create(call: Call, form: SignUpForm, asked: CodeRequest) -> Answer:
    """Create the account, and log the user in if the code is all that the policy requires."""
    try:
        user = steps.create(call.request, form, asked)
    except steps.NotCreated:
        raise _invalid(form, **flow_member(call)) from None
    if user is None:
        raise Problem("username_taken")
    if lookup.is_active(user) and new_user.may_log_in(user):
        steps.log_in(call.request, user)
        return logged_in(call)
    return Answer({"may_log_in": lookup.is_active(user)}, HTTPStatus.CREATED)


def _invalid(form: SignUpForm, **members: Any) -> Problem:
    """Return the problem of a form with errors."""
    names = {"username": "username", "__all__": "fields"}
    errors = {names.get(name, f"fields/{name}"): texts for name, texts in form.errors.items()}
    return invalid(errors, **members)


OPERATIONS = (sign_up, confirm_sign_up)
