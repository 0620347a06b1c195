"""The members of the bodies of requests."""

from swap_user.api import clients
from swap_user.api.body import Member
from swap_user.models import Authenticator
from swap_user.otp.pages.login.forms import CODE_MAX_LENGTH

USERNAME = Member("username", "The username as typed: an email address, a phone number or a name.")

OTP = Member(
    "otp",
    "The code as typed: a sent code, a code of an authenticator app or a recovery code.",
    max_length=CODE_MAX_LENGTH,
    secret=True,
)

PASSWORD = Member(
    "password",
    "The password, where the policy asks for one. It comes before the code.",
    required=False,
    max_length=4096,
    secret=True,
)

CLIENT = Member(
    "client",
    "app: the answer has a flow or a session token, and no cookie counts. The default is browser.",
    required=False,
    choices=(clients.APP, clients.BROWSER),
)

FLOW = Member(
    "flow",
    "The flow of an app, from its last answer.",
    required=False,
    max_length=12_000,
)

KNOWN_BROWSER = Member(
    "known_browser",
    "What an app has got at an earlier login. Then it has limits of its own, which strangers "
    "can’t use up. A browser has it in a cookie.",
    required=False,
    max_length=4096,
)

OF_CLIENT = (CLIENT, FLOW, KNOWN_BROWSER)
"""The members that say who a client is that is not logged in."""

IN_FLOW = {"flow": "/flow", "username": "$request.body#/username"}
"""What the next request of the same flow takes, for the links of the description."""

CHANNEL = Member(
    "channel",
    "How the code is sent: the name of a channel of the last answer. The default is the first one.",
    required=False,
    max_length=32,
)

FIELDS = Member(
    "fields",
    "What else the site asks for at a sign-up: the values of the fields of its form.",
    required=False,
    is_form=True,
)

NAME = Member("name", "The name of the authenticator, to tell it from others.", required=False)

TYPE = Member(
    "type",
    "totp: codes by time, the default. hotp: codes by counter.",
    required=False,
    choices=tuple(str(each) for each in Authenticator.Type.values if each != "sent"),
)
