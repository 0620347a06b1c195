"""
Enrollment: an authenticator app gets a secret, and shows by a code that it has it.

Until then nothing is in the database and nothing logs in.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyotp
import segno
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import enrolled, open_secret, seal
from swap_user.otp.challenges.login_state import Pending
from swap_user.otp.crypto import hotp
from swap_user.otp.exceptions import EncryptionError, InvalidCode
from swap_user.otp.site_name import site_name
from swap_user.otp.store import keys
from swap_user.otp.verification import consumption
from swap_user.otp.verification.candidates import candidates, choose
from swap_user.signals import authenticator_added
from swap_user.users import usernames

# How long somebody may take to scan the picture and type what the app shows.
SECONDS = 600

# Each makes more codes right at once, which makes guessing easier and checking slower.
MAX_PER_USER = 20

# What an authenticator app's code may have; sent codes may be longer.
MIN_DIGITS, MAX_DIGITS = 6, 8

_NOTHING = Pending(challenges=[], far=None, shown=frozenset())


@dataclass(frozen=True, slots=True)
class Enrollment:
    """
    An authenticator that is not confirmed yet.

    Args:
        authenticator: the row it would become, its secret encrypted already.
        issuer: what the app shows as the site's name.
        expires_at: Unix time in seconds from which on it can't be confirmed.
    """

    authenticator: Authenticator
    issuer: str
    expires_at: float

    @property
    def secret(self) -> str:
        """The secret in base32, without padding: for those who can't scan."""
        return open_secret(self.authenticator).rstrip("=")

    @property
    def provisioning_uri(self) -> str:
        """
        What the QR code says (Key URI format).

        The issuer stands in front of the account and as a parameter, the same in both; it has no
        colon, which would end it.
        """
        authenticator = self.authenticator
        options: dict[str, Any] = {
            "s": self.secret,
            "digits": authenticator.digits,
            "digest": hotp.ALGORITHMS[authenticator.algorithm],
        }
        app: pyotp.TOTP | pyotp.HOTP
        if authenticator.type == Authenticator.Type.HOTP:
            app = pyotp.HOTP(**options)
        else:
            app = pyotp.TOTP(**options, interval=authenticator.period)
        username = str(authenticator.user.get_username())
        return app.provisioning_uri(name=username, issuer_name=self.issuer or None)

    def qr_svg(self) -> str:
        """Return the QR code as an SVG element, dark on light whatever the page's colours."""
        # The lowest level holds the longest names; segno raises it where there is room.
        picture = segno.make(self.provisioning_uri, micro=False, error="l")
        return picture.svg_inline(scale=5, border=4, dark="#000", light="#fff")

    @sensitive_variables("typed", "code")
    def confirm(self, typed: object) -> Authenticator:
        """
        Make it count, if the code is right; the code is used up (RFC 6238 section 5.2).

        Args:
            typed: what the app shows, as somebody typed it.

        Returns:
            The authenticator, saved.

        Raises:
            InvalidCode: the code is wrong, or it took too long.
            LoginUnavailable: Redis can't be reached.
        """
        now = time.time()
        code = hotp.normalize(typed)
        if code is None or now >= self.expires_at:
            raise InvalidCode("The code is wrong, or the enrollment expired.")
        match = choose(code, candidates([self.authenticator], _NOTHING, now=now))
        if match is None:
            raise InvalidCode("The code is wrong.")
        account_key = keys.account_key(usernames.normalize(self.authenticator.user.get_username()))
        if not consumption.mark_in_redis(account_key, self.authenticator, match.counter):
            raise InvalidCode("The code was used.")
        authenticator = self.authenticator
        authenticator.consumed, authenticator.last_used_at = match.counter, timezone.now()
        try:
            with transaction.atomic():
                authenticator.save(force_insert=True)
        except IntegrityError:
            raise InvalidCode("This enrollment was confirmed already.") from None
        authenticator_added.send(
            Authenticator, user=authenticator.user, authenticator=authenticator
        )
        return authenticator

    def pack(self) -> dict[str, Any]:
        """Return it as plain data, for a session; the secret is in it as a ciphertext."""
        authenticator = self.authenticator
        return {
            "id": str(authenticator.pk),
            "type": authenticator.type,
            "name": authenticator.name,
            "secret": authenticator.secret,
            "algorithm": authenticator.algorithm,
            "digits": authenticator.digits,
            "period": authenticator.period,
            "issuer": self.issuer,
            "expires_at": self.expires_at,
        }

    @classmethod
    def unpack(cls, user: Any, packed: object) -> Enrollment | None:
        """
        Return what ``pack`` gave for the same user, or None: for another's, and when it expired.

        Args:
            user: whose enrollment it is; the secret is bound to them.
            packed: what the session holds.
        """
        match packed:
            case {
                "id": str(pk),
                "issuer": str(issuer),
                "expires_at": int() | float() as expires_at,
                **fields,
            } if time.time() < expires_at:
                named: dict[str, Any] = {str(key): value for key, value in fields.items()}
                try:
                    authenticator = Authenticator(id=UUID(pk), user=user, **named)
                    open_secret(authenticator)
                except (EncryptionError, TypeError, ValueError):
                    return None
                return cls(authenticator, issuer, expires_at)
            case _:
                return None


def is_full(user: AbstractBaseUser) -> bool:
    """Say whether the user has as many authenticators as one may have."""
    return enrolled(user).count() >= MAX_PER_USER


def enroll(
    user: AbstractBaseUser,
    type: str = "totp",
    name: str = "",
    *,
    algorithm: str = "SHA1",
    digits: int = 6,
    period: int | None = None,
    issuer: str | None = None,
) -> Enrollment:
    """
    Begin the enrollment of an authenticator.

    Args:
        user: whose it will be.
        type: "totp" (by time) or "hotp" (by counter).
        name: what the user calls it.
        algorithm: "SHA1", which every app knows, "SHA256" or "SHA512".
        digits: 6 to 8.
        period: how long a code lives, in seconds; None: ``OTP_PERIOD``.
        issuer: the site's name in the app; None: ``OTP_ISSUER``, the current Site or nothing.

    Returns:
        What the user needs to set their app up, and ``confirm(code)`` to finish.

    Raises:
        ValueError: an argument is out of its range, or the user has as many as one may have.
    """
    if is_full(user):
        raise ValueError(f"A user has at most {MAX_PER_USER} authenticators; remove one first.")
    owner: Any = user
    authenticator = Authenticator(
        user=owner,
        type=type,
        name=" ".join(name.split()),
        algorithm=algorithm,
        digits=digits,
        period=swap_user_settings.OTP_PERIOD if period is None else period,
    )
    _require_sense(authenticator)
    seal(authenticator, hotp.generate_secret(algorithm))
    return Enrollment(
        authenticator=authenticator,
        issuer=(site_name("") if issuer is None else issuer).replace(":", " ").strip(),
        expires_at=time.time() + SECONDS,
    )


def _require_sense(authenticator: Authenticator) -> None:
    if authenticator.type not in (Authenticator.Type.TOTP, Authenticator.Type.HOTP):
        raise ValueError(f'type must be "totp" or "hotp", not {authenticator.type!r}.')
    if not MIN_DIGITS <= authenticator.digits <= MAX_DIGITS:
        raise ValueError(f"digits must be {MIN_DIGITS} to {MAX_DIGITS}.")
    if not 1 <= authenticator.period <= 120:
        raise ValueError("period must be 1 to 120 seconds.")
    try:
        authenticator.full_clean(exclude=["user", "secret"], validate_unique=False)
    except ValidationError as error:
        raise ValueError("; ".join(error.messages)) from None
