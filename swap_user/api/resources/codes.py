"""Ask for a code."""

import time
from http import HTTPStatus

from swap_user.api.answers import another_code_needed, flow_member, times
from swap_user.api.members import CHANNEL, IN_FLOW, OF_CLIENT, USERNAME
from swap_user.api.names import username_of
from swap_user.api.operations import Answer, Call, operation
from swap_user.api.password import is_asked_first
from swap_user.api.problems import invalid
from swap_user.otp.delivery.request import send_code
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.policies import PASSWORD
from swap_user.otp.senders import offered_channels
from swap_user.otp.visitors import code_request


@operation(
    "POST",
    "code/",
    takes=(*OF_CLIENT, USERNAME.optional(), CHANNEL),
    returns={202: "Asked"},
    problems=("invalid", "flow_ended", "another_code_needed"),
    links={202: {"log_in": IN_FLOW, "ask_for_code": IN_FLOW, "step_up": {}}},
)
def ask_for_code(call: Call) -> Answer:
    """
    Send a code, if there is such a user who may log in; the answer is the same for every name.

    A repetition before ``resend_in`` sends nothing.
    """
    username = username_of(call)
    channels = {each.name: str(each.label) for each in offered_channels()}
    channel = call.texts.get("channel", "")
    if channel and channel not in channels:
        raise invalid({"channel": "There is no such channel."})
    if is_asked_first(call, username):
        raise another_code_needed(call, AnotherCodeNeeded((frozenset({PASSWORD}),)))
    session = call.request.session
    asked = code_request.load(session)
    if not (asked and asked.username == username and asked.resend_in(time.time())):
        send_code(call.request, username, channel=channel)
        asked = code_request.load(session)
    body = {**times(asked), **flow_member(call), **({"channels": channels} if channels else {})}
    return Answer(body, HTTPStatus.ACCEPTED)


OPERATIONS = (ask_for_code,)
