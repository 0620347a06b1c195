"""
Bodies with values that lead on: the name of a user, and codes that are right.

Hypothesis draws placeholders, so that an example is the same each time. The state machine replaces
them just before the request.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support import username

SENT, APP, RECOVERY, FLOW = "<sent>", "<app>", "<recovery>", "<flow>"

# What a member has in place of the generated value; None leaves it. The first ones are tried first.
CHOICES: dict[str, list[str | None]] = {
    "username": [username(1)] * 6 + [username(2), username(3), None, None],
    "otp": [SENT] * 6 + [APP] * 3 + [RECOVERY, "00000000", None],
    "flow": [FLOW] * 8 + [None],
    "client": ["app"] * 3 + [None],
}

# Instead, for one operation.
OF_OPERATION: dict[str, dict[str, list[str | None]]] = {
    "ask_for_change": {"username": [username(3)] * 4 + [username(2), None]},
    "confirm_authenticator": {"otp": [APP] * 6 + [SENT, "00000000", None]},
    "confirm_change": {"otp": [SENT] * 6 + [APP, "00000000", None]},
}

# Operations that take a password instead of a code. It is generated as often as the code.
CODE_IS_OPTIONAL = {"log_in", "step_up"}


def lead_on(context: Any, body: Any) -> st.SearchStrategy[Any]:
    """Return bodies with such values. This is a hook of schemathesis (``flatmap_body``)."""
    if not isinstance(body, dict):
        return st.just(body)
    operation = context.operation.definition.raw["operationId"]
    choices = CHOICES | OF_OPERATION.get(operation, {})
    drawn = {
        name: st.sampled_from(choices[name])
        for name, value in body.items()
        # What makes a body invalid stays as it is.
        if name in choices and isinstance(value, str) and len(value) <= 64
    }
    if operation in CODE_IS_OPTIONAL and "otp" not in body:
        drawn["otp"] = st.sampled_from([SENT, SENT, APP, None])
    return st.fixed_dictionaries(drawn).map(
        lambda chosen: body | {name: value for name, value in chosen.items() if value is not None}
    )
