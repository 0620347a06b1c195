"""The operations of the API, by what they are about."""

from swap_user.api.resources import (
    authenticators,
    codes,
    recovery_codes,
    session,
    sessions,
    sign_up,
    username,
)

OPERATIONS = (
    *codes.OPERATIONS,
    *session.OPERATIONS,
    *sessions.OPERATIONS,
    *authenticators.OPERATIONS,
    *recovery_codes.OPERATIONS,
    *username.OPERATIONS,
    *sign_up.OPERATIONS,
)
"""All operations, in the order of the documentation."""
