"""The models of this package: what belongs to a user, and the steps of an upgrade."""

from swap_user.models.addresses import AddressChange
from swap_user.models.authenticators import Authenticator, RecoveryCode
from swap_user.models.enrollment import EnrollmentGrace
from swap_user.models.limits import MessageCount, WrongGuess
from swap_user.models.sessions import KnownBrowser, LoginSession
from swap_user.models.upgrades import PendingUpgrade

__all__ = [
    "AddressChange",
    "Authenticator",
    "EnrollmentGrace",
    "KnownBrowser",
    "LoginSession",
    "MessageCount",
    "PendingUpgrade",
    "RecoveryCode",
    "WrongGuess",
]
