"""The keys of the SWAP_USER setting."""

from collections.abc import Iterator, Sequence
from typing import Any

from swap_user.conf.rates import Limit, LimitsSetting
from swap_user.conf.setting import NAMESPACE, FlagOrPath, Setting, configured

__all__ = ["NAMESPACE", "configured", "declared", "swap_user_settings"]


class SwapUserSettings:
    """All keys of ``SWAP_USER``. Each attribute returns the project's value or the default."""

    OTP_SENDER_CLASS = Setting(
        "swap_user.otp.senders.StdOutOTPSender",
        help_text="Dotted path of the sender that delivers codes.",
    )
    OTP_DISPATCHER = Setting(
        "swap_user.otp.dispatchers.ThreadDispatcher",
        help_text="Dotted path of the dispatcher that runs deliveries.",
    )
    OTP_SEND_TIME_LIMIT = Setting(
        30,
        minimum=1,
        maximum=300,
        help_text="Time limit for one call of the sender, in seconds.",
    )
    OTP_SEND_ATTEMPTS = Setting(
        3,
        minimum=1,
        maximum=10,
        help_text="Maximum number of attempts to send a message while its code is valid.",
    )
    OTP_CACHE = Setting(
        "default",
        help_text="Alias in CACHES of the Redis or Valkey server that stores challenges, limits "
        "and used codes.",
    )
    OTP_TIMEOUT = Setting(
        300,
        minimum=1,
        maximum=600,
        help_text="Lifetime of a sent code, in seconds (NIST SP 800-63B-4 section 3.1.3.2: at most "
        "ten minutes).",
    )
    OTP_DIGITS = Setting(
        6,
        minimum=6,
        maximum=10,
        help_text="Number of digits of a sent code.",
    )
    OTP_RESEND_INTERVAL = Setting(
        30,
        minimum=0,
        maximum=600,
        help_text="Time that a visitor must wait on the pages before the next code, in seconds.",
    )
    OTP_ISSUER = Setting(
        "",
        help_text="Name of the site in messages and authenticator apps. Empty: the name of the "
        "current Site, or the host name.",
    )
    OTP_POLICY_CLASS = Setting(
        "swap_user.otp.policies.AnyCode",
        help_text="Dotted path of the policy that decides which factors a login requires.",
    )
    OTP_STAFF_MUST_ENROLL = Setting(
        False,
        help_text="Whether users of the OTP admin site must enroll an authenticator before they "
        "can open its other pages.",
    )
    OTP_SIGN_UP = FlagOrPath(
        False,
        help_text="Whether visitors can create an account on the site's own pages. A dotted path "
        "names the form that they fill in.",
    )
    OTP_FRESH_LOGIN = Setting(
        600,
        minimum=30,
        maximum=86_400,
        help_text="Maximum age of a login with which sign-in methods can be changed, in seconds.",
    )
    OTP_SESSION_RETENTION = Setting(
        2_592_000,
        minimum=0,
        maximum=31_536_000,
        help_text="How long the browser and the network of a session are stored after its last "
        "request, in seconds. 0: they are never stored.",
    )
    OTP_PERIOD = Setting(
        30,
        minimum=15,
        maximum=120,
        help_text="Time step of newly enrolled authenticator apps, in seconds (NIST SP 800-63B-4 "
        "section 3.1.4.1: at most two minutes).",
    )
    OTP_PAST_STEPS = Setting(
        1,
        minimum=0,
        maximum=10,
        help_text="Number of time steps that the clock of an authenticator app may be behind.",
    )
    OTP_FUTURE_STEPS = Setting(
        1,
        minimum=0,
        maximum=10,
        help_text="Number of time steps that the clock of an authenticator app may be ahead.",
    )
    OTP_LOOK_AHEAD = Setting(
        10,
        minimum=1,
        maximum=100,
        help_text="Number of unused codes that a counter-based (HOTP) authenticator may be ahead.",
    )
    OTP_LIMITS = LimitsSetting(
        (
            Limit(
                "guesses_per_account",
                "16/365d",
                maximum=30,
                help_text="Wrong short codes (under ten digits) that all unknown browsers "
                "together may try at one account. A guess counts once for every four codes that "
                "would be accepted.",
            ),
            Limit(
                "known_guesses_per_account",
                "50/365d",
                maximum=1000,
                help_text="Wrong short codes that all known browsers of an account together may "
                "try at it.",
            ),
            Limit(
                "guesses_per_address",
                "100/1h",
                maximum=100_000,
                help_text="Wrong short codes that unknown browsers at one client address may try, "
                "at all accounts together. An IPv6 /48 may try ten times as many.",
            ),
            Limit(
                "asks_per_address",
                "100/1h",
                maximum=100_000,
                help_text="Codes that unknown browsers at one client address may request, for all "
                "accounts together. An IPv6 /48 may request ten times as many.",
            ),
            Limit(
                "messages_per_account",
                "20/1d",
                maximum=100,
                help_text="Messages that all unknown browsers together may request for one "
                "account.",
            ),
            Limit(
                "known_messages_per_account",
                "40/1d",
                maximum=1000,
                help_text="Messages that all known browsers of an account together may request "
                "for it.",
            ),
            Limit(
                "newcomers_per_account",
                "1250/90d",
                maximum=10_000,
                help_text="Extra messages for one account after messages_per_account is used up, "
                "for networks that have not requested a code for this account within 90 days.",
            ),
            Limit(
                "newcomers_per_neighbourhood",
                "3/1h",
                maximum=20,
                help_text="Extra messages of this kind for one account that one neighbourhood (a "
                "/16, or a /32 in IPv6) may request.",
            ),
            Limit(
                "messages_per_receiver",
                "20/1d",
                maximum=100_000,
                help_text="Messages to one email address or phone number that all unknown "
                "browsers together may request, for all accounts together.",
            ),
            Limit(
                "known_messages_per_receiver",
                "40/1d",
                maximum=100_000,
                help_text="Messages to one email address or phone number that all known browsers "
                "together may request, for all accounts together. Notices count too.",
            ),
            Limit(
                "unknown_messages_per_receiver",
                "5/1d",
                maximum=20,
                help_text="Messages to one email address or phone number that no account has: "
                "codes that confirm a new address, or a sign-up.",
            ),
            Limit(
                "unknown_messages_per_site",
                "500/1d",
                maximum=1_000_000_000,
                help_text="Messages of the whole site to addresses that no account has. It limits "
                "what strangers can make a site spend on SMS.",
            ),
            Limit(
                "messages_per_site",
                "1000/1d",
                maximum=1_000_000_000,
                required=False,
                help_text="Messages of the whole site. None: no limit.",
            ),
        ),
        help_text="Limits that differ from their defaults, as rates, such as "
        '{"messages_per_site": "1000/1d"}.',
    )
    OTP_PHONE_PREFIXES: Setting[Sequence[str]] = Setting(
        (),
        help_text="Prefixes of the phone numbers that codes are sent to, such as +49. Empty: all "
        "numbers.",
    )
    OTP_CLIENT_ADDRESS_HEADER = Setting(
        "",
        help_text="Header in which the project's own proxy writes the client address, such as "
        "X-Forwarded-For. Empty: the address of the connection (REMOTE_ADDR) is used.",
    )
    OTP_PROXIES = Setting(
        1,
        minimum=0,
        maximum=10,
        help_text="Number of the project's own proxies that add to the header. The entry of the "
        "outermost one is used. 0: there is no proxy, so the address of the connection is the "
        "visitor's.",
    )
    OTP_NOTICES: Setting[Sequence[str]] = Setting(
        (
            "new_browser_login",
            "authenticator_added",
            "authenticator_removed",
            "recovery_codes_generated",
            "recovery_code_used",
            "guesses_exhausted",
            "receiver_changed",
        ),
        help_text="Events that the owner of an account is notified about.",
    )
    OTP_ENCRYPTION_KEYS: Setting[Sequence[str]] = Setting(
        (),
        help_text="Keys for the secrets in the database: 32 random bytes each, in base64. The "
        "first key encrypts, all keys decrypt. Empty: keys are derived from SECRET_KEY and "
        "SECRET_KEY_FALLBACKS.",
    )


swap_user_settings = SwapUserSettings()


def declared() -> Iterator[Setting[Any]]:
    """Yield all settings, in the order of the documentation."""
    for value in vars(SwapUserSettings).values():
        if isinstance(value, Setting):
            yield value
