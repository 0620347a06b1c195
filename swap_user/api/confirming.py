"""The code that confirms an address, for a change of the address and for a sign-up."""

import time
from http import HTTPStatus

from django.views.decorators.debug import sensitive_variables

from swap_user.api.answers import flow_member, limit_reached, times
from swap_user.api.operations import Answer, Call
from swap_user.api.problems import wrong_code
from swap_user.otp.accounts import confirmation
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors import code_request
from swap_user.otp.visitors.code_request import CodeRequest


def asked(call: Call, key: str) -> CodeRequest | None:
    """
    Return the code request for an address, while it can be confirmed.

    Args:
        call: the request.
        key: the key in the session, see ``code_request``.
    """
    found = code_request.load(call.request.session, key)
    return found if found and found.expires_in(time.time()) else None


def send(call: Call, claim: AddressClaim, key: str) -> Answer:
    """
    Send a code to an address, unless one was just sent, and return the answer.

    Args:
        call: the request.
        claim: the address.
        key: the key in the session, see ``code_request``.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    now, before = time.time(), asked(call, key)
    is_pending = before and before.username == claim.name and not before.is_confirmed
    if not (before and is_pending and before.resend_in(now)):
        confirmation.ask(call.request, claim)
        code_request.save(call.request.session, claim.name, now=now, key=key)
    return Answer({**times(asked(call, key)), **flow_member(call)}, HTTPStatus.ACCEPTED)


@sensitive_variables("call")
def check(call: Call, claim: AddressClaim) -> None:
    """
    Use the code in the body.

    Args:
        call: the request.
        claim: the address.

    Raises:
        Problem: the code is wrong, or was not checked because of a limit.
        LoginUnavailable: Redis can't be reached.
    """
    result = confirmation.confirm(call.request, claim, call.texts["otp"])
    if isinstance(result, ReachedLimit):
        raise limit_reached(result)
    if not result:
        raise wrong_code()
