"""The SWAP_USER setting: typed, and read when used, so that override_settings works."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NAMESPACE = "SWAP_USER"

T = TypeVar("T")


class Setting(Generic[T]):
    """
    One key of ``SWAP_USER``.

    Args:
        default: the value when the project names none; its type is the type that is asked for.
        minimum: the smallest number that is allowed.
        maximum: the largest number that is allowed.
        help_text: what it is, with its unit.
    """

    name: str

    def __init__(
        self,
        default: T,
        *,
        help_text: str,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> None:
        self.default = default
        self.help_text = help_text
        self.minimum = minimum
        self.maximum = maximum

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "T | Setting[T]":
        if instance is None:
            return self
        value = configured().get(self.name, self.default)
        # System checks say this earlier and better, but not every server runs them.
        if problem := self.problem(value):
            raise ImproperlyConfigured(f"{NAMESPACE}[{self.name!r}] {problem}")
        return value  # type: ignore[no-any-return]

    def problem(self, value: object) -> str | None:
        """Return what is wrong with ``value`` as the end of a sentence, or None."""
        if isinstance(self.default, int):
            # bool is an int to Python, never to a person who writes settings.
            if not isinstance(value, int) or isinstance(value, bool):
                return f"must be a whole number, not {value!r}."
            if self.minimum is not None and value < self.minimum:
                return f"must be at least {self.minimum}, not {value}."
            if self.maximum is not None and value > self.maximum:
                return f"must be at most {self.maximum}, not {value}."
        elif isinstance(self.default, str):
            if not isinstance(value, str):
                return f"must be a string, not {type(value).__name__}."
        elif not _is_list_of_strings(value):
            # Never printed: they may be keys.
            return "must be a list of strings."
        return None


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


class SwapUserSettings:
    """Every key of ``SWAP_USER`` with its default."""

    OTP_SENDER_CLASS = Setting(
        "swap_user.otp.senders.StdOutOTPSender",
        help_text="Dotted path of the sender that delivers codes.",
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
        help_text="The site's name in messages; empty: the current Site's name, or the host.",
    )
    OTP_ENCRYPTION_KEYS: Setting[Sequence[str]] = Setting(
        (),
        help_text="Keys for the secrets in the database: 32 random bytes each, in base64. The "
        "first encrypts, all decrypt; empty: derived from SECRET_KEY and its fallbacks.",
    )


swap_user_settings = SwapUserSettings()


def configured() -> Mapping[str, Any]:
    """
    Return the project's ``SWAP_USER``, empty when there is none.

    Raises:
        ImproperlyConfigured: it is not a dict.
    """
    value = getattr(settings, NAMESPACE, {})
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"{NAMESPACE} must be a dict, not {type(value).__name__}.")
    return value


def declared() -> Iterator[Setting[Any]]:
    """Yield every setting that exists, in the order in which they are documented."""
    for value in vars(SwapUserSettings).values():
        if isinstance(value, Setting):
            yield value
