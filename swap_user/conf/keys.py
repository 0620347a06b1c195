"""Every key of the SWAP_USER setting."""

from collections.abc import Iterator, Sequence
from typing import Any

from swap_user.conf.setting import NAMESPACE, Setting, configured

__all__ = ["NAMESPACE", "configured", "declared", "swap_user_settings"]


class SwapUserSettings:
    """Every key of ``SWAP_USER`` with its default."""

    OTP_SENDER_CLASS = Setting(
        "swap_user.otp.senders.StdOutOTPSender",
        help_text="Dotted path of the sender that delivers codes.",
    )
    OTP_DISPATCHER = Setting(
        "swap_user.otp.dispatchers.ThreadDispatcher",
        help_text="Dotted path of the dispatcher: where deliveries run.",
    )
    OTP_SEND_TIME_LIMIT = Setting(
        30,
        minimum=1,
        maximum=300,
        help_text="How long a sender may take for one message, in seconds.",
    )
    OTP_SEND_ATTEMPTS = Setting(
        3,
        minimum=1,
        maximum=10,
        help_text="How often a message is tried to be sent while its code is valid.",
    )
    OTP_CACHE = Setting(
        "default",
        help_text="The alias in CACHES whose Redis or Valkey records challenges and used codes.",
    )
    OTP_TIMEOUT = Setting(
        300,
        minimum=1,
        maximum=600,
        help_text="How long a sent code is accepted, in seconds (NIST SP 800-63B-4 3.1.3.2: "
        "at most ten minutes).",
    )
    OTP_DIGITS = Setting(
        6,
        minimum=6,
        maximum=10,
        help_text="How many digits a sent code has.",
    )
    OTP_RESEND_INTERVAL = Setting(
        30,
        minimum=0,
        maximum=600,
        help_text="How long a visitor waits before the next code can be asked for, in seconds.",
    )
    OTP_ISSUER = Setting(
        "",
        help_text="The site's name in messages and in authenticator apps; empty: the current "
        "Site's name, or the host.",
    )
    OTP_POLICY_CLASS = Setting(
        "swap_user.otp.policies.AnyCode",
        help_text="Dotted path of the policy: which codes a user must show to be let in.",
    )
    OTP_STAFF_MUST_ENROLL = Setting(
        False,
        help_text="Whether users of the OTP admin must enroll an authenticator before they see "
        "anything else of it.",
    )
    OTP_FRESH_LOGIN = Setting(
        600,
        minimum=30,
        maximum=86_400,
        help_text="How recent a login must be to change sign-in methods, in seconds.",
    )
    OTP_PERIOD = Setting(
        30,
        minimum=15,
        maximum=120,
        help_text="How long a code of a newly enrolled authenticator app lives, in seconds (NIST "
        "SP 800-63B-4 3.1.4.1: at most two minutes).",
    )
    OTP_PAST_STEPS = Setting(
        1,
        minimum=0,
        maximum=10,
        help_text="How many time steps an authenticator app's clock may be behind.",
    )
    OTP_FUTURE_STEPS = Setting(
        1,
        minimum=0,
        maximum=10,
        help_text="How many time steps an authenticator app's clock may be ahead.",
    )
    OTP_LOOK_AHEAD = Setting(
        10,
        minimum=1,
        maximum=100,
        help_text="How many codes a counter-based (HOTP) authenticator may have run ahead.",
    )
    OTP_GUESSES_PER_ACCOUNT = Setting(
        16,
        minimum=1,
        maximum=30,
        help_text="How many wrong short codes (under ten digits) browsers that are not known may "
        "try at one account in any 365 days; each counts once for every four codes that would "
        "be right.",
    )
    OTP_GUESSES_PER_BROWSER = Setting(
        50,
        minimum=1,
        maximum=1000,
        help_text="How many wrong short codes a browser that has logged in before may try at its "
        "account in any 365 days.",
    )
    OTP_GUESSES_PER_ADDRESS = Setting(
        100,
        minimum=1,
        maximum=100_000,
        help_text="How many wrong short codes may come from one client address in any hour.",
    )
    OTP_GUESSES_PER_CODE = Setting(
        5,
        minimum=1,
        maximum=10,
        help_text="How many wrong ten-digit codes a visitor may try in any hour.",
    )
    OTP_SENDS_PER_ACCOUNT = Setting(
        20,
        minimum=1,
        maximum=100,
        help_text="How many codes browsers that are not known may have sent to one account in any "
        "24 hours.",
    )
    OTP_SENDS_TO_NEWCOMERS = Setting(
        3,
        minimum=0,
        maximum=20,
        help_text="How many more may be sent to one account in any hour for each neighbourhood "
        "(/16, IPv6: /32), each to an address that has not asked for this account in 90 days.",
    )
    OTP_SENDS_TO_ALL_NEWCOMERS = Setting(
        1500,
        minimum=0,
        maximum=10_000,
        help_text="How many of these may be sent to one account in any 90 days.",
    )
    OTP_SENDS_PER_BROWSER = Setting(
        20,
        minimum=1,
        maximum=1000,
        help_text="How many codes a browser that has logged in before may have sent to its account "
        "in any 24 hours.",
    )
    OTP_SENDS_PER_ADDRESS = Setting(
        100,
        minimum=1,
        maximum=100_000,
        help_text="How many codes browsers that are not known may ask for from one client address "
        "in any hour.",
    )
    OTP_SENDS_PER_RECEIVER = Setting(
        2000,
        minimum=1,
        maximum=100_000,
        help_text="How many codes may go to one receiver in any 24 hours, for browsers that are "
        "not known.",
    )
    OTP_SENDS_PER_SITE = Setting(
        0,
        minimum=0,
        help_text="How many codes the whole site may send in any 24 hours for browsers that are "
        "not known; 0: any number.",
    )
    OTP_PHONE_PREFIXES: Setting[Sequence[str]] = Setting(
        (),
        help_text="How the phone numbers begin that codes are sent to, such as +49; empty: all.",
    )
    OTP_CLIENT_ADDRESS_HEADER = Setting(
        "",
        help_text="The header in which the site's own proxy writes the client address, such as "
        "X-Forwarded-For; empty: the peer of the connection is believed.",
    )
    OTP_PROXIES = Setting(
        1,
        minimum=1,
        maximum=10,
        help_text="How many proxies of the site's own add to that header; the entry counts that "
        "the outermost of them wrote.",
    )
    OTP_NOTICES: Setting[Sequence[str]] = Setting(
        (
            "new_browser_login",
            "authenticator_added",
            "authenticator_removed",
            "recovery_codes_generated",
            "recovery_code_used",
            "guesses_exhausted",
        ),
        help_text="Of what the owner of an account is told; what is left out is not told.",
    )
    OTP_ENCRYPTION_KEYS: Setting[Sequence[str]] = Setting(
        (),
        help_text="Keys for the secrets in the database: 32 random bytes each, in base64. The "
        "first encrypts, all decrypt; empty: derived from SECRET_KEY and its fallbacks.",
    )


swap_user_settings = SwapUserSettings()


def declared() -> Iterator[Setting[Any]]:
    """Yield every setting that exists, in the order in which they are documented."""
    for value in vars(SwapUserSettings).values():
        if isinstance(value, Setting):
            yield value
