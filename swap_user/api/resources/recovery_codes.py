"""The recovery codes of the user."""

from http import HTTPStatus

from swap_user.api.operations import Answer, Call, operation
from swap_user.otp.authenticators.recovery_codes import (
    generate_recovery_codes,
    remaining_recovery_codes,
)
from swap_user.otp.sessions.sessions import end_sessions


@operation("GET", "recovery-codes/", returns={200: "RecoveryCodesLeft"}, needs_login=True)
def count_recovery_codes(call: Call) -> Answer:
    """Tell how many recovery codes are left."""
    return Answer({"left": remaining_recovery_codes(call.user)})


@operation(
    "POST",
    "recovery-codes/",
    returns={201: "RecoveryCodes"},
    needs_login=True,
    needs_fresh_login=True,
)
def make_recovery_codes(call: Call) -> Answer:
    """Make a new set of recovery codes, which is shown in this answer only; other sessions end."""
    codes = generate_recovery_codes(call.user, call.request)
    end_sessions(call.user, keep=call.request)
    return Answer({"codes": codes}, HTTPStatus.CREATED)


OPERATIONS = (count_recovery_codes, make_recovery_codes)
