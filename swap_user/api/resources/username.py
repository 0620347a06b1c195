"""Change the address that codes are sent to (R50)."""

from typing import Any

from swap_user.api import confirming
from swap_user.api.answers import session_body
from swap_user.api.members import OTP, USERNAME
from swap_user.api.operations import Answer, Call, operation
from swap_user.api.problems import Problem, invalid
from swap_user.otp.accounts import address_field
from swap_user.otp.accounts.address_claim import CHANGE, AddressClaim
from swap_user.otp.accounts.own_change import change_own_address
from swap_user.otp.pages.addresses.forms import AddressForm
from swap_user.otp.visitors import code_request, flow
from swap_user.otp.visitors.code_request import ADDRESS_KEY

_CHANGES = {"needs_login": True, "needs_fresh_login": True}


@operation(
    "POST",
    "username/",
    takes=(USERNAME,),
    returns={202: "Asked"},
    problems=("invalid", "not_found"),
    links={202: {"confirm_change": {}}},
    **_CHANGES,
)
def ask_for_change(call: Call) -> Answer:
    """
    Send a code to a new address; the answer is the same whether or not an account has it.

    A repetition before ``resend_in`` sends nothing.
    """
    _field(call)
    form = AddressForm({"username": call.texts["username"]}, user=call.user)
    if not form.is_valid():
        raise invalid(dict(form.errors))
    return confirming.send(call, _claim(call, form.cleaned_data["username"]), ADDRESS_KEY)


@operation(
    "POST",
    "username/confirm/",
    takes=(OTP,),
    returns={200: "Session"},
    problems=(
        "invalid",
        "invalid_code 400",
        "not_found",
        "nothing_to_confirm",
        "username_taken",
        "limited",
    ),
    **_CHANGES,
)
def confirm_change(call: Call) -> Answer:
    """Confirm the new address with the code that was sent there; the user's other sessions end."""
    field, asked = _field(call), confirming.asked(call, ADDRESS_KEY)
    if asked is None:
        raise Problem("nothing_to_confirm")
    confirming.check(call, _claim(call, asked.username))
    code_request.clear(call.request.session, ADDRESS_KEY)
    flow.renew(call.request, flow.new_id())  # after each accepted step (R53)
    if not change_own_address(call.request, field, asked.username):
        raise Problem("username_taken")
    call.user.refresh_from_db()
    return Answer(session_body(call))


def _field(call: Call) -> Any:
    field = address_field.address_field(call.user)
    if field is None:  # the sender reads no field of the user
        raise Problem("not_found")
    return field


def _claim(call: Call, address: str) -> AddressClaim:
    return AddressClaim(CHANGE, address, str(call.user.pk))


OPERATIONS = (ask_for_change, confirm_change)
